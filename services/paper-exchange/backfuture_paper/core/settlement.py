"""What a fill moves: cost, fee and the hold that stays behind."""

from decimal import Decimal

import msgspec
from backfuture_common.domain.money import ONE, ZERO

from backfuture_paper.core.book import Level
from backfuture_paper.core.exact import add, multiply, subtract, total
from backfuture_paper.core.instruments import Instrument, VenueRules
from backfuture_paper.core.orders import Liquidity, Order, OrderRequest


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One fill's money: ``paid`` leaves the hold, ``received`` comes in, ``held`` stays held afterwards."""

    cost: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    paid: Decimal
    received_coin: str
    received: Decimal
    held: Decimal


def coin_to_hold(request: OrderRequest, instrument: Instrument) -> str:
    return instrument.quote if request.side == "buy" else instrument.base


def fee_coin(request: OrderRequest, instrument: Instrument, rules: VenueRules) -> str:
    if rules.fee_coin == "received" and request.side == "buy":
        return instrument.base
    return instrument.quote


def amount_to_hold(request: OrderRequest, slices: list[Level], rules: VenueRules) -> Decimal:
    """Return what an order must have free: for a market order what the ``slices`` it would get need."""
    if request.side == "sell":
        return request.amount if request.amount is not None else total(level.amount for level in slices)
    if request.kind == "limit":
        return _limit_buy_hold(request, request.amount or ZERO, rules)
    cost = request.cost
    if cost is None:
        cost = total(multiply(level.price, level.amount) for level in slices)
    return multiply(cost, _with_fee(rules))


def settle(order: Order, part: Level, liquidity: Liquidity, instrument: Instrument, rules: VenueRules) -> Settlement:
    """Return what this fill of an open order moves."""
    request = order.request
    amount = part.amount
    cost = multiply(part.price, amount)
    rate = rules.taker_fee if liquidity == "taker" else rules.maker_fee
    coin = fee_coin(request, instrument, rules)
    fee = multiply(amount if coin == instrument.base else cost, rate)
    if request.side == "sell":
        paid, received_coin, received = amount, instrument.quote, subtract(cost, fee)
    elif coin == instrument.base:
        paid, received_coin, received = cost, instrument.base, subtract(amount, fee)
    else:
        paid, received_coin, received = add(cost, fee), instrument.base, amount
    return Settlement(
        cost=cost,
        fee=fee,
        fee_coin=coin,
        fee_rate=rate,
        paid=paid,
        received_coin=received_coin,
        received=received,
        held=_held_afterwards(order, paid, amount, rules),
    )


def _held_afterwards(order: Order, paid: Decimal, amount: Decimal, rules: VenueRules) -> Decimal:
    request = order.request
    if request.kind == "limit" and request.side == "buy":
        return _limit_buy_hold(request, subtract(order.remaining, amount), rules)
    return subtract(order.held, paid)


def _limit_buy_hold(request: OrderRequest, remaining: Decimal, rules: VenueRules) -> Decimal:
    return multiply(multiply(request.price or ZERO, remaining), _with_fee(rules))


def _with_fee(rules: VenueRules) -> Decimal:
    return ONE if rules.fee_coin == "received" else add(ONE, max(rules.taker_fee, rules.maker_fee))
