"""From what a user typed to a complete configuration: presets, defaults, and what still is missing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from backfuture_common.domain.ladder import full_ladder_quote
from backfuture_common.domain.money import HUNDRED, ONE, ZERO, divide, round_down
from backfuture_common.messages.bots import DcaStrategy

from backfuture_gateway.bots.presets import PRESETS, Preset
from backfuture_gateway.bots.schemas import BotDraft, DcaIn, Reserve
from backfuture_gateway.http.errors import Invalid

_CENT = Decimal("0.01")
_DEFAULT_IMPROVEMENT = Decimal("0.5")
Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A preset that fills in nothing."""

    max_add_ons: int | None = None
    step_percent: Decimal | None = None
    take_profit_percent: Decimal | None = None
    step_scale: Decimal | None = None
    volume_scale: Decimal | None = None
    min_improvement_percent: Decimal | None = None
    min_gap_percent: Decimal | None = None


_NOTHING = _Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A complete configuration of money and ladder."""

    strategy: DcaStrategy
    margin_limit_quote: Decimal
    group_limit_quote: Decimal
    group_limit_given: bool
    max_active_groups: int
    margin_limit_percent: Decimal | None
    connection_limit_quote: Decimal | None
    symbol_limit_quote: Decimal | None
    reserve: Reserve
    signal_max_lag_ms: int

    @property
    def full_ladder_quote(self) -> Decimal:
        one = self.strategy
        return full_ladder_quote(one.base_order_quote, one.add_on_quote, one.volume_scale, one.max_add_ons)


def complete(draft: BotDraft, account_quote: Decimal | None) -> Plan:
    """Fill in what the draft leaves out; :class:`Invalid` names what nobody can fill in.

    ``account_quote`` is what the account holds of the quote currency, None when it is not known.
    """
    preset = PRESETS[draft.preset] if draft.preset else None
    groups = draft.max_active_groups or (preset.max_active_groups if preset else 1)
    percent = draft.margin_limit_percent
    if percent is None and draft.margin_limit_quote is None and preset is not None:
        percent = preset.margin_percent
    limit = draft.margin_limit_quote or _share_of_account(percent, account_quote)
    group_limit = draft.group_limit_quote or divide(limit, Decimal(groups))
    return Plan(
        strategy=_strategy(draft.strategy, preset, group_limit),
        margin_limit_quote=limit,
        group_limit_quote=group_limit,
        group_limit_given=draft.group_limit_quote is not None,
        max_active_groups=groups,
        margin_limit_percent=percent,
        connection_limit_quote=draft.connection_limit_quote,
        symbol_limit_quote=draft.symbol_limit_quote,
        reserve=draft.reserve,
        signal_max_lag_ms=draft.signal_max_lag_ms,
    )


def _share_of_account(percent: Decimal | None, account_quote: Decimal | None) -> Decimal:
    """Return the share in whole cents."""
    if percent is None:
        raise _missing("margin_limit_quote")
    limit = round_down(divide((account_quote or ZERO) * percent, HUNDRED), _CENT)
    if not limit:
        raise Invalid(
            "bot.balance_unknown",
            "A limit in percent is taken from the account's balance, and there is none known.",
            "Give margin_limit_quote, or wait until the balance is shown.",
        )
    return limit


def _strategy(given: DcaIn, preset: Preset | None, group_limit: Decimal) -> DcaStrategy:
    base = _first(
        given.base_order_quote, preset.base_order(group_limit) if preset else None, field="strategy.base_order_quote"
    )
    if not base:
        raise Invalid(
            "bot.limit_too_small", "The limit is too small for this preset.", "Give a larger margin_limit_quote."
        )
    known = preset or _NOTHING
    return DcaStrategy(
        base_order_quote=base,
        add_on_quote=_first(given.add_on_quote, base),
        max_add_ons=_first(given.max_add_ons, known.max_add_ons, field="strategy.max_add_ons"),
        step_percent=_first(given.step_percent, known.step_percent, field="strategy.step_percent"),
        take_profit_percent=_first(
            given.take_profit_percent, known.take_profit_percent, field="strategy.take_profit_percent"
        ),
        step_scale=_first(given.step_scale, known.step_scale, ONE),
        volume_scale=_first(given.volume_scale, known.volume_scale, ONE),
        min_improvement_percent=_first(
            given.min_improvement_percent, known.min_improvement_percent, _DEFAULT_IMPROVEMENT
        ),
        min_gap_percent=_first(given.min_gap_percent, known.min_gap_percent, ONE),
        add_on_cooldown_ms=given.add_on_cooldown_ms,
        group_cooldown_ms=given.group_cooldown_ms,
        slippage_percent=given.slippage_percent,
        max_price_age_ms=given.max_price_age_ms,
        start_on=given.start_on,
        add_on_on=given.add_on_on,
        addon_block_mode=given.addon_block_mode,
        gap_policy=given.gap_policy,
    )


def _first(given: Number | None, preset: Number | None, otherwise: Number | None = None, *, field: str = "") -> Number:
    for value in (given, preset, otherwise):
        if value is not None:
            return value
    raise _missing(field)


def _missing(field: str) -> Invalid:
    return Invalid("bot.incomplete", f"{field} is missing.", "Give it, or choose a preset that fills it in.")
