"""Why an exchange refuses. Each venue gives these its own codes and words."""

from typing import Literal

Reason = Literal[
    "unknown_symbol",
    "bad_parameter",
    "client_id_invalid",
    "client_id_used",
    "amount_step",
    "price_step",
    "amount_below_minimum",
    "amount_above_maximum",
    "cost_below_minimum",
    "too_many_open_orders",
    "insufficient_funds",
    "unknown_order",
]


class ExchangeRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure
    """The request was not carried out and nothing has changed."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
