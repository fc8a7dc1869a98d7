"""How numbers and times are written for people."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MISSING = "–"


def number(text: object, places: int | None = None) -> str:
    """Write an amount with grouped thousands: exact, or rounded for the eye to ``places``."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return MISSING
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        return f"{value:,f}"
    plain = f"{value:,f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


def price(text: object) -> str:
    """Write a price with as many digits as are worth reading at its size."""
    try:
        value = abs(Decimal(str(text)))
    except InvalidOperation:
        return MISSING
    places = 2 if value >= 100 else 4 if value >= 1 else 8
    return number(text, places)


def signed(text: object, places: int = 2) -> str:
    """Write a result with its sign, also when it is a gain."""
    written = number(text, places)
    if written == MISSING or not Decimal(str(text)):
        return written
    return written.replace("-", "−") if written.startswith("-") else f"+{written}"


def percent_from(price_now: object, reference: object) -> Decimal | None:
    """Return by how many percent ``price_now`` lies above ``reference``."""
    try:
        base = Decimal(str(reference))
        return (Decimal(str(price_now)) - base) / base * 100 if base else None
    except InvalidOperation:
        return None


def clock(at_ms: object) -> str:
    """Write the local time of day."""
    return datetime.fromtimestamp(int(str(at_ms)) / 1000).astimezone().strftime("%H:%M:%S")


def ago(at_ms: int, now_ms: int) -> str:
    """Write how long ago something was, in one unit."""
    seconds = max(0, (now_ms - at_ms) // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
