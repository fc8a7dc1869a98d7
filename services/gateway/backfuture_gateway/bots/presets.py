"""Three ready-made ways to run a DCA bot. They fill in what a request leaves out."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ladder import full_ladder_quote
from backfuture_common.domain.money import ONE, divide, round_down

PresetName = Literal["conservative", "balanced", "aggressive"]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Numbers in percent but ``max_*`` and the scales. ``margin_percent`` is of the account's quote currency."""

    margin_percent: Decimal
    max_active_groups: int
    step_percent: Decimal
    step_scale: Decimal
    max_add_ons: int
    volume_scale: Decimal
    min_improvement_percent: Decimal
    min_gap_percent: Decimal
    take_profit_percent: Decimal

    def base_order(self, group_limit: Decimal) -> Decimal:
        """Return the largest entry, in whole cents, whose full ladder fits into a group's limit."""
        multiple = full_ladder_quote(ONE, ONE, self.volume_scale, self.max_add_ons)
        return round_down(divide(group_limit, multiple), _CENT)


PRESETS: dict[PresetName, Preset] = {
    "conservative": Preset(
        margin_percent=Decimal(20),
        max_active_groups=2,
        step_percent=Decimal(5),
        step_scale=Decimal(1),
        max_add_ons=2,
        volume_scale=Decimal(1),
        min_improvement_percent=Decimal(1),
        min_gap_percent=Decimal(2),
        take_profit_percent=Decimal(1),
    ),
    "balanced": Preset(
        margin_percent=Decimal(35),
        max_active_groups=3,
        step_percent=Decimal(3),
        step_scale=Decimal("1.2"),
        max_add_ons=4,
        volume_scale=Decimal("1.25"),
        min_improvement_percent=Decimal("0.5"),
        min_gap_percent=Decimal(1),
        take_profit_percent=Decimal("1.2"),
    ),
    "aggressive": Preset(
        margin_percent=Decimal(50),
        max_active_groups=3,
        step_percent=Decimal(2),
        step_scale=Decimal("1.3"),
        max_add_ons=6,
        volume_scale=Decimal("1.5"),
        min_improvement_percent=Decimal("0.3"),
        min_gap_percent=Decimal(1),
        take_profit_percent=Decimal("1.5"),
    ),
}
