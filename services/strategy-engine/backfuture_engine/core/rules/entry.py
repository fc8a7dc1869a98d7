"""May the bot open a group of this symbol at this price?"""

from decimal import Decimal

from backfuture_common.messages.bots import BotState, Signal
from backfuture_common.messages.journal import Context, PriceObserved
from backfuture_common.messages.market import Instrument

from backfuture_engine.core.groups import by_symbol, rests_until
from backfuture_engine.core.margin import Numbers, ladder, margin_checks, needed_for_entry
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.checks import signal_checks, user_checks
from backfuture_engine.core.ruling import Ruling, Subject, Terms, buy_terms, failing, refuse, rule
from backfuture_engine.core.zones import add_on_cost


@exact
def judge_entry(state: BotState, price: PriceObserved, ctx: Context, signal: Signal | None = None) -> Ruling:
    """Rule OPEN with the order's terms, or BLOCK or WAIT with every reason."""
    spec, strategy, instrument = state.spec, state.spec.strategy, ctx.instrument
    subject = Subject(state, price.symbol, None, ctx.now_ms, signal)
    needed = needed_for_entry(spec)
    margins, limits = margin_checks(state, ctx, None, needed)
    quote = strategy.base_order_quote
    terms = buy_terms(price.ask, quote, strategy.slippage_percent, instrument) if instrument else None
    reasons = failing(
        (
            *signal_checks(state, signal, ctx.now_ms),
            *user_checks(state, price.symbol, price.exchange, signal, ctx),
            ("PRICE_STALE", price.age_ms > strategy.max_price_age_ms),
            ("GROUP_LIMIT", by_symbol(state, price.symbol) is not None or len(state.groups) >= spec.max_active_groups),
            ("COOLDOWN", ctx.now_ms < rests_until(state, price.symbol)),
            *margins,
            ("BALANCE", instrument is not None and short_of_balance(quote, instrument, ctx)),
            (
                "MIN_SIZE",
                terms is not None and instrument is not None and _a_leg_is_too_small(state, terms, instrument),
            ),
        )
    )
    numbers: Numbers = {
        "bid": price.bid,
        "ask": price.ask,
        "age_ms": price.age_ms,
        "ladder": ladder(strategy),
        **limits,
        "quote_free": ctx.quote_free,
        "amount": terms.amount if terms else None,
        "limit": terms.limit_price if terms else None,
    }
    return refuse(subject, reasons, numbers) if reasons else rule(subject, "OPEN", (), numbers, terms=terms)


def short_of_balance(quote: Decimal, instrument: Instrument, ctx: Context) -> bool:
    """Say whether the account's free money does not cover ``quote`` and its fee; so too when it is not known."""
    return ctx.quote_free is None or ctx.quote_free < quote * (1 + instrument.taker_fee)


def _a_leg_is_too_small(state: BotState, terms: Terms, instrument: Instrument) -> bool:
    """Say whether the venue would refuse the entry, or a planned add-on, for its size."""
    strategy = state.spec.strategy
    add_ons = (add_on_cost(strategy, number) for number in range(1, strategy.max_add_ons + 1))
    return terms.too_small(instrument) or any(cost < instrument.cost_min for cost in add_ons)
