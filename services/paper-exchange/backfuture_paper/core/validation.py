"""The checks an order passes before money is looked at."""

import re
from decimal import Decimal

from backfuture_common.domain.money import ZERO, plain, round_down

from backfuture_paper.core.exact import multiply
from backfuture_paper.core.instruments import Instrument
from backfuture_paper.core.orders import OrderRequest
from backfuture_paper.core.refusals import ExchangeRefusal

_CLIENT_ID = re.compile(r"^[0-9A-Za-z_-]{1,40}$")


def check_request(request: OrderRequest, instrument: Instrument) -> None:
    """Raise ExchangeRefusal unless the request is complete and obeys the market's steps and minimums."""
    if request.client_id and not _CLIENT_ID.match(request.client_id):
        raise ExchangeRefusal("client_id_invalid", request.client_id)
    if request.kind == "limit":
        _check_limit(request, instrument)
    else:
        _check_market(request, instrument)


def _check_limit(request: OrderRequest, instrument: Instrument) -> None:
    if request.price is None or request.price <= ZERO:
        raise ExchangeRefusal("bad_parameter", "price")
    if request.amount is None or request.cost is not None:
        raise ExchangeRefusal("bad_parameter", "size")
    if not _is_multiple(request.price, instrument.price_step):
        raise ExchangeRefusal("price_step", plain(instrument.price_step))
    _check_amount(request.amount, instrument)
    if multiply(request.price, request.amount) < instrument.cost_min:
        raise ExchangeRefusal("cost_below_minimum", plain(instrument.cost_min))


def _check_market(request: OrderRequest, instrument: Instrument) -> None:
    if (request.amount is None) == (request.cost is None):
        raise ExchangeRefusal("bad_parameter", "size or funds")
    if request.post_only:
        raise ExchangeRefusal("bad_parameter", "postOnly")
    if request.amount is not None:
        _check_amount(request.amount, instrument)
    if request.cost is not None and request.cost < instrument.cost_min:
        raise ExchangeRefusal("cost_below_minimum", plain(instrument.cost_min))


def _check_amount(amount: Decimal, instrument: Instrument) -> None:
    if amount < instrument.amount_min or amount <= ZERO:
        raise ExchangeRefusal("amount_below_minimum", plain(instrument.amount_min))
    if amount > instrument.amount_max:
        raise ExchangeRefusal("amount_above_maximum", plain(instrument.amount_max))
    if not _is_multiple(amount, instrument.amount_step):
        raise ExchangeRefusal("amount_step", plain(instrument.amount_step))


def _is_multiple(value: Decimal, step: Decimal) -> bool:
    return round_down(value, step) == value
