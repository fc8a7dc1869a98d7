"""Accounts' money: free and held parts that are moved, never made."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from backfuture_common.domain.money import ZERO

from backfuture_paper.core.exact import add, subtract
from backfuture_paper.core.refusals import ExchangeRefusal


class Balance(msgspec.Struct, frozen=True):
    """One coin of one account. Both parts are never negative."""

    free: Decimal = ZERO
    held: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return add(self.free, self.held)


class BalanceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A coin of an account after a movement, and by how much the total and the held part moved."""

    account: str
    coin: str
    balance: Balance
    total_delta: Decimal
    held_delta: Decimal
    cause: str


class Ledger:
    """Every account's balances. Keeps a list of changes until they are fetched with :meth:`drain`."""

    def __init__(self) -> None:
        self._balances: dict[str, dict[str, Balance]] = {}
        self._changes: list[BalanceChange] = []

    def load(self, account: str, coin: str, balance: Balance) -> None:
        """Restore a balance; not a change."""
        self._balances.setdefault(account, {})[coin] = balance

    def balances(self, account: str) -> dict[str, Balance]:
        return dict(self._balances.get(account, {}))

    def balance(self, account: str, coin: str) -> Balance:
        return self._balances.get(account, {}).get(coin, Balance())

    def accounts(self) -> Iterator[str]:
        yield from self._balances

    def credit(self, account: str, coin: str, amount: Decimal, cause: str) -> None:
        self._move(account, coin, free=amount, held=ZERO, cause=cause)

    def debit(self, account: str, coin: str, amount: Decimal, cause: str) -> None:
        """Take from the free part. ExchangeRefusal when there is not enough."""
        self._move(account, coin, free=-amount, held=ZERO, cause=cause)

    def hold(self, account: str, coin: str, amount: Decimal, cause: str) -> None:
        """Move from free to held (back, when negative). ExchangeRefusal when there is not enough."""
        self._move(account, coin, free=-amount, held=amount, cause=cause)

    def spend_held(self, account: str, coin: str, amount: Decimal, cause: str) -> None:
        self._move(account, coin, free=ZERO, held=-amount, cause=cause)

    def drain(self) -> tuple[BalanceChange, ...]:
        changes, self._changes = tuple(self._changes), []
        return changes

    def _move(self, account: str, coin: str, *, free: Decimal, held: Decimal, cause: str) -> None:
        old = self.balance(account, coin)
        new = Balance(add(old.free, free), add(old.held, held))
        if new.free < ZERO or new.held < ZERO:
            raise ExchangeRefusal("insufficient_funds", coin)
        if not free and not held:
            return
        self._balances.setdefault(account, {})[coin] = new
        self._changes.append(
            BalanceChange(
                account=account,
                coin=coin,
                balance=new,
                total_delta=subtract(new.total, old.total),
                held_delta=held,
                cause=cause,
            )
        )
