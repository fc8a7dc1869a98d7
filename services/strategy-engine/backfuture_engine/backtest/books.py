"""The books of a run: groups with their fills, from the facts alone."""

from decimal import Decimal
from hashlib import blake2b

from backfuture_common.contracts.backtest import SimFill, SimGroup
from backfuture_common.domain.ids import BotId, ClientOrderId, GroupId
from backfuture_common.domain.money import MONEY_CONTEXT, ZERO, divide
from backfuture_common.messages.codec import encode
from backfuture_common.messages.journal import (
    BotFaulted,
    Decided,
    GroupClosed,
    GroupOpened,
    OrderIntended,
    OrderProgressed,
)
from backfuture_common.messages.orders import FINAL_STATUSES, NO_FILLS, Fills, PlaceOrder

from backfuture_engine.backtest.simulate import Happened


class Page:
    """One group as it is being written."""

    def __init__(self, bot: BotId, opened: GroupOpened) -> None:
        self.bot = bot
        self.opened = opened
        self.fills: list[SimFill] = []
        self.closed: GroupClosed | None = None

    @property
    def cost(self) -> Decimal:
        """What all buys have cost."""
        return sum((fill.cost for fill in self.fills if fill.side == "buy"), ZERO)

    @property
    def left(self) -> Decimal:
        """The coins that are still there."""
        signed = (fill.amount if fill.side == "buy" else -fill.amount for fill in self.fills)
        return sum(signed, ZERO) - sum((fill.fee_base for fill in self.fills), ZERO)

    def result(self, bid: Decimal) -> Decimal:
        """Return what the group has brought, with the coins that are left at ``bid``."""
        if self.closed is not None:
            return self.closed.realised_quote
        sold = sum((fill.cost for fill in self.fills if fill.side == "sell"), ZERO)
        fees = sum((fill.fee_quote for fill in self.fills), ZERO)
        return MONEY_CONTEXT.add(sold - self.cost - fees, MONEY_CONTEXT.multiply(self.left, bid))

    def written(self, name: str, bid: Decimal) -> SimGroup:
        """Return the group as it stands in the result. It has bought something."""
        bought = sum((fill.amount for fill in self.fills if fill.side == "buy"), ZERO)
        return SimGroup(
            group_id=self.opened.group_id,
            bot_id=self.bot,
            bot=name,
            symbol=self.opened.symbol,
            opened_ms=self.opened.at_ms,
            closed_ms=self.closed.at_ms if self.closed else None,
            close_reason=self.closed.reason if self.closed else None,
            add_ons=sum(fill.leg == "add_on" for fill in self.fills),
            bought_cost=self.cost,
            average=divide(self.cost, bought),
            fees_quote=sum((fill.fee_quote for fill in self.fills), ZERO),
            fees_base=sum((fill.fee_base for fill in self.fills), ZERO),
            result_quote=self.result(bid),
            fills=tuple(self.fills),
        )


class Books:
    """Hears every step of a run."""

    def __init__(self) -> None:
        self.pages: dict[GroupId, Page] = {}
        self.faults: dict[BotId, str] = {}
        self.orders = 0
        self.unfilled = 0
        self.decisions = 0
        self._hash = blake2b(digest_size=16)
        self._placed: dict[ClientOrderId, tuple[PlaceOrder, int]] = {}
        self._filled: dict[ClientOrderId, Fills] = {}

    @property
    def orders_hash(self) -> str:
        """The fingerprint of all order commands so far."""
        return self._hash.hexdigest()

    def note(self, step: Happened) -> None:
        """Take in one step."""
        for fact in step.facts:
            match fact:
                case Decided():
                    self.decisions += 1
                case OrderIntended():
                    self.orders += 1
                    self._hash.update(encode(fact.command))
                    self._placed[fact.command.client_order_id] = (fact.command, fact.zone)
                case OrderProgressed():
                    self._progress(fact)
                case GroupOpened():
                    self.pages[fact.group_id] = Page(step.bot, fact)
                case GroupClosed():
                    self.pages[fact.group_id].closed = fact
                case BotFaulted():
                    self.faults[step.bot] = fact.reason
                case _:
                    pass

    def traded(self) -> list[Page]:
        """Return the groups that have bought something, oldest first."""
        return [page for page in self.pages.values() if page.fills]

    def _progress(self, fact: OrderProgressed) -> None:
        order, zone = self._placed[fact.client_order_id]
        before = self._filled.get(fact.client_order_id, NO_FILLS)
        now = self._filled[fact.client_order_id] = fact.fills
        amount, cost = now.amount - before.amount, now.cost - before.cost
        if not amount:
            self.unfilled += fact.status in FINAL_STATUSES and not now.amount
            return
        self.pages[fact.group_id].fills.append(
            SimFill(
                at_ms=fact.told_ms,
                leg=order.leg,
                side=order.side,
                zone=zone,
                amount=amount,
                price=divide(cost, amount),
                cost=cost,
                fee_base=now.fee_base - before.fee_base,
                fee_quote=now.fee_quote - before.fee_quote,
            )
        )
