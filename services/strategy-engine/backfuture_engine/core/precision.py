"""One Decimal precision for every calculation of the core, whatever the caller's context is."""

from collections.abc import Callable
from decimal import getcontext, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

from backfuture_common.domain.money import MONEY_CONTEXT

P = ParamSpec("P")
T = TypeVar("T")

_PRECISION, _ROUNDING = MONEY_CONTEXT.prec, MONEY_CONTEXT.rounding


def exact(function: Callable[P, T]) -> Callable[P, T]:
    """Run ``function`` at the platform's precision: the same bits live, in replay and in a test."""

    @wraps(function)
    def at_money_precision(*args: P.args, **kwargs: P.kwargs) -> T:
        now = getcontext()
        if now.prec == _PRECISION and now.rounding == _ROUNDING:
            return function(*args, **kwargs)
        with localcontext(MONEY_CONTEXT):
            return function(*args, **kwargs)

    return at_money_precision
