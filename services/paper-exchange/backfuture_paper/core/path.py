"""The generated price: a function of seed, symbol and time, computed in integers, equal on every machine and restart.

A sum of waves around a reference price. The swing runs straight from above to below the middle and back, each time to
a random height, so the price comes back and never stands still; slow drifts move the middle, fast noise roughens the
line. Every wave is bounded, hence so is the price.
"""

import hashlib
from decimal import Decimal
from functools import lru_cache

import msgspec

from backfuture_paper.core.exact import multiply

_BILLION = 1_000_000_000
_FRACTION_BITS = 20
_ONE = 1 << _FRACTION_BITS


class PathSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How lively the price is. ``swing_ppm`` is the swing's greatest height above or below the middle, in millionths;
    ``swing_ms`` the time from one turn to the next; a turn is at least ``swing_least_percent`` of the height."""

    seed: int = 7
    swing_ppm: int = 10_000
    swing_ms: int = 30_000
    swing_least_percent: int = 65
    noise_ppm: int = 400
    noise_ms: int = 5_000
    drift_ppm: int = 4_000
    drift_ms: int = 900_000


def price_at(reference: Decimal, symbol: str, at_ms: int, settings: PathSettings) -> Decimal:
    """Return the exact price of the path; the caller rounds to the venue's step."""
    ppb = _deviation_ppb(symbol, at_ms, settings)
    return multiply(reference, Decimal(_BILLION + ppb).scaleb(-9))


def unit_hash(*parts: object) -> int:
    """Return an integer from 0 to 2**20 - 1 that depends on all the parts and looks random."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _FRACTION_BITS)


def _deviation_ppb(symbol: str, at_ms: int, s: PathSettings) -> int:
    """Return the distance from the reference in billionths."""
    return (
        _swing(symbol, at_ms, s)
        + _wander(f"{s.seed}{symbol}noise", at_ms, s.noise_ms, s.noise_ppm)
        + _wander(f"{s.seed}{symbol}ripple", at_ms, s.noise_ms // 4 or 1, s.noise_ppm // 3)
        + _wander(f"{s.seed}{symbol}drift", at_ms, s.drift_ms, s.drift_ppm)
        + _wander(f"{s.seed}{symbol}tide", at_ms, s.drift_ms * 8, s.drift_ppm * 4)
    )


def _swing(symbol: str, at_ms: int, s: PathSettings) -> int:
    shifted = at_ms + _phase(s.seed, symbol, s.swing_ms)
    turn, rest = divmod(shifted, s.swing_ms)
    here = _turn(s.seed, symbol, turn, s.swing_least_percent)
    there = _turn(s.seed, symbol, turn + 1, s.swing_least_percent)
    return (here + (there - here) * rest // s.swing_ms) * s.swing_ppm * 1000 // _ONE


def _wander(wave: str, at_ms: int, period_ms: int, ppm: int) -> int:
    knot, rest = divmod(at_ms, period_ms)
    here, there = _knot(wave, knot), _knot(wave, knot + 1)
    return _between(here, there, rest, period_ms) * ppm * 1000 // _ONE


def _between(here: int, there: int, rest: int, period: int) -> int:
    """Return the smooth way from ``here`` to ``there`` (3x^2 - 2x^3)."""
    x = rest * _ONE // period
    smooth = x * x * (3 * _ONE - 2 * x) >> (2 * _FRACTION_BITS)
    return here + ((there - here) * smooth >> _FRACTION_BITS)


@lru_cache(maxsize=1024)
def _phase(seed: int, symbol: str, swing_ms: int) -> int:
    return unit_hash(seed, symbol, "phase") * 2 * swing_ms >> _FRACTION_BITS


@lru_cache(maxsize=65_536)
def _turn(seed: int, symbol: str, number: int, least_percent: int) -> int:
    """Return a height from -1 to 1 (in 2**-20): even turns are above the middle, odd ones below."""
    least = _ONE * least_percent // 100
    height = least + (unit_hash(seed, symbol, "swing", number) * (_ONE - least) >> _FRACTION_BITS)
    return height if number % 2 == 0 else -height


@lru_cache(maxsize=65_536)
def _knot(wave: str, number: int) -> int:
    return 2 * unit_hash(wave, number) - _ONE
