"""Bodies of the bots' endpoints."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from backfuture_gateway.bots.presets import PresetName
from backfuture_gateway.http.amounts import Amount, Money, Price, Quote
from backfuture_gateway.http.schemas import Inbound, Outbound
from backfuture_gateway.http.texts import Id, Name, SymbolText

_DAY_MS = 86_400_000


def _percent(low: str, high: str, example: str) -> Amount:
    return Amount(at_least=Decimal(low), at_most=Decimal(high), example=example)


Step = Annotated[Decimal, _percent("0.1", "50", "3")]
Scale = Annotated[Decimal, _percent("0.1", "10", "1.2")]
TakeProfit = Annotated[Decimal, _percent("0.1", "100", "1.2")]
Threshold = Annotated[Decimal, _percent("0", "50", "0.5")]
Share = Annotated[Decimal, _percent("0.1", "100", "35")]
Reserve = Literal["strict", "soft"]
Slippage = Annotated[Decimal, _percent("0", "5", "0.3")]


StartOn = Literal["always", "signal"]
AddOnOn = Literal["price", "signal"]
BlockMode = Literal["any", "both"]
GapPolicy = Literal["current_zone", "cumulative"]


class DcaIn(Inbound):
    """Buys on the way down, sells all at a target. What is left out comes from the preset, or has a default.

    Percentages are in percent. Zone k begins `step_percent * (1 + s + … + s^(k-1))` below the first fill, s =
    `step_scale`; add-on k costs `add_on_quote * volume_scale^(k-1)`.
    """

    kind: Literal["dca"] = "dca"
    base_order_quote: Annotated[Quote | None, Field(description="Cost of the entry.")] = None
    add_on_quote: Annotated[Quote | None, Field(description="Cost of the first add-on; as the entry if left out.")] = (
        None
    )
    max_add_ons: Annotated[int | None, Field(ge=0, le=100)] = None
    step_percent: Step | None = None
    take_profit_percent: Annotated[TakeProfit | None, Field(description="Net of fees.")] = None
    step_scale: Scale | None = None
    volume_scale: Scale | None = None
    min_improvement_percent: Threshold | None = None
    min_gap_percent: Threshold | None = None
    add_on_cooldown_ms: Annotated[int, Field(ge=0, le=30 * _DAY_MS)] = 0
    group_cooldown_ms: Annotated[int, Field(ge=0, le=30 * _DAY_MS)] = 0
    slippage_percent: Slippage = Decimal("0.3")
    max_price_age_ms: Annotated[int, Field(ge=1_000, le=60_000)] = 5_000
    start_on: Annotated[StartOn, Field(description="Open as soon as possible, or on signals alone.")] = "always"
    add_on_on: Annotated[AddOnOn, Field(description="Add on at any fitting price, or on signals alone.")] = "price"
    addon_block_mode: Annotated[
        BlockMode, Field(description="Block an add-on outside the zones or of little gain, or only one that is both.")
    ] = "any"
    gap_policy: Annotated[
        GapPolicy, Field(description="When the price jumps over zones: buy this zone's add-on, or all skipped ones.")
    ] = "current_zone"


class BotDraft(Inbound):
    """What a bot and a preview have in common."""

    connection_id: Id
    preset: Annotated[PresetName | None, Field(description="Fills in what is left out.")] = None
    strategy: DcaIn = DcaIn()
    margin_limit_quote: Annotated[
        Quote | None, Field(description="What all groups together may bind; by preset a share of the account.")
    ] = None
    group_limit_quote: Annotated[
        Quote | None, Field(description="What one group may bind; an equal share of the margin limit if left out.")
    ] = None
    max_active_groups: Annotated[int | None, Field(ge=1, le=50)] = None
    margin_limit_percent: Annotated[
        Share | None,
        Field(description="Of the account's worth, for all groups together; losses shrink it. By preset if left out."),
    ] = None
    connection_limit_quote: Annotated[
        Quote | None, Field(description="What all my bots may bind on this connection; the strictest of them counts.")
    ] = None
    symbol_limit_quote: Annotated[
        Quote | None,
        Field(description="What all my bots may bind in one market, over all connections; the strictest counts."),
    ] = None
    reserve: Annotated[
        Reserve, Field(description="`strict` keeps money for planned add-ons, `soft` counts only what is spent.")
    ] = "strict"
    signal_max_lag_ms: Annotated[int, Field(ge=1_000, le=_DAY_MS, description="Older signals are refused.")] = 300_000


class BotCreate(BotDraft):
    name: Annotated[Name, Field(examples=["BTC dips"])]
    symbols: Annotated[list[SymbolText], Field(min_length=1, max_length=20, examples=[["BTC/USDT"]])]


class BotPreview(BotDraft):
    symbol: Annotated[SymbolText, Field(examples=["BTC/USDT"])]
    price: Annotated[Price | None, Field(description="Entry price to calculate with; the newest ask if left out.")] = (
        None
    )


class SignalIn(Inbound):
    """An idea for one market. The bot judges it by its rules; what became of it stands in its decisions."""

    symbol: Annotated[SymbolText, Field(examples=["BTC/USDT"])]
    intent: Annotated[
        Literal["auto", "entry", "add_on"], Field(description="`auto`: an add-on when there is a group, else an entry.")
    ] = "auto"
    id: Annotated[Id | None, Field(description="The same id within a day is not followed twice.")] = None


class SignalOut(Outbound):
    """What was handed to the bot."""

    signal_id: str
    bot_id: str
    symbol: str
    intent: Literal["auto", "entry", "add_on"]
    sent_ms: int


class DcaOut(Outbound):
    kind: Literal["dca"] = "dca"
    base_order_quote: Money
    add_on_quote: Money
    max_add_ons: int
    step_percent: Money
    take_profit_percent: Money
    step_scale: Money
    volume_scale: Money
    min_improvement_percent: Money
    min_gap_percent: Money
    add_on_cooldown_ms: int
    group_cooldown_ms: int
    slippage_percent: Money
    max_price_age_ms: int
    start_on: StartOn
    add_on_on: AddOnOn
    addon_block_mode: BlockMode
    gap_policy: GapPolicy


BotStatus = Literal["creating", "stopped", "starting", "running", "stopping", "faulted", "refused", "deleting"]


class BotOut(Outbound):
    """A bot: as configured, as wanted, and as the engine has it."""

    id: str
    name: str
    connection_id: str
    exchange: str
    symbols: list[str]
    preset: PresetName | None
    strategy: DcaOut
    margin_limit_quote: Money
    group_limit_quote: Money
    max_active_groups: int
    margin_limit_percent: Money | None
    connection_limit_quote: Money | None
    symbol_limit_quote: Money | None
    reserve: Reserve
    signal_max_lag_ms: int
    status: Annotated[BotStatus, Field(description="`…ing`: asked for and not yet confirmed by the engine.")]
    fault: str | None
    last_refusal: Annotated[str | None, Field(description="Why the engine refused the last command it refused.")]
    groups_open: int
    groups_closed: int
    realised_quote: Annotated[Money, Field(description="Result of all closed groups, net of fees.")]
    version: int
    created_ms: int
    updated_ms: int


class ProblemOut(Outbound):
    """Why a bot would be refused."""

    code: str
    message: str
    hint: str


class StepOut(Outbound):
    """One order of the planned ladder. What follows `total_quote` holds when it and all before it have filled."""

    number: Annotated[int, Field(description="0 is the entry.")]
    deviation_percent: Money
    price: Money
    quote: Money
    amount: Money
    total_quote: Money
    total_amount: Money
    average: Money
    break_even: Money
    target: Money
    drawdown_percent: Annotated[Money, Field(description="Distance from the average just before this order fills.")]
    margin_percent: Annotated[Money, Field(description="Share of the group's limit in use.")]


class PreviewOut(Outbound):
    symbol: str
    price: Money
    price_from: Literal["request", "market"]
    strategy: DcaOut
    margin_limit_quote: Money
    group_limit_quote: Money
    max_active_groups: int
    steps: list[StepOut]
    full_ladder_quote: Annotated[Money, Field(description="What all orders of one group cost.")]
    ladder_multiple: Annotated[Money, Field(description="The full ladder as a multiple of the entry.")]
    problems: Annotated[list[ProblemOut], Field(description="Empty when this bot could be made now.")]
    warnings: list[str]


class JournalEntryOut(Outbound):
    """One step of a bot: what came in, and the facts that followed."""

    seq: int
    at_ms: int
    event: dict[str, object]
    facts: list[dict[str, object]]
