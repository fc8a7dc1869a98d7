"""KuCoin's signed endpoints: key, account, orders, fills, and money out."""

from collections.abc import Callable
from typing import Literal

from backfuture_common.domain.money import plain

from backfuture_paper.core.exact import subtract
from backfuture_paper.core.keys import RIGHTS, Right
from backfuture_paper.core.orders import Order
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.kucoin import codes, render
from backfuture_paper.kucoin.auth import RIGHT_NAMES
from backfuture_paper.kucoin.orders import order_request
from backfuture_paper.kucoin.public import PublicEndpoints
from backfuture_paper.records import Movement
from backfuture_paper.web.call import Call, Json, Sent, decimal_of
from backfuture_paper.web.endpoints import Endpoint, Handler
from backfuture_paper.world import World

UnknownOrder = Literal["null", "error"]
_VENUE: Literal["kucoin"] = "kucoin"


class PrivateEndpoints:
    """What one key may see and do. ``unknown_order``: how a question for an order that does not exist is answered."""

    def __init__(self, world: World, public: PublicEndpoints, unknown_order: UnknownOrder) -> None:
        self._world = world
        self._exchange = world.exchange(_VENUE)
        self._public = public
        self._unknown_order = unknown_order

    def table(self) -> list[Endpoint]:
        return [*self._account_table(), *self._order_table(), *self._money_table()]

    def _account_table(self) -> list[Endpoint]:
        def read(path: str, handler: Handler, weight: int) -> Endpoint:
            return Endpoint(method="GET", path=path, handler=handler, right="read", weight=weight, pool="management")

        return [
            read("/api/v1/user/api-key", self.api_key, 20),
            read("/api/v1/accounts", self.accounts, 5),
            read("/api/v1/trade-fees", self.trade_fees, 3),
            read("/api/v1/hf/accounts/opened", lambda _call: True, 30),
            read("/api/ua/v1/account/mode", lambda _call: {"selfAccountMode": "CLASSIC"}, 30),
            read("/api/v3/margin/symbols", lambda call: {"timestamp": call.now_ms, "items": []}, 3),
            read("/api/v1/isolated/symbols", lambda _call: [], 3),
            read("/api/v3/market/orderbook/level2", lambda call: self._public.level2(call, 10_000), 3),
            Endpoint(
                method="POST",
                path="/api/v1/bullet-private",
                handler=self._public.bullet,
                right="read",
                weight=10,
                pool="spot",
            ),
        ]

    def _order_table(self) -> list[Endpoint]:
        def spot(method: str, path: str, handler: Handler, right: Right, weight: int = 2) -> Endpoint:
            return Endpoint(
                method=method, path=f"/api/v1/{path}", handler=handler, right=right, weight=weight, pool="spot"
            )

        return [
            spot("POST", "hf/orders", self.place, "trade", 1),
            spot("POST", "hf/orders/sync", self.place_sync, "trade", 1),
            spot("POST", "hf/orders/test", self.test, "trade", 1),
            spot("POST", "orders/test", self.test, "trade", 1),
            spot("POST", "hf/orders/multi", self.place_many, "trade", 1),
            spot("DELETE", "hf/orders", self.cancel_symbol, "trade"),
            spot("DELETE", "hf/orders/cancelAll", self.cancel_all, "trade", 30),
            spot("DELETE", "hf/orders/{orderId}", self.cancel, "trade", 1),
            spot("DELETE", "hf/orders/sync/{orderId}", self.cancel_sync, "trade", 1),
            spot("DELETE", "hf/orders/client-order/{clientOid}", self.cancel_by_client_id, "trade", 1),
            spot("DELETE", "hf/orders/sync/client-order/{clientOid}", self.cancel_sync, "trade", 1),
            spot("GET", "hf/orders/active", self.active, "read"),
            spot("GET", "hf/orders/done", self.done, "read"),
            spot("GET", "hf/orders/{orderId}", self.order, "read"),
            spot("GET", "hf/orders/client-order/{clientOid}", self.order, "read"),
            spot("GET", "hf/fills", self.fills, "read"),
        ]

    def _money_table(self) -> list[Endpoint]:
        def post(path: str, handler: Handler, right: Right) -> Endpoint:
            return Endpoint(method="POST", path=path, handler=handler, right=right, weight=5, pool="management")

        return [
            post("/api/v3/withdrawals", self.withdraw, "withdraw"),
            post("/api/v1/withdrawals", self.withdraw, "withdraw"),
            post("/api/v3/accounts/universal-transfer", self.transfer, "transfer"),
            post("/api/v2/accounts/inner-transfer", self.transfer, "transfer"),
        ]

    # -- key and account

    def api_key(self, call: Call) -> Json:
        key = call.signer
        account = self._world.account(key.account)
        return {
            "remark": "paper",
            "apiKey": key.api_key,
            "apiVersion": 3,
            "permission": ",".join(RIGHT_NAMES[right] for right in RIGHTS if right in key.rights),
            "ipWhitelist": ",".join(_masked(entry) for entry in key.ip_list),
            "createdAt": key.created_ms,
            "uid": account.uid,
            "isMaster": True,
        }

    def accounts(self, call: Call) -> Json:
        kind = call.params.get("type") or "trade"
        wanted = call.params.get("currency")
        balances = self._world.balances(call.account)
        return [
            render.account(coin, balance, kind, call.account)
            for coin, balance in sorted(balances.items())
            if wanted in {None, coin}
        ]

    def trade_fees(self, call: Call) -> Json:
        rules = self._exchange.rules
        return [
            {"symbol": market, "takerFeeRate": plain(rules.taker_fee), "makerFeeRate": plain(rules.maker_fee)}
            for market in call.need("symbols").split(",")
        ]

    # -- orders

    def place(self, call: Call) -> Json:
        order = self._place(call, call.json_object())
        return {"orderId": order.id, "clientOid": order.request.client_id}

    def place_sync(self, call: Call) -> Json:
        return _sync(self._place(call, call.json_object()))

    def test(self, call: Call) -> Json:
        request = order_request(call.json_object())
        self._exchange.check(call.account, request)
        return {"orderId": "", "clientOid": request.client_id}

    def place_many(self, call: Call) -> Json:
        wanted = call.json_object().get("orderList")
        if not isinstance(wanted, list):
            raise ExchangeRefusal("bad_parameter", "orderList")
        return [self._place_one_of_many(call, body) for body in wanted]

    def _place_one_of_many(self, call: Call, body: object) -> Json:
        if not isinstance(body, dict):
            raise ExchangeRefusal("bad_parameter", "orderList")
        try:
            order = self._place(call, body)
        except ExchangeRefusal as refusal:
            return {"success": False, "failMsg": codes.refused(refusal).message}
        return {"orderId": order.id, "clientOid": order.request.client_id, "success": True}

    def _place(self, call: Call, body: Sent) -> Order:
        return self._world.place(_VENUE, call.account, order_request(body))

    def cancel(self, call: Call) -> Json:
        return {"orderId": self._cancel(call).id}

    def cancel_by_client_id(self, call: Call) -> Json:
        return {"clientOid": self._cancel(call).request.client_id}

    def cancel_sync(self, call: Call) -> Json:
        return _sync(self._cancel(call))

    def cancel_symbol(self, call: Call) -> Json:
        symbol = render.symbol_of(call.need("symbol"))
        for order in self._exchange.open_orders(call.account, symbol):
            self._world.cancel(_VENUE, call.account, order.id)
        return "success"

    def cancel_all(self, call: Call) -> Json:
        mine = self._exchange.open_orders(call.account)
        for order in mine:
            self._world.cancel(_VENUE, call.account, order.id)
        markets: list[Json] = [*dict.fromkeys(render.market_id(order.symbol) for order in mine)]
        return {"succeedSymbols": markets, "failedSymbols": []}

    def _cancel(self, call: Call) -> Order:
        call.need("symbol")
        return self._world.cancel(_VENUE, call.account, self._active_id(call))

    def _active_id(self, call: Call) -> str:
        if "orderId" in call.params:
            return call.params["orderId"]
        wanted = call.params["clientOid"]
        for order in self._exchange.open_orders(call.account):
            if order.request.client_id == wanted:
                return order.id
        raise ExchangeRefusal("unknown_order", wanted)

    def active(self, call: Call) -> Json:
        symbol = render.symbol_of(call.need("symbol"))
        return [render.order(order) for order in reversed(self._exchange.open_orders(call.account, symbol))]

    def done(self, call: Call) -> Json:
        symbol = render.symbol_of(call.need("symbol"))
        limit = min(100, call.integer("limit", 20) if "limit" in call.params else call.integer("pageSize", 20))
        orders = self._world.store.orders(
            call.account, symbol, since_ms=call.integer("startAt", 0), until_ms=call.integer("endAt", 2**62)
        )
        items: list[Json] = [render.order(order) for order in orders if not order.active]
        return {"lastId": orders[-1].number if orders else 0, "items": items[:limit]}

    def order(self, call: Call) -> Json:
        call.need("symbol")
        store = self._world.store
        if "orderId" in call.params:
            found = store.order(call.account, call.params["orderId"])
        else:
            found = store.order_by_client_id(call.account, call.params["clientOid"])
        if found is not None:
            return render.order(found)
        if self._unknown_order == "error":
            raise codes.order_unknown()
        return None

    def fills(self, call: Call) -> Json:
        found = self._world.store.fills(
            call.account,
            render.symbol_of(call.need("symbol")),
            order_id=call.params.get("orderId"),
            since_ms=call.integer("startAt", 0),
            until_ms=call.integer("endAt", 2**62),
            limit=min(100, call.integer("limit", 20)),
        )
        return {"lastId": found[-1].id if found else 0, "items": [render.fill(fill) for fill in found]}

    # -- money out

    def withdraw(self, call: Call) -> Json:
        return self._move_out(call, "withdrawal", lambda identity: {"withdrawalId": identity})

    def transfer(self, call: Call) -> Json:
        return self._move_out(call, "transfer", lambda identity: {"orderId": identity})

    def _move_out(
        self, call: Call, kind: Literal["withdrawal", "transfer"], answer: Callable[[str], dict[str, Json]]
    ) -> Json:
        body = call.json_object()
        coin, amount = body.get("currency"), decimal_of(body.get("amount"), "amount")
        if not isinstance(coin, str) or amount is None or amount <= 0:
            raise ExchangeRefusal("bad_parameter", "currency or amount")
        detail = call.body.decode()
        self._world.move(
            Movement(account=call.account, kind=kind, coin=coin, amount=-amount, at_ms=call.now_ms, detail=detail)
        )
        return answer(f"{call.account}-{call.now_ms}")


def _sync(order: Order) -> dict[str, Json]:
    wanted = order.request.amount if order.request.amount is not None else order.filled
    left = subtract(wanted, order.filled)
    return {
        "orderId": order.id,
        "clientOid": order.request.client_id,
        "orderTime": order.created_ms,
        "originSize": plain(wanted),
        "dealSize": plain(order.filled),
        "remainSize": plain(left) if order.active else "0",
        "canceledSize": "0" if order.active else plain(left),
        "status": "open" if order.active else "done",
        "matchTime": order.updated_ms,
    }


def _masked(address: str) -> str:
    """Return an address as KuCoin shows it: the middle hidden."""
    parts = address.split(".")
    return f"{parts[0]}.**.{parts[-1]}" if len(parts) == 4 else address
