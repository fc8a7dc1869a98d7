"""How a bot looks from outside."""

from decimal import Decimal

import msgspec
from backfuture_common.domain.money import ZERO, divide, round_down
from backfuture_common.messages.bots import BotSpec, DcaStrategy

from backfuture_gateway.bots.repository import Found
from backfuture_gateway.bots.schemas import BotOut, BotStatus, DcaOut
from backfuture_gateway.db.tables import BotRow
from backfuture_gateway.read_model.tables import BotView, RefusalView

_EIGHT_DIGITS = Decimal("0.00000001")


def spec_of(row: BotRow) -> BotSpec:
    return msgspec.convert(row.spec, BotSpec)


def strategy_out(strategy: DcaStrategy) -> DcaOut:
    return DcaOut.model_validate(strategy)


def group_limit(margin_limit: Decimal, given: Decimal | None, groups: int) -> Decimal:
    """Return what one group may bind, for display."""
    return given if given is not None else round_down(divide(margin_limit, Decimal(groups)), _EIGHT_DIGITS)


def present(found: Found) -> BotOut:
    row, view, refusal = found
    spec = spec_of(row)
    return BotOut(
        id=row.id,
        name=row.name,
        connection_id=row.connection_id,
        exchange=spec.exchange,
        symbols=list(spec.symbols),
        preset=row.preset,
        strategy=strategy_out(spec.strategy),
        margin_limit_quote=spec.margin_limit_quote,
        group_limit_quote=group_limit(spec.margin_limit_quote, spec.group_limit_quote, spec.max_active_groups),
        max_active_groups=spec.max_active_groups,
        margin_limit_percent=spec.margin_limit_percent,
        connection_limit_quote=spec.connection_limit_quote,
        symbol_limit_quote=spec.symbol_limit_quote,
        reserve=spec.reserve,
        signal_max_lag_ms=spec.signal_max_lag_ms,
        status=status_of(row, view, refusal),
        fault=view.fault if view else None,
        last_refusal=refusal.reason if refusal else None,
        groups_open=view.groups_live if view else 0,
        groups_closed=view.groups_closed if view else 0,
        realised_quote=view.realised_quote if view else ZERO,
        version=spec.version,
        created_ms=row.created_ms,
        updated_ms=max(row.wanted_ms, view.updated_ms if view else 0),
    )


def status_of(row: BotRow, view: BotView | None, refusal: RefusalView | None) -> BotStatus:
    """Return the state of a bot: the engine's, unless something was asked that it has neither done nor refused."""
    refused = refusal is not None and refusal.command_id == row.command_id
    if view is None:
        return "refused" if refused else "deleting" if row.wanted == "deleted" else "creating"
    if row.wanted == "deleted" and not refused:
        return "deleting"
    if view.fault is not None:
        return "faulted"
    actual: BotStatus = "running" if view.running else "stopped"
    if refused or row.wanted in {actual, "deleted"}:
        return actual
    return "starting" if row.wanted == "running" else "stopping"
