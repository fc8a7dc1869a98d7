"""Sums and products of money that are exact: a result that would be rounded raises decimal.Inexact."""

from collections.abc import Iterable
from decimal import Decimal, Inexact

from backfuture_common.domain.money import MONEY_CONTEXT, ZERO

_EXACT = MONEY_CONTEXT.copy()
_EXACT.prec = 100
_EXACT.traps[Inexact] = True


def add(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.multiply(left, right)


def total(values: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for value in values:
        result = _EXACT.add(result, value)
    return result
