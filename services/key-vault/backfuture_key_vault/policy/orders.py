"""Reads an order out of its parameters: which pair, how much, at which price.

Only what the exchange itself would act on counts: the price of a market order, or an amount beside a cost, makes an
order unreadable, because one of the two would be a decoration for the signer's eyes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from backfuture_key_vault.policy.verdict import Order

_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """How a venue names the parts of an order. Names it does not have are empty.

    ``limits`` are the kinds whose price binds; ``kind_default`` is meant when the kind is left out. With all values of
    one of ``amount_is_cost`` (empty: absent) the amount is money of the quote currency. ``contracts``: a pattern of
    symbols whose amounts count contracts, the worth of which is not in the bytes.
    """

    symbol: str
    side: str
    kind: str
    limits: frozenset[str]
    amount: str
    price: str
    cost: str = ""
    kind_default: str = ""
    amount_is_cost: tuple[Mapping[str, str], ...] = ()
    contracts: str = ""

    def read(self, parameters: Mapping[str, str]) -> Order:
        """Return the order; None in it where the parameters do not say it in exactly one way."""
        symbol = parameters.get(self.symbol, "")
        sells = parameters.get(self.side, "").lower() != "buy"
        amount, price, cost = (_number(parameters, name) for name in (self.amount, self.price, self.cost))
        in_contracts = bool(self.contracts) and re.fullmatch(self.contracts, symbol) is not None
        if in_contracts or (cost is not None and amount is not None):
            return Order(symbol, sells)
        if parameters.get(self.kind, self.kind_default) not in self.limits:
            if amount is not None and any(_holds(case, parameters) for case in self.amount_is_cost):
                amount, cost = None, amount
            return Order(symbol, sells, amount, None, cost)
        if cost is not None or amount is None or price is None:
            return Order(symbol, sells)
        return Order(symbol, sells, amount, price, amount * price)


def _number(parameters: Mapping[str, str], name: str) -> Decimal | None:
    text = parameters.get(name, "") if name else ""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _holds(case: Mapping[str, str], parameters: Mapping[str, str]) -> bool:
    return all(parameters.get(name, "") == value for name, value in case.items())
