"""Bodies of the balances' endpoint."""

from backfuture_gateway.http.amounts import Money
from backfuture_gateway.http.schemas import Outbound


class BalanceOut(Outbound):
    """One currency of the account behind a connection. ``held`` is bound in open orders."""

    connection_id: str
    connection_name: str
    exchange: str
    currency: str
    free: Money
    held: Money
    at_ms: int
