"""MEXC's signed endpoints: key, account, orders, trades, listen keys, and money out."""

from collections.abc import Mapping
from typing import Literal

from backfuture_common.domain.money import plain

from backfuture_paper.core.keys import RIGHTS, Right
from backfuture_paper.core.orders import Order
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.mexc import codes, render
from backfuture_paper.mexc.auth import RIGHT_NAMES
from backfuture_paper.mexc.listen_keys import ListenKeyEndpoints
from backfuture_paper.mexc.orders import order_request
from backfuture_paper.mexc.public import PublicEndpoints
from backfuture_paper.records import Movement
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.call import Call, Json, Sent, read_objects
from backfuture_paper.web.endpoints import Endpoint, Handler
from backfuture_paper.web.time_text import iso_utc
from backfuture_paper.world import World

_VENUE: Literal["mexc"] = "mexc"
_BATCH_MAX = 20


class PrivateEndpoints:
    """What one key may see and do."""

    def __init__(self, world: World, public: PublicEndpoints, sessions: Sessions) -> None:
        self._world = world
        self._exchange = world.exchange(_VENUE)
        self._public = public
        self._listen_keys = ListenKeyEndpoints(sessions)

    def table(self) -> list[Endpoint]:
        return [
            *self._reading(),
            *self._trading(),
            *self._listen_keys.table(),
            Endpoint(
                method="POST",
                path="/api/v3/capital/withdraw",
                handler=lambda call: self._move_out(call, "withdrawal"),
                right="withdraw",
                pool="uid",
            ),
            Endpoint(
                method="POST",
                path="/api/v3/capital/transfer",
                handler=lambda call: self._move_out(call, "transfer"),
                right="transfer",
                pool="uid",
            ),
        ]

    def _reading(self) -> list[Endpoint]:
        def get(path: str, handler: Handler, weight: int = 1, right: Right = "read") -> Endpoint:
            return Endpoint(
                method="GET", path=f"/api/v3/{path}", handler=handler, right=right, weight=weight, pool="uid"
            )

        return [
            get("apiKeyInfo", self.api_key_info),
            get("account", self.account, 10),
            get("tradeFee", self.trade_fee, 20),
            get("selfSymbols", lambda _call: {"code": 200, "data": self._public.markets(), "msg": None}),
            get("uid", lambda call: {"uid": str(self._world.account(call.account).uid)}),
            get("kyc/status", lambda _call: {"status": "1"}),
            get("order", self.order, 2),
            get("openOrders", self.open_orders, 3),
            get("allOrders", self.all_orders, 10),
            get("myTrades", self.my_trades, 10),
            get("capital/config/getall", self.coins, 10, "withdraw"),
            get("capital/withdraw/history", self.withdrawals, 1, "withdraw"),
        ]

    def _trading(self) -> list[Endpoint]:
        def trade(method: str, path: str, handler: Handler) -> Endpoint:
            return Endpoint(method=method, path=f"/api/v3/{path}", handler=handler, right="trade", pool="uid")

        return [
            trade("POST", "order", self.place),
            trade("POST", "order/test", self.test),
            trade("POST", "batchOrders", self.place_many),
            trade("DELETE", "order", self.cancel),
            trade("DELETE", "openOrders", self.cancel_symbol),
            trade("DELETE", "order/all", self.cancel_all),
        ]

    # -- key and account

    def api_key_info(self, call: Call) -> Json:
        key = call.signer
        if call.params.get("accessKey", key.api_key) != key.api_key:
            raise codes.key_unknown()
        info: dict[str, Json] = {
            "note": "paper",
            "accessKey": key.api_key,
            "createTime": iso_utc(key.created_ms),
            "permissions": ",".join(name for right in RIGHTS if right in key.rights for name in RIGHT_NAMES[right]),
            "ipWhiteList": ",".join(key.ip_list),
            "status": "VALID" if key.state == "valid" else "LOCKED",
        }
        days = key.remaining_days(call.now_ms)
        return info if days is None else info | {"remainingValidity": days}

    def account(self, call: Call) -> Json:
        """Show the account. Its ``can…`` flags describe the account, never the key."""
        rules = self._exchange.rules
        balances = self._world.balances(call.account)
        return {
            "makerCommission": plain(rules.maker_fee),
            "takerCommission": plain(rules.taker_fee),
            "buyerCommission": None,
            "sellerCommission": None,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "updateTime": None,
            "accountType": "SPOT",
            "balances": [render.balance(coin, balance) for coin, balance in sorted(balances.items())],
            "permissions": ["SPOT"],
        }

    def trade_fee(self, call: Call) -> Json:
        call.need("symbol")
        rules = self._exchange.rules
        fees: dict[str, Json] = {"makerCommission": plain(rules.maker_fee), "takerCommission": plain(rules.taker_fee)}
        return {"code": 0, "msg": "success", "data": fees, "timestamp": call.now_ms}

    def coins(self, _call: Call) -> Json:
        names = dict.fromkeys(coin for i in self._exchange.rules.instruments.values() for coin in (i.base, i.quote))
        return [render.coin(name) for name in names]

    def withdrawals(self, call: Call) -> Json:
        return [
            {"coin": m.coin, "amount": plain(-m.amount), "applyTime": m.at_ms, "status": 7}
            for m in self._world.store.movements(call.account)
            if m.kind == "withdrawal"
        ]

    # -- orders

    def place(self, call: Call) -> Json:
        return render.accepted(self._place(call, call.params))

    def test(self, call: Call) -> Json:
        self._may_trade(call)
        self._exchange.check(call.account, order_request(call.params, self._exchange.rules))
        return {}

    def place_many(self, call: Call) -> Json:
        wanted = read_objects(call.need("batchOrders"), "batchOrders")
        if not 1 <= len(wanted) <= _BATCH_MAX:
            raise ExchangeRefusal("bad_parameter", "batchOrders")
        return [self._place_one_of_many(call, params) for params in wanted]

    def _place_one_of_many(self, call: Call, params: Sent) -> Json:
        client_id = str(params.get("newClientOrderId") or "")
        try:
            order = self._place(call, params)
        except ExchangeRefusal as refusal:
            error = codes.refused(refusal, call)
            return {"newClientOrderId": client_id, "msg": error.message, "code": error.code}
        return {"symbol": render.market_id(order.symbol), "orderId": order.id, "newClientOrderId": client_id}

    def _place(self, call: Call, params: Mapping[str, object]) -> Order:
        self._may_trade(call)
        return self._world.place(_VENUE, call.account, order_request(params, self._exchange.rules))

    def _may_trade(self, call: Call) -> None:
        if call.signer.state == "account_frozen":
            raise codes.account_suspended()

    def cancel(self, call: Call) -> Json:
        order = self._find(call)
        if order is None or not order.active:
            raise ExchangeRefusal("unknown_order")
        return render.order(self._world.cancel(_VENUE, call.account, order.id))

    def cancel_symbol(self, call: Call) -> Json:
        symbol = self._symbol(call)
        mine = self._exchange.open_orders(call.account, symbol)
        return [render.order(self._world.cancel(_VENUE, call.account, order.id)) for order in mine]

    def cancel_all(self, call: Call) -> Json:
        for order in self._exchange.open_orders(call.account):
            self._world.cancel(_VENUE, call.account, order.id)
        return {"code": 200, "msg": "success", "timestamp": call.now_ms}

    def order(self, call: Call) -> Json:
        order = self._find(call)
        if order is None:
            raise codes.order_unknown()
        return render.order(order)

    def open_orders(self, call: Call) -> Json:
        symbol = self._symbol(call) if call.params.get("symbol") else None
        return [render.order(order) for order in self._exchange.open_orders(call.account, symbol)]

    def all_orders(self, call: Call) -> Json:
        found = self._world.store.orders(
            call.account,
            self._symbol(call),
            since_ms=call.integer("startTime", 0),
            until_ms=call.integer("endTime", 2**62),
            limit=max(1, min(1_000, call.integer("limit", 500))),
        )
        return [render.order(order) for order in found]

    def my_trades(self, call: Call) -> Json:
        found = self._world.store.fills(
            call.account,
            self._symbol(call),
            order_id=call.params.get("orderId"),
            since_ms=call.integer("startTime", 0),
            until_ms=call.integer("endTime", 2**62),
            limit=max(1, min(1_000, call.integer("limit", 100))),
        )
        return [render.fill(fill) for fill in found]

    def _find(self, call: Call) -> Order | None:
        self._symbol(call)
        order_id, client_id = call.params.get("orderId"), call.params.get("origClientOrderId")
        if order_id:
            return self._world.store.order(call.account, order_id)
        if client_id:
            return self._world.store.order_by_client_id(call.account, client_id)
        raise ExchangeRefusal("bad_parameter", "origClientOrderId' or 'orderId")

    def _symbol(self, call: Call) -> str:
        return render.symbol_of(call.need("symbol"), self._exchange.rules)

    # -- money out

    def _move_out(self, call: Call, kind: Literal["withdrawal", "transfer"]) -> Json:
        coin, amount = call.params.get("coin") or call.need("asset"), call.number("amount")
        if amount is None or amount <= 0:
            raise ExchangeRefusal("bad_parameter", "amount")
        detail = call.params.get("address") or call.params.get("toAccountType") or ""
        self._world.move(
            Movement(account=call.account, kind=kind, coin=coin, amount=-amount, at_ms=call.now_ms, detail=detail)
        )
        identity = f"{call.account}-{call.now_ms}"
        return {"id": identity} if kind == "withdrawal" else {"tranId": identity}
