"""A group's card: what the engine says, and what follows from the newest price."""

from decimal import Decimal, localcontext

import msgspec
from backfuture_common.domain.ladder import add_on_quote, full_ladder_quote, percent_below, price_below, zone_starts
from backfuture_common.domain.money import MONEY_CONTEXT, ONE, ZERO, divide, round_down
from backfuture_common.messages.bots import DcaStrategy

from backfuture_gateway.groups.repository import Found
from backfuture_gateway.groups.schemas import GroupOut
from backfuture_gateway.read_model.tables import GroupView, InstrumentView

_DIGITS = Decimal("0.0000000001")
_PERCENT_DIGITS = Decimal("0.0001")


def present(found: Found, bid: Decimal | None) -> GroupOut:
    """Return the group; ``bid`` is its market's newest, None when there is none."""
    row, bot, connection, instrument = found
    strategy = msgspec.convert(row.strategy, DcaStrategy)
    live = row.closed_ms is None
    with localcontext(MONEY_CONTEXT):
        held = max(row.bought_amount - row.sold_amount - row.fees_base, ZERO) if live else ZERO
        outlook = _outlook(row, bid, held, instrument) if live and bid is not None else {}
        following = _next_add_on(row, strategy) if live else {}
    return GroupOut(
        id=row.group_id,
        bot_id=row.bot_id,
        bot_name=bot.name,
        connection_id=connection.id,
        exchange=connection.exchange,
        symbol=row.symbol,
        status=row.status,
        opened_ms=row.opened_ms,
        anchor=_short(row.anchor),
        amount=held,
        bought_amount=row.bought_amount,
        bought_cost=row.bought_cost,
        sold_amount=row.sold_amount,
        sold_proceeds=row.sold_proceeds,
        fees_base=row.fees_base,
        fees_quote=row.fees_quote,
        average=_short(row.average),
        break_even=_short(row.break_even),
        target=_short(row.target),
        add_ons_done=row.add_ons_done,
        add_ons_max=strategy.max_add_ons,
        zones_used=row.zones_used,
        ladder_quote=full_ladder_quote(
            strategy.base_order_quote, strategy.add_on_quote, strategy.volume_scale, strategy.max_add_ons
        ),
        close_requested=row.close_requested,
        closed_ms=row.closed_ms,
        close_reason=row.close_reason,
        realised_quote=row.realised_quote,
        dust_base=row.dust_base,
        price=outlook.get("price"),
        unrealised_quote=outlook.get("unrealised"),
        drawdown_percent=outlook.get("drawdown"),
        to_target_percent=outlook.get("to_target"),
        next_add_on_price=following.get("price"),
        next_add_on_quote=following.get("quote"),
        average_after_add_on=following.get("average"),
    )


def _outlook(row: GroupView, bid: Decimal, held: Decimal, instrument: InstrumentView | None) -> dict[str, Decimal]:
    outlook = {"price": bid}
    fee = instrument.taker_fee if instrument else ZERO
    if row.average:
        outlook["drawdown"] = _percent(percent_below(row.average, bid))
        proceeds = row.sold_proceeds + held * bid * (ONE - fee)
        outlook["unrealised"] = (proceeds - row.bought_cost - row.fees_quote).quantize(_DIGITS)
    if row.target:
        outlook["to_target"] = _percent(-percent_below(bid, row.target))
    return outlook


def _next_add_on(row: GroupView, strategy: DcaStrategy) -> dict[str, Decimal]:
    if row.anchor is None or row.add_ons_done >= strategy.max_add_ons:
        return {}
    starts = zone_starts(strategy.step_percent, strategy.step_scale, strategy.max_add_ons)
    zone = next((k for k in range(1, strategy.max_add_ons + 1) if k not in row.zones_used), None)
    if zone is None:
        return {}
    price = price_below(row.anchor, starts[zone - 1])
    quote = add_on_quote(strategy.add_on_quote, strategy.volume_scale, zone)
    if price <= 0:
        return {}
    amount = row.bought_amount + divide(quote, price)
    return {
        "price": round_down(price, _DIGITS),
        "quote": quote,
        "average": round_down(divide(row.bought_cost + quote, amount), _DIGITS),
    }


def _short(value: Decimal | None) -> Decimal | None:
    """Cut the endless digits of a division; what the engine works with is longer."""
    return None if value is None else value.quantize(_DIGITS, context=MONEY_CONTEXT)


def _percent(value: Decimal) -> Decimal:
    return value.quantize(_PERCENT_DIGITS, context=MONEY_CONTEXT)
