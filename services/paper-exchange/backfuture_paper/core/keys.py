"""API keys: what one may do, from where and until when."""

import ipaddress
from typing import Literal

import msgspec

from backfuture_paper.core.instruments import Venue

Right = Literal["read", "trade", "withdraw", "transfer"]
RIGHTS: tuple[Right, ...] = ("read", "trade", "withdraw", "transfer")
KeyState = Literal["valid", "locked", "account_frozen"]
"""``locked``: the key still answers questions but says of itself that it is not valid."""

DAY_MS = 86_400_000


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of one account. ``passphrase`` is empty where the venue has none; no ``ip_list`` means from anywhere."""

    api_key: str
    secret: str
    passphrase: str
    account: str
    venue: Venue
    rights: frozenset[Right]
    ip_list: tuple[str, ...] = ()
    created_ms: int
    expires_ms: int | None = None
    state: KeyState = "valid"

    def __repr__(self) -> str:
        return f"ApiKey({self.api_key}, {self.venue}, {sorted(self.rights)})"

    def expired(self, now_ms: int) -> bool:
        return self.expires_ms is not None and now_ms >= self.expires_ms

    def remaining_days(self, now_ms: int) -> int | None:
        """Return the whole days left, None for a key without an end."""
        return None if self.expires_ms is None else max(0, (self.expires_ms - now_ms) // DAY_MS)

    def admits(self, address: str) -> bool:
        """Say whether a request from this address is allowed; list entries are addresses or networks."""
        if not self.ip_list:
            return True
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(entry, strict=False) for entry in self.ip_list)
