"""What a bot's configuration must fulfil, with the numbers in every refusal."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from backfuture_common.domain.ladder import add_on_quote, zone_starts
from backfuture_common.domain.money import HUNDRED, divide, plain, round_down, round_up

from backfuture_gateway.bots.drafts import Plan
from backfuture_gateway.http.errors import Conflict, Invalid
from backfuture_gateway.read_model.tables import InstrumentView

_SHOWN = 5
_RISKY_MULTIPLE = Decimal(10)


def require_online(online: bool, name: str) -> None:
    """Refuse a bot on a connection that is not proven trade-only and usable."""
    if not online:
        raise Conflict(
            "connection.not_online",
            f"The connection “{name}” is not online.",
            "See its test for the reason, mend it, and test again.",
            retryable=True,
        )


def require_listed(symbols: Sequence[str], listed: dict[str, InstrumentView], exchange: str) -> None:
    """Refuse symbols that the exchange does not list or does not trade now, and a mix of quote currencies."""
    unknown = [symbol for symbol in symbols if symbol not in listed or not listed[symbol].active]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise Invalid(
            "bot.symbol_unknown",
            f"{exchange} does not trade {', '.join(unknown[:_SHOWN])}{more}.",
            f"GET /exchanges/{exchange}/instruments lists what it trades; symbols look like BTC/USDT.",
        )
    quotes = sorted({listed[symbol].quote for symbol in symbols})
    if len(quotes) > 1:
        raise Invalid(
            "bot.mixed_quotes",
            f"The symbols are priced in {' and '.join(quotes)}.",
            "A bot's limit is one amount of one currency: make one bot for each.",
        )


def problems(plan: Plan, instruments: Sequence[InstrumentView], prices: dict[str, Decimal]) -> Iterator[Invalid]:
    """Yield every reason to refuse the plan. ``prices`` are the newest asks of those markets that have one."""
    yield from _limit_problems(plan)
    yield from _ladder_problems(plan)
    for instrument in instruments:
        yield from _size_problems(plan, instrument, prices.get(instrument.symbol))


def warnings(plan: Plan) -> Iterator[str]:
    """Yield what is allowed and dangerous."""
    multiple = divide(plan.full_ladder_quote, plan.strategy.base_order_quote)
    if multiple >= _RISKY_MULTIPLE:
        yield (
            f"The full ladder is {plain(round_up(multiple, Decimal('0.01')))} times the entry: a long fall binds all "
            f"of {plain(plan.full_ladder_quote)} before the bot stops buying."
        )
    if plan.reserve == "strict" and plan.full_ladder_quote * plan.max_active_groups > plan.margin_limit_quote:
        fit = int(divide(plan.margin_limit_quote, plan.full_ladder_quote))
        yield (
            f"{plan.max_active_groups} groups with full ladders need "
            f"{plain(plan.full_ladder_quote * plan.max_active_groups)}, the limit is {plain(plan.margin_limit_quote)}: "
            f"only {fit} will be open at once."
        )
    yield "There is no stop-loss: a group waits for its target, however long and however far the price falls."


def _limit_problems(plan: Plan) -> Iterator[Invalid]:
    if plan.group_limit_quote > plan.margin_limit_quote:
        yield Invalid(
            "bot.group_limit_above_margin",
            f"One group may bind {plain(plan.group_limit_quote)}, all together only {plain(plan.margin_limit_quote)}.",
            "Lower group_limit_quote or raise margin_limit_quote.",
        )
    for field, limit in (
        ("connection_limit_quote", plan.connection_limit_quote),
        ("symbol_limit_quote", plan.symbol_limit_quote),
    ):
        if limit is not None and plan.full_ladder_quote > limit:
            yield Invalid(
                "bot.ladder_above_limit",
                f"The entry and all add-ons cost {plain(plan.full_ladder_quote)}, {field} is {plain(limit)}.",
                "Make orders smaller or fewer, or raise the limit: this could never be filled.",
            )
    if plan.full_ladder_quote > plan.group_limit_quote:
        share = (
            "the group's limit"
            if plan.group_limit_given
            else f"a group's share of the margin limit ({plain(plan.margin_limit_quote)} / {plan.max_active_groups})"
        )
        yield Invalid(
            "bot.ladder_above_limit",
            f"The entry and all add-ons cost {plain(plan.full_ladder_quote)}, {share} is "
            f"{plain(round_down(plan.group_limit_quote, Decimal('0.01')))}.",
            "Make orders smaller or fewer, allow fewer groups at once, or raise the limit: a group that cannot get its "
            "planned add-ons would be stuck.",
        )


def _ladder_problems(plan: Plan) -> Iterator[Invalid]:
    one = plan.strategy
    starts = zone_starts(one.step_percent, one.step_scale, one.max_add_ons)
    if one.max_add_ons and starts[-2] >= HUNDRED:
        yield Invalid(
            "bot.ladder_too_deep",
            f"The last zone begins {plain(round_up(starts[-2], Decimal('0.01')))} % below the entry: nothing is there.",
            "Lower step_percent, step_scale or max_add_ons.",
        )


def _size_problems(plan: Plan, instrument: InstrumentView, price: Decimal | None) -> Iterator[Invalid]:
    one = plan.strategy
    sizes = [one.base_order_quote]
    if one.max_add_ons:
        sizes += [one.add_on_quote, add_on_quote(one.add_on_quote, one.volume_scale, one.max_add_ons)]
    smallest = min(sizes)
    if smallest < instrument.cost_min:
        yield Invalid(
            "bot.order_too_small",
            f"The smallest order is {plain(smallest)} {instrument.quote}; {instrument.symbol} takes none below "
            f"{plain(instrument.cost_min)}.",
            "Raise base_order_quote and add_on_quote.",
        )
    if price is None:
        return
    amount = round_down(divide(smallest, price), instrument.amount_step)
    if amount < instrument.amount_min or not amount:
        needed = round_up(max(instrument.amount_min, instrument.amount_step) * price, Decimal("0.01"))
        yield Invalid(
            "bot.order_too_small",
            f"The smallest order buys {plain(amount)} {instrument.base} at {plain(price)}; {instrument.symbol} takes "
            f"none below {plain(max(instrument.amount_min, instrument.amount_step))}.",
            f"Orders must cost at least about {plain(needed)} {instrument.quote}.",
        )
