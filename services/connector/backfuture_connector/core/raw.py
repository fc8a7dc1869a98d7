"""Reads fields of a venue's raw JSON strictly: what is not as expected is :class:`MalformedError`, never a default."""

from collections.abc import Mapping
from decimal import Decimal

from backfuture_common.domain.money import parse_decimal

Raw = Mapping[str, object]


class MalformedError(ValueError):
    """The venue's answer is not shaped as documented. Names the field, never the value."""


def fields(value: object, what: str) -> Raw:
    """Return a JSON object's fields."""
    if not isinstance(value, Mapping):
        raise MalformedError(f"{what} is not an object")
    return value


def items(value: object, what: str) -> list[object]:
    """Return a JSON list."""
    if not isinstance(value, list):
        raise MalformedError(f"{what} is not a list")
    return value


def text(raw: Raw, name: str) -> str:
    """Return a non-empty text; whole numbers count as text (ids come as either)."""
    value = optional_text(raw, name)
    if value is None:
        raise MalformedError(f"{name} is missing")
    return value


def optional_text(raw: Raw, name: str) -> str | None:
    """Return a text, None when it is missing, null or empty."""
    value = raw.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise MalformedError(f"{name} is not a text")
    return value


def number(raw: Raw, name: str) -> Decimal:
    """Return an exact number; JSON floats never come here, the parser keeps their digits as text."""
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedError(f"{name} is not a number")
    try:
        return parse_decimal(str(value))
    except ValueError:
        raise MalformedError(f"{name} is not a number") from None


def optional_number(raw: Raw, name: str) -> Decimal | None:
    """Return an exact number, None when it is missing, null or empty."""
    return None if raw.get(name) in {None, ""} else number(raw, name)


def flag(raw: Raw, *names: str) -> bool:
    """Return the first of the named JSON booleans that is present."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, bool):
            return value
    raise MalformedError(f"{names[0]} is not true or false")


def require_same(raw: Raw, name: str, expected: str) -> None:
    """Check that the answer is about what was asked."""
    if raw.get(name) != expected:
        raise MalformedError(f"{name} is not the one that was asked about")


def time_ms(raw: Raw, name: str) -> int:
    """Return a time in milliseconds."""
    value = number(raw, name)
    return int(value)
