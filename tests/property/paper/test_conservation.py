"""Money is moved, never made: over any sequence of operations the sums stay what was deposited."""

from collections import defaultdict
from decimal import Decimal

import hypothesis.strategies as st
from backfuture_paper.core.book import Book, Level
from backfuture_paper.core.exact import add, multiply, subtract, total
from backfuture_paper.core.exchange import Changes, Exchange
from backfuture_paper.core.instruments import kucoin_rules, mexc_rules
from backfuture_paper.core.ledger import Ledger
from backfuture_paper.core.orders import Fill, Order, OrderRequest
from backfuture_paper.core.refusals import ExchangeRefusal
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

SYMBOL = "SOL/USDT"
ACCOUNTS = ("alice", "bob")
SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(10_000, 20_000).map(lambda cents: Decimal(cents).scaleb(-2))
AMOUNTS = st.integers(1, 40_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
LEVELS = st.lists(AMOUNTS, min_size=1, max_size=4)


class Trading(RuleBasedStateMachine):
    """Two accounts do whatever comes to mind, on KuCoin or MEXC."""

    @initialize(kucoin=st.booleans())
    def open_the_exchange(self, kucoin: bool) -> None:
        self.exchange = Exchange(
            kucoin_rules() if kucoin else mexc_rules(),
            ledger=Ledger(),
            order_id=str,
            id_was_used=lambda _account, _client_id: False,
        )
        self.deposited: dict[str, Decimal] = defaultdict(Decimal)
        self.fills: list[Fill] = []
        self.orders: dict[str, Order] = {}
        self.sequence = 0
        for account in ACCOUNTS:
            self.move(account, "USDT", Decimal(20_000))
            self.move(account, "SOL", Decimal(100))

    def move(self, account: str, coin: str, amount: Decimal) -> None:
        self.keep(self.exchange.transfer(account, coin, amount, "account.deposit"))
        self.deposited[coin] = add(self.deposited[coin], amount)

    def keep(self, changes: Changes) -> None:
        self.fills += changes.fills
        for event in changes.orders:
            self.orders[event.order.id] = event.order

    @rule(best=PRICES, bids=LEVELS, asks=LEVELS)
    def the_price_moves(self, best: Decimal, bids: list[Decimal], asks: list[Decimal]) -> None:
        self.sequence += 1
        step = Decimal("0.05")
        book = Book(
            symbol=SYMBOL,
            at_ms=self.sequence,
            sequence=self.sequence,
            bids=tuple(Level(best - step * index, amount) for index, amount in enumerate(bids)),
            asks=tuple(Level(best + step * (index + 1), amount) for index, amount in enumerate(asks)),
        )
        self.keep(self.exchange.on_book(book))

    @rule(
        account=st.sampled_from(ACCOUNTS),
        side=SIDES,
        amount=AMOUNTS,
        price=PRICES,
        lifetime=st.sampled_from(["GTC", "IOC", "FOK"]),
        post_only=st.booleans(),
    )
    def a_limit_order(
        self, *, account: str, side: str, amount: Decimal, price: Decimal, lifetime: str, post_only: bool
    ) -> None:
        self.place(
            account,
            OrderRequest(
                symbol=SYMBOL,
                side=side,  # type: ignore[arg-type]  # one of the two
                kind="limit",
                amount=amount,
                price=price,
                time_in_force=lifetime,  # type: ignore[arg-type]  # one of the three
                post_only=post_only,
            ),
        )

    @rule(account=st.sampled_from(ACCOUNTS), side=SIDES, size=AMOUNTS, by_cost=st.booleans())
    def a_market_order(self, account: str, side: str, size: Decimal, by_cost: bool) -> None:
        amount, cost = (None, multiply(size, Decimal(100))) if by_cost else (size, None)
        self.place(
            account,
            OrderRequest(symbol=SYMBOL, side=side, kind="market", amount=amount, cost=cost),  # type: ignore[arg-type]  # one of the two
        )

    def place(self, account: str, request: OrderRequest) -> None:
        try:
            _, changes = self.exchange.place(account, request, self.sequence)
        except ExchangeRefusal:
            return
        self.keep(changes)

    @rule(account=st.sampled_from(ACCOUNTS), choice=st.integers(0, 50))
    def a_cancel(self, account: str, choice: int) -> None:
        mine = self.exchange.open_orders(account)
        if mine:
            self.keep(self.exchange.cancel(account, mine[choice % len(mine)].id, self.sequence)[1])

    @rule(account=st.sampled_from(ACCOUNTS), choice=st.integers(0, 50), amount=AMOUNTS)
    def a_fill_by_hand(self, account: str, choice: int, amount: Decimal) -> None:
        mine = self.exchange.open_orders(account)
        if mine:
            self.keep(self.exchange.fill(account, mine[choice % len(mine)].id, amount, self.sequence))

    @rule(account=st.sampled_from(ACCOUNTS), coin=st.sampled_from(["USDT", "SOL"]), amount=AMOUNTS)
    def money_leaves(self, account: str, coin: str, amount: Decimal) -> None:
        if self.exchange.ledger.balance(account, coin).free >= amount:
            self.move(account, coin, -amount)

    # -- what must hold after every step

    @invariant()
    def balances_and_fees_and_what_the_market_got_add_up_to_the_deposits(self) -> None:
        market: dict[str, Decimal] = defaultdict(Decimal)
        fees: dict[str, Decimal] = defaultdict(Decimal)
        for fill in self.fills:
            sign = 1 if fill.side == "buy" else -1
            market["USDT"] = add(market["USDT"], sign * fill.cost)
            market["SOL"] = add(market["SOL"], -sign * fill.amount)
            fees[fill.fee_coin] = add(fees[fill.fee_coin], fill.fee)
        for coin in ("USDT", "SOL"):
            own = total(self.exchange.ledger.balance(account, coin).total for account in ACCOUNTS)
            assert total([own, market[coin], fees[coin]]) == self.deposited[coin]

    @invariant()
    def nothing_is_negative_and_all_that_is_held_is_held_by_an_open_order(self) -> None:
        for account in ACCOUNTS:
            for coin, balance in self.exchange.ledger.balances(account).items():
                assert balance.free >= 0
                mine = [order for order in self.exchange.open_orders(account) if order.held_coin == coin]
                assert balance.held == total(order.held for order in mine)

    @invariant()
    def no_order_has_more_than_it_wanted_or_paid_more_than_its_limit(self) -> None:
        for order in self.orders.values():
            mine = [fill for fill in self.fills if fill.order_id == order.id]
            assert order.filled == total(fill.amount for fill in mine)
            assert order.filled_cost == total(fill.cost for fill in mine)
            assert order.fee == total(fill.fee for fill in mine)
            request = order.request
            if request.amount is not None:
                assert order.filled <= request.amount
            if request.cost is not None:
                assert order.filled_cost <= request.cost
            if request.price is not None:
                better = -1 if request.side == "buy" else 1
                assert all(better * subtract(fill.price, request.price) >= 0 for fill in mine)
            if not order.active:
                assert order.held == 0
            if request.time_in_force == "FOK":
                assert order.filled in {Decimal(0), request.amount}
            if request.post_only:
                assert all(fill.liquidity == "maker" for fill in mine)


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
