"""Prices of a long group: average, break-even, target, improvement, drawdown, deviation.

Amounts are in base, costs and prices in quote, percentages in percent, fees ratios (0.001 is 0.1 %). Nothing here is
rounded to an instrument's steps.
"""

from decimal import Decimal

from backfuture_common.domain.ladder import break_even as _break_even
from backfuture_common.domain.ladder import percent_below, price_above
from backfuture_common.domain.money import HUNDRED, divide

from backfuture_engine.core.precision import exact


@exact
def average(cost: Decimal, amount: Decimal) -> Decimal:
    """Return what one coin has cost on average; ``amount`` > 0."""
    return divide(cost, amount)


@exact
def average_after(cost: Decimal, amount: Decimal, add_on_cost: Decimal, price: Decimal) -> Decimal:
    """Return the average after a further buy for ``add_on_cost`` at ``price``."""
    return divide(cost + add_on_cost, amount + divide(add_on_cost, price))


@exact
def improvement_percent(before: Decimal, after: Decimal) -> Decimal:
    """Return by how much the average falls from ``before`` to ``after``; negative when it gets worse."""
    return percent_below(before, after)


@exact
def worsens(average_price: Decimal, price: Decimal) -> bool:
    """Say whether buying at ``price`` does not lower the average. The size does not matter."""
    return price >= average_price


@exact
def price_that_improves(cost: Decimal, amount: Decimal, add_on_cost: Decimal, min_improvement: Decimal) -> Decimal:
    """Return the highest price at which a buy for ``add_on_cost`` lowers the average by ``min_improvement`` percent.

    Solves ``improvement = add_on / (cost at that price) * (A - p) / A`` for p. Zero or less: no price does.
    """
    ratio = divide(min_improvement, HUNDRED)
    return divide(add_on_cost * divide(cost, amount) * (1 - ratio), add_on_cost + ratio * cost)


@exact
def break_even(cost: Decimal, fees_quote: Decimal, net_amount: Decimal, exit_fee: Decimal) -> Decimal:
    """Return the price at which selling ``net_amount`` (> 0) pays back the cost and all fees, in and out."""
    return _break_even(cost, fees_quote, net_amount, exit_fee)


@exact
def target(break_even_price: Decimal, take_profit_percent: Decimal) -> Decimal:
    """Return the price that gains ``take_profit_percent`` net of fees."""
    return price_above(break_even_price, take_profit_percent)


@exact
def drawdown_percent(average_price: Decimal, price: Decimal) -> Decimal:
    """Return how far ``price`` is below the average."""
    return percent_below(average_price, price)


@exact
def deviation_percent(anchor: Decimal, price: Decimal) -> Decimal:
    """Return how far ``price`` is below the anchor: what zones are measured by."""
    return percent_below(anchor, price)
