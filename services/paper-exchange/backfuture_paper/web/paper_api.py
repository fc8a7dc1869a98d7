"""``/paper``: the paper world's own management, which no real exchange has. For this machine only."""

from decimal import Decimal

import msgspec
from aiohttp import web

from backfuture_paper.core.instruments import Venue
from backfuture_paper.core.keys import ApiKey, Right
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.market import Market
from backfuture_paper.web.json_api import Answer, loopback_only, read, readable
from backfuture_paper.world import World

_START_BALANCES = {"USDT": Decimal(10_000)}
_ALL = 1_000_000


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make: on a new account with ``balances``, or one more for an ``account`` that exists."""

    venue: Venue
    rights: tuple[Right, ...] = ("read", "trade")
    ip_list: tuple[str, ...] = ()
    expires_days: int | None = None
    balances: dict[str, Decimal] | None = None
    account: str | None = None


class PaperApi:
    """Makes keys and shows accounts exactly as they are: what tests and demos rely on."""

    def __init__(self, world: World, market: Market) -> None:
        self._world = world
        self._market = market

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/paper/keys", loopback_only(self.create_key)),
            web.get("/paper/accounts/{api_key}", loopback_only(self.account)),
            web.get("/paper/prices", loopback_only(self.prices)),
        ]

    async def create_key(self, request: web.Request) -> Answer:
        wanted = await read(request, NewKey)
        account = wanted.account
        if account is None:
            balances = _START_BALANCES if wanted.balances is None else wanted.balances
            if any(amount < 0 for amount in balances.values()):
                raise ExchangeRefusal("bad_parameter", "balances")
            account = self._world.open_account(wanted.venue, balances)
        elif not self._world.has_account(wanted.venue, account):
            raise ExchangeRefusal("bad_parameter", "account")
        key = self._world.create_key(account, wanted.rights, wanted.ip_list, wanted.expires_days)
        return _credentials(key)

    async def account(self, request: web.Request) -> Answer:
        """Show everything of the account behind a key: balances, all orders and fills, all other movements."""
        key = self._world.keys.get(request.match_info["api_key"])
        if key is None:
            raise web.HTTPNotFound(text="no such key\n")
        store, account = self._world.store, key.account
        balances = self._world.balances(account)
        return {
            "account": account,
            "venue": key.venue,
            "rights": sorted(key.rights),
            "balances": {coin: readable({"free": b.free, "held": b.held}) for coin, b in sorted(balances.items())},
            "orders": [readable(order) for order in reversed(store.orders(account, limit=_ALL))],
            "fills": [readable(fill) for fill in reversed(store.fills(account, limit=_ALL))],
            "movements": [readable(movement) for movement in store.movements(account)],
        }

    async def prices(self, _request: web.Request) -> Answer:
        return {symbol: readable(quote) for symbol, quote in self._market.quotes().items()}


def _credentials(key: ApiKey) -> Answer:
    shown: dict[str, object] = {"account": key.account, "api_key": key.api_key, "secret": key.secret}
    return shown | {"passphrase": key.passphrase} if key.passphrase else shown
