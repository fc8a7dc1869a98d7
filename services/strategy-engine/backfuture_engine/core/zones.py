"""The zones below a group's anchor in which it may add on, one add-on in each."""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from backfuture_common.domain.ladder import add_on_quote, zone_starts
from backfuture_common.domain.money import HUNDRED
from backfuture_common.messages.bots import Group, Strategy

from backfuture_engine.core.precision import exact


class Zone(NamedTuple):
    """Zone ``number`` (from 1): prices p with ``bottom < p <= top``. An add-on in it costs ``quote``."""

    number: int
    top: Decimal
    bottom: Decimal
    quote: Decimal


@lru_cache(maxsize=4_096)
def starts(strategy: Strategy) -> tuple[Decimal, ...]:
    """Return where zones 1..n begin and where zone n ends, in percent below the anchor."""
    return zone_starts(strategy.step_percent, strategy.step_scale, strategy.max_add_ons)


@lru_cache(maxsize=65_536)
def add_on_cost(strategy: Strategy, zone: int) -> Decimal:
    """Return what the add-on of a zone (from 1) costs."""
    return add_on_quote(strategy.add_on_quote, strategy.volume_scale, zone)


@exact
def zones_below(strategy: Strategy, anchor: Decimal) -> tuple[Zone, ...]:
    """Return the zones as prices, nearest first."""
    tops = [anchor * (HUNDRED - depth) / HUNDRED for depth in starts(strategy)]
    return tuple(
        Zone(number, tops[number - 1], tops[number], add_on_cost(strategy, number))
        for number in range(1, strategy.max_add_ons + 1)
    )


def zone_at(strategy: Strategy, anchor: Decimal, price: Decimal) -> Zone | None:
    """Return the zone that ``price`` lies in; None above the first and below the last one."""
    return next((zone for zone in zones_below(strategy, anchor) if zone.bottom < price <= zone.top), None)


def makes_up_for(group: Group, here: Zone) -> tuple[Zone, ...]:
    """Return the zones that an add-on in zone ``here`` uses up, that one last: by policy also the unused ones above."""
    if group.strategy.gap_policy == "current_zone" or group.anchor is None:
        return (here,)
    above = zones_below(group.strategy, group.anchor)[: here.number - 1]
    return (*(zone for zone in above if zone.number not in group.zones_used), here)


def next_unused(group: Group) -> tuple[Zone, ...]:
    """Return the nearest unused zone: the one whose size an add-on outside the zones has. The last when all are used.

    Nothing when the group has no zones.
    """
    zones = zones_below(group.strategy, group.anchor) if group.anchor is not None else ()
    return tuple(zone for zone in zones if zone.number not in group.zones_used)[:1] or zones[-1:]
