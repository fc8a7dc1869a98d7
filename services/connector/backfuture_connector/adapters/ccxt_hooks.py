"""What our ccxt classes do differently: sign elsewhere, share one budget, keep digits, and hand raw pushes over.

:class:`Hooks` stands before a ccxt class in the method resolution order; ccxt keeps transport, login, ping, reconnect.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from backfuture_common.contracts.key_vault import PASSPHRASE_MARK

from backfuture_connector.adapters import ccxt_calls
from backfuture_connector.core.budget import Priority
from backfuture_connector.core.failures import VenueError, local_failure
from backfuture_connector.ports import Lease, Signer

PASSPHRASE = PASSPHRASE_MARK.decode()
"""The signer puts the real one in its place."""
KEEP_ALIVE_MS = 5_000
"""Ping every 5 s: a link is known to be dead in seconds, not minutes."""
TOO_MANY = frozenset({418, 429})


class Budget(Protocol):
    """Grants requests. Raises :class:`VenueError` (``rate_limited``, nothing sent) when it would be too late."""

    async def take(self, cost: float, priority: Priority, account: str | None, *, before_s: float) -> None: ...

    def pause(self, account: str | None, retry_after_ms: int | None) -> None: ...


@dataclass(slots=True)
class Wiring:
    """What a ccxt object is connected to. ``account`` None: it is anonymous. It signs with ``lease``."""

    budget: Budget
    account: str | None = None
    signer: Signer | None = None
    lease: Lease | None = None
    on_push: Callable[[Mapping[str, object]], None] | None = None
    passphrase_mac: bytes | None = field(default=None, repr=False)


class Base(Protocol):
    """The methods of ccxt's base class that the hooks lean on."""

    clients: dict[str, Any]  # ccxt's own class, untyped

    async def fetch(self, url: str, method: str, headers: object, body: object) -> object: ...

    async def fetch2(
        self, path: str, api: list[str], method: str, params: dict[str, object], config: dict[str, object]
    ) -> object: ...

    def calculate_rate_limiter_cost(
        self, api: list[str], method: str, path: str, params: dict[str, object], config: dict[str, object]
    ) -> float: ...

    async def negotiate_helper(self, private: object, connect_id: str, params: dict[str, object]) -> str | None: ...

    async def keep_alive_listen_key(self, listen_key: str, params: dict[str, object]) -> None: ...


class Hooks:
    """Common to all venues."""

    wiring: Wiring

    def hmac(self, request: bytes, secret: bytes, algorithm: object = hashlib.sha256, digest: str = "hex") -> object:
        """Have the signer make the MAC: the secret is not in this process. Blocks for at most the signer's time-out."""
        wiring = self.wiring
        lease = wiring.lease
        if wiring.signer is None or lease is None or secret != lease.handle.encode() or algorithm is not hashlib.sha256:
            raise VenueError(local_failure("signer_refused", "ForeignSignature"))
        if request == PASSPHRASE_MARK:  # the same for every request of a lease
            if wiring.passphrase_mac is None:
                wiring.passphrase_mac = wiring.signer.sign(lease, request)
            mac = wiring.passphrase_mac
        else:
            mac = wiring.signer.sign(lease, request)
        if digest == "hex":
            return mac.hex()
        return base64.b64encode(mac).decode() if digest == "base64" else mac

    async def fetch2(
        self,
        path: str,
        api: list[str],
        method: str = "GET",
        params: dict[str, object] | None = None,
        config: dict[str, object] | None = None,
    ) -> object:
        """Wait for our own budget instead of ccxt's limiter, then go on."""
        base = cast("Base", super())
        call, given, settings = ccxt_calls.current(), params or {}, config or {}
        cost = base.calculate_rate_limiter_cost(api, method, path, given, settings)
        account = self.wiring.account if any("rivate" in part for part in api) else None
        await self.wiring.budget.take(cost, call.priority, account, before_s=call.send_before_s)
        return await base.fetch2(path, api, method, given, settings)

    async def fetch(self, url: str, method: str = "GET", headers: object = None, body: object = None) -> object:
        """Send, unless the call's time for that has passed (the signature in it would be old)."""
        if not ccxt_calls.current().sending():
            raise VenueError(local_failure("network", "SentTooLate"))
        return await cast("Base", super()).fetch(url, method, headers, body)

    def on_rest_response(self, code: int, *rest: Any) -> str:
        """Keep status and body of the answer for classification; tell the budget when the venue wants fewer requests.

        ccxt passes reason, url, method, response headers, response body, request headers, request body.
        """
        headers, body = cast("Mapping[str, str]", rest[3]), cast("str", rest[4]).strip()
        ccxt_calls.current().answered(code, body)
        if code in TOO_MANY:
            self.wiring.budget.pause(self.wiring.account, _retry_after_ms(headers))
        return body

    def on_json_response(self, body: str) -> object:
        """Parse with every fraction kept as the text the venue wrote."""
        return json.loads(body, parse_float=str)

    def amount_to_precision(self, symbol: str, amount: object) -> object:  # noqa: ARG002  (ccxt's signature)
        """Send the amount as it is: its steps were checked before, exactly."""
        return amount

    def price_to_precision(self, symbol: str, price: object) -> object:  # noqa: ARG002  (ccxt's signature)
        """Send the price as it is: rounding could make it worse than decided."""
        return price

    def push(self, client: object, message: Mapping[str, object]) -> None:  # noqa: ARG002  (ccxt's signature)
        """Hand a raw push over. The waiting ``watch`` call is never resolved: it only ends with its connection."""
        if self.wiring.on_push is not None:
            self.wiring.on_push(message)

    handle_ticker = handle_order = handle_my_trade = push


class KucoinHooks(Hooks):
    """KuCoin tells its own ping interval with the token; ours is shorter."""

    async def negotiate_helper(self, private: object, connect_id: str, params: dict[str, object]) -> str | None:
        base = cast("Base", super())
        url = await base.negotiate_helper(private, connect_id, params)
        clients: dict[str, Any] = getattr(self, "clients", {})  # ccxt's own class, untyped
        if url in clients:
            clients[url].keepAlive = KEEP_ALIVE_MS
        return url


class MexcHooks(Hooks):
    """MEXC: spot only, so the futures' markets are not asked for."""

    async def fetch_swap_markets(self, params: object = None) -> list[object]:  # noqa: ARG002  (ccxt's signature)
        return []

    async def keep_alive_listen_key(self, listen_key: str | None, params: dict[str, object] | None = None) -> None:
        """Renew the stream's key while it is the one in use; ccxt would renew those of dropped streams for ever."""
        if listen_key is not None and getattr(self, "options", {}).get("listenKey") == listen_key:
            await cast("Base", super()).keep_alive_listen_key(listen_key, params or {})


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("retry-after", "").isdigit():
        return int(lower["retry-after"]) * 1_000
    if lower.get("gw-ratelimit-reset", "").isdigit():
        return int(lower["gw-ratelimit-reset"])
    return None
