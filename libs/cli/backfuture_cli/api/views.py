"""What the gateway's API answers, as far as people are shown it. Fields that are not shown are not read."""

from decimal import Decimal

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers; unknown fields are ignored."""


class Tokens(View, frozen=True, kw_only=True):
    access_token: str
    refresh_token: str
    expires_in_s: int

    def __repr__(self) -> str:
        return "Tokens(…)"


class Me(View, frozen=True, kw_only=True):
    id: str
    name: str
    role: str


class Exchange(View, frozen=True, kw_only=True):
    id: str
    name: str = ""
    paper: bool = False
    needs_passphrase: bool = False
    instruments: int = 0


class Step(View, frozen=True, kw_only=True):
    name: str
    status: str
    detail: str = ""
    took_ms: int | None = None


class Connection(View, frozen=True, kw_only=True):
    id: str
    name: str
    exchange: str
    status: str
    trade_allowed: bool
    code: str | None
    message: str
    hint: str
    steps: list[Step]
    rights: list[str]
    ip_restricted: bool | None
    key_expires_ms: int | None
    key_hint: str
    secret_state: str
    test_id: str
    updated_ms: int


class Dca(View, frozen=True, kw_only=True):
    base_order_quote: Decimal
    add_on_quote: Decimal
    max_add_ons: int
    step_percent: Decimal
    take_profit_percent: Decimal
    step_scale: Decimal
    volume_scale: Decimal


class Bot(View, frozen=True, kw_only=True):
    id: str
    name: str
    connection_id: str
    exchange: str
    symbols: list[str]
    preset: str | None
    strategy: Dca
    margin_limit_quote: Decimal
    group_limit_quote: Decimal
    max_active_groups: int
    status: str
    fault: str | None
    last_refusal: str | None = None
    groups_open: int
    groups_closed: int
    realised_quote: Decimal


class ProblemView(View, frozen=True, kw_only=True):
    code: str
    message: str
    hint: str


class LadderStep(View, frozen=True, kw_only=True):
    number: int
    deviation_percent: Decimal
    price: Decimal
    quote: Decimal
    total_quote: Decimal
    average: Decimal
    target: Decimal
    drawdown_percent: Decimal


class Preview(View, frozen=True, kw_only=True):
    symbol: str
    price: Decimal
    price_from: str
    margin_limit_quote: Decimal
    steps: list[LadderStep]
    full_ladder_quote: Decimal
    ladder_multiple: Decimal
    problems: list[ProblemView]
    warnings: list[str]


class Order(View, frozen=True, kw_only=True):
    client_order_id: str
    bot_id: str
    group_id: str
    exchange: str
    symbol: str
    side: str
    leg: str | None
    decision_id: str | None
    amount: Decimal | None
    limit_price: Decimal | None
    status: str
    filled_amount: Decimal
    filled_cost: Decimal
    average_price: Decimal | None
    error: ProblemView | None
    issued_ms: int
    updated_ms: int


class Group(View, frozen=True, kw_only=True):
    id: str
    bot_id: str
    bot_name: str
    exchange: str
    symbol: str
    status: str
    opened_ms: int
    amount: Decimal
    bought_cost: Decimal
    average: Decimal | None
    break_even: Decimal | None
    target: Decimal | None
    add_ons_done: int
    add_ons_max: int
    closed_ms: int | None
    close_reason: str | None
    realised_quote: Decimal | None
    price: Decimal | None
    unrealised_quote: Decimal | None
    drawdown_percent: Decimal | None
    to_target_percent: Decimal | None
    next_add_on_price: Decimal | None


class GroupDetail(Group, frozen=True, kw_only=True):
    orders: list[Order]


class DecisionView(View, frozen=True, kw_only=True):
    decision_id: str
    bot_id: str
    group_id: str | None
    symbol: str
    verdict: str
    reasons: list[str]
    numbers: dict[str, str]
    at_ms: int
    words: str = ""


class ReasonView(View, frozen=True, kw_only=True):
    code: str
    stage: str
    words: str


class Explanation(View, frozen=True, kw_only=True):
    decision: DecisionView
    reasons: list[ReasonView]
    orders: list[Order]


class SignalView(View, frozen=True, kw_only=True):
    signal_id: str
    bot_id: str
    symbol: str
    intent: str


class Balance(View, frozen=True, kw_only=True):
    connection_name: str
    exchange: str
    currency: str
    free: Decimal
    held: Decimal
    at_ms: int


class JournalEntry(View, frozen=True, kw_only=True):
    seq: int
    at_ms: int
    event: dict[str, object]
    facts: list[dict[str, object]]
