"""Decimal money: parsed from text, rounded only here, with the instrument's own rules."""

from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal, InvalidOperation, localcontext

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)

MONEY_CONTEXT = Context(prec=40)
"""Precision of every division in the platform: far beyond any venue's digits, and the same everywhere."""


def parse_decimal(text: str) -> Decimal:
    """Return the finite Decimal written in ``text``; ValueError for anything else (NaN, infinity, words)."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a number: {text[:40]!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text[:40]!r}")
    return value


def divide(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Divide at the platform's precision, whatever the caller's Decimal context is."""
    return MONEY_CONTEXT.divide(numerator, denominator)


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` that is not above ``value`` (value >= 0, step > 0)."""
    return _to_step(value, step, ROUND_DOWN)


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of ``step`` that is not below ``value`` (value >= 0, step > 0)."""
    return _to_step(value, step, ROUND_UP)


def plain(value: Decimal) -> str:
    """Write without exponent and without trailing zeros: ``0.00001``, ``100``, ``0``."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        raise ValueError("a step is positive")
    with localcontext(MONEY_CONTEXT):
        return (value / step).to_integral_value(rounding=rounding) * step
