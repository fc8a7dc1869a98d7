"""What the exchange remembers besides orders and fills."""

from decimal import Decimal
from typing import Literal

import msgspec

from backfuture_paper.core.instruments import Venue


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's money on one venue; several keys may belong to it."""

    id: str
    uid: int
    venue: Venue
    created_ms: int


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came or left otherwise than by trading. ``amount`` is negative when it left."""

    account: str
    kind: Literal["deposit", "withdrawal", "transfer"]
    coin: str
    amount: Decimal
    at_ms: int
    detail: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Permission to open a stream: KuCoin's connect token or MEXC's listen key. Public ones have no account."""

    token: str
    venue: Venue
    account: str | None
    expires_ms: int
