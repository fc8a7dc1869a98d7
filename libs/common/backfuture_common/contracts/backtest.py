"""A backtest as it is asked for and answered, and the reading of a journal: the command line on one side, the engine
as a process on the other. The request is one JSON object on the process's input; its output is one JSON object a line.
"""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import BotId, GroupId, Symbol
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.bots import BotSpec, CloseReason
from backfuture_common.messages.codec import Message, Part
from backfuture_common.messages.orders import Leg, Side

PathModel = Literal["auto", "low-first", "high-first", "close", "open"]
"""What a price did inside a candle. ``auto``: open, low, high, close in a candle that rose, else open, high, low,
close; ``low-first`` and ``high-first``: always so. In these three it passes every price on its way. ``close`` and
``open``: nothing is known but that one price of each candle."""
FeeCoin = Literal["quote", "received"]
"""``quote``: every fee is taken in the quote currency; ``received``: in what the trade brought in."""


class Assumptions(Part):
    """What a simulated exchange does. Parts per million are of the price.

    The ask stands half of ``spread_ppm`` above the data's price and the bid half below it. An order meets the price
    ``latency_ms`` after its decision, the bot hears of it as long after that, and it trades ``slippage_ppm`` worse than
    that price, if its limit allows. ``None`` leaves to the data's market, or to what is usual, what that is.
    """

    balance_quote: Decimal = Decimal(10_000)
    path: PathModel = "auto"
    spread_ppm: int = 0
    slippage_ppm: int = 0
    latency_ms: int = 0
    fee_coin: FeeCoin = "quote"
    taker_fee: Decimal | None = None
    price_step: Decimal | None = None
    amount_step: Decimal | None = None
    cost_min: Decimal | None = None


class DataFile(Part):
    """A file of prices. Without a ``symbol`` the file itself or its name has to tell it."""

    path: str
    symbol: Symbol | None = None


class BacktestRequest(Message, tag="backtest.request.v1"):
    """``from_ms`` is included, ``to_ms`` is not. ``report`` and ``journal`` are files to write."""

    bots: tuple[BotSpec, ...]
    data: tuple[DataFile, ...]
    from_ms: int | None = None
    to_ms: int | None = None
    assumptions: Assumptions = Assumptions()
    report: str | None = None
    journal: str | None = None


# ---------------------------------------------------------------------------------------- answers


class Progress(Message, tag="progress.v1"):
    """How much is done, in thousandths."""

    done: int
    what: str = ""


class Failed(Message, tag="failed.v1"):
    """Why there is no result."""

    error: ErrorInfo


class Gap(Part):
    """A time for which there are no prices: from after one row to the next."""

    from_ms: int
    to_ms: int


class DataUsed(Part):
    """Which prices of a symbol were used. ``gaps`` are the longest ones of ``gap_count``."""

    symbol: Symbol
    path: str
    kind: Literal["candles", "trades", "quotes"]
    rows: int
    from_ms: int
    to_ms: int
    gap_count: int
    gaps: tuple[Gap, ...]
    market_change_percent: Decimal


class SimFill(Part):
    """What one order filled. ``amount`` in base, ``cost`` in quote without the fees."""

    at_ms: int
    leg: Leg
    side: Side
    zone: int
    amount: Decimal
    price: Decimal
    cost: Decimal
    fee_base: Decimal
    fee_quote: Decimal


class SimGroup(Part):
    """One group. ``result_quote`` is net of fees; of a group that is still open, what it would be at the last bid."""

    group_id: GroupId
    bot_id: BotId
    bot: str
    symbol: Symbol
    opened_ms: int
    closed_ms: int | None
    close_reason: CloseReason | None
    add_ons: int
    bought_cost: Decimal
    average: Decimal
    fees_quote: Decimal
    fees_base: Decimal
    result_quote: Decimal
    fills: tuple[SimFill, ...]


class EquityPoint(Part):
    """What the account was worth: all coins at their bid. ``low_quote``: the least since the last point."""

    at_ms: int
    equity_quote: Decimal
    low_quote: Decimal


class Figures(Part):
    """A run in numbers. Amounts are in quote, percentages of the opening balance unless their names say otherwise.

    Fees taken in coins count at the price of their fill. None where there is nothing to divide by.
    """

    groups_closed: int
    groups_open: int
    wins: int
    win_rate_percent: Decimal | None
    entries: int
    add_ons: int
    orders: int
    orders_unfilled: int
    decisions: int
    profit_quote: Decimal
    profit_percent: Decimal
    unrealised_quote: Decimal
    gross_profit_quote: Decimal
    gross_loss_quote: Decimal
    profit_factor: Decimal | None
    best_group_quote: Decimal | None
    worst_group_quote: Decimal | None
    average_group_quote: Decimal | None
    fees_quote: Decimal
    final_equity_quote: Decimal
    max_drawdown_quote: Decimal
    max_drawdown_percent: Decimal
    max_bound_quote: Decimal
    mean_bound_quote: Decimal
    time_in_market_percent: Decimal
    longest_group_ms: int


class BotFigures(Part):
    """One bot's share of a run. ``fault`` says why it stood still at the end."""

    bot_id: BotId
    name: str
    groups_closed: int
    groups_open: int
    add_ons: int
    profit_quote: Decimal
    unrealised_quote: Decimal
    fault: str | None


class BacktestResult(Message, tag="backtest.result.v1"):
    """What a backtest came to. Equal input gives an equal result, ``orders_hash`` included; only ``took_ms`` differs.

    ``orders_hash`` is of all order commands in their order.
    """

    quote: str
    from_ms: int
    to_ms: int
    assumptions: Assumptions
    data: tuple[DataUsed, ...]
    bots: tuple[BotFigures, ...]
    figures: Figures
    equity: tuple[EquityPoint, ...]
    groups: tuple[SimGroup, ...]
    warnings: tuple[str, ...]
    orders_hash: str
    rows: int
    took_ms: int


class JournalDifference(Part):
    """A journal record of which this version comes to other facts. The facts stand as JSON."""

    bot_id: BotId
    seq: int
    at_ms: int
    recorded: tuple[str, ...]
    decided: tuple[str, ...]


class ReplayResult(Message, tag="replay.result.v1"):
    """A journal decided once more. ``differences`` are the first ones of ``difference_count``."""

    bots: int
    records: int
    difference_count: int
    differences: tuple[JournalDifference, ...]


Answer = Progress | Failed | BacktestResult | ReplayResult
