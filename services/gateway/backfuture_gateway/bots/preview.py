"""The table that shows what a bot would do, before it does anything."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ladder import LadderPlan, LadderStep, planned_steps
from backfuture_common.domain.money import HUNDRED, divide, round_down, round_up

from backfuture_gateway.bots import checks
from backfuture_gateway.bots.drafts import Plan
from backfuture_gateway.bots.presenting import group_limit, strategy_out
from backfuture_gateway.bots.schemas import PreviewOut, ProblemOut, StepOut
from backfuture_gateway.http.errors import ApiError
from backfuture_gateway.read_model.tables import InstrumentView

_PERCENT_DIGITS = Decimal("0.0001")
_PRICE_DIGITS = Decimal("0.0000000001")


def preview(
    plan: Plan,
    instrument: InstrumentView,
    price: Decimal,
    price_from: Literal["request", "market"],
    refusals: Sequence[ApiError],
) -> PreviewOut:
    """Return every step of the ladder with its figures, and everything that stands against the plan."""
    one = plan.strategy
    ladder = LadderPlan(
        base_quote=one.base_order_quote,
        first_add_on_quote=one.add_on_quote,
        add_ons=one.max_add_ons,
        step_percent=one.step_percent,
        step_scale=one.step_scale,
        volume_scale=one.volume_scale,
        take_profit_percent=one.take_profit_percent,
        taker_fee=instrument.taker_fee,
        price_step=instrument.price_step,
        amount_step=instrument.amount_step,
    )
    found = [*refusals, *checks.problems(plan, [instrument], {instrument.symbol: price})]
    return PreviewOut(
        symbol=instrument.symbol,
        price=price,
        price_from=price_from,
        strategy=strategy_out(one),
        margin_limit_quote=plan.margin_limit_quote,
        group_limit_quote=group_limit(
            plan.margin_limit_quote, plan.group_limit_quote if plan.group_limit_given else None, plan.max_active_groups
        ),
        max_active_groups=plan.max_active_groups,
        steps=[_step(step, plan.group_limit_quote) for step in planned_steps(ladder, price)],
        full_ladder_quote=plan.full_ladder_quote,
        ladder_multiple=round_up(divide(plan.full_ladder_quote, one.base_order_quote), _PERCENT_DIGITS),
        problems=[ProblemOut(code=p.info.code, message=p.info.message, hint=p.info.hint) for p in found],
        warnings=list(checks.warnings(plan)),
    )


def _step(step: LadderStep, limit: Decimal) -> StepOut:
    return StepOut(
        number=step.number,
        deviation_percent=step.deviation_percent,
        price=step.price,
        quote=step.quote,
        amount=step.amount,
        total_quote=step.total_quote,
        total_amount=step.total_amount,
        average=round_down(step.average, _PRICE_DIGITS),
        break_even=round_up(step.break_even, _PRICE_DIGITS),
        target=step.target,
        drawdown_percent=round_down(max(step.drawdown_percent, Decimal(0)), _PERCENT_DIGITS),
        margin_percent=round_up(divide(step.total_quote * HUNDRED, limit), _PERCENT_DIGITS),
    )
