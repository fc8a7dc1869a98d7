"""The leases of a dispense process: who may use which credential, until when, and how much of it.

All in memory, all on the event loop's thread. A lease that ends, however it ends, wipes its credential.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.runtime import metrics

from backfuture_key_vault.callers import digest
from backfuture_key_vault.rate import TokenBucket
from backfuture_key_vault.vault.credentials import Credential

LEASE_S = 3_600
UNSEEN_LIMIT_S = 24 * 3_600
"""How long a lease signs orders although the vault could not be asked whether the credential still stands."""
SIGN_RATE_PER_S = 20
SIGN_BURST = 50


@dataclass(slots=True)
class Lease:
    """One caller's use of one connection's credential. Times are monotonic seconds."""

    caller: str
    user: UserId
    connection: ConnectionId
    credential: Credential
    expires_s: float
    vault_seen_s: float
    live: bool = True
    """False as soon as it has ended; to be looked at after each await."""

    @property
    def exchange(self) -> ExchangeId:
        return self.credential.exchange


class LeaseBook:
    """All leases, found by the digest of their token: the tokens themselves are not kept."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._leases: dict[str, Lease] = {}
        self._buckets: dict[ConnectionId, TokenBucket] = {}

    def open(self, caller: str, user: UserId, connection: ConnectionId, credential: Credential) -> str:
        """Start a lease and return its token. The caller's older lease for this connection ends."""
        for key, lease in tuple(self._leases.items()):
            if (lease.caller, lease.connection) == (caller, connection):
                self._end(key)
        token = secrets.token_urlsafe(32)
        now_s = self._now_s()
        self._leases[digest(token)] = Lease(caller, user, connection, credential, now_s + LEASE_S, now_s)
        metrics.LEASES.labels(exchange=credential.exchange).inc()
        return token

    def find(self, token: str) -> Lease | None:
        """Return the lease if it is valid now."""
        lease = self._leases.get(digest(token))
        return lease if lease and lease.expires_s > self._now_s() else None

    def renew(self, lease: Lease, *, vault_seen: bool) -> None:
        """Prolong the lease; with ``vault_seen`` the vault has just confirmed the credential."""
        now_s = self._now_s()
        lease.expires_s = now_s + LEASE_S
        if vault_seen:
            lease.vault_seen_s = now_s

    def orders_allowed(self, lease: Lease) -> bool:
        return self._now_s() - lease.vault_seen_s <= UNSEEN_LIMIT_S

    def replace(self, lease: Lease, credential: Credential) -> None:
        """Let the lease go on with a newer version; the old one is wiped."""
        old, lease.credential = lease.credential, credential
        old.wipe()

    def within_rate(self, connection: ConnectionId) -> bool:
        """Count one signature of the connection, over all its leases; False when it is one too many."""
        bucket = self._buckets.get(connection)
        if bucket is None:
            bucket = self._buckets[connection] = TokenBucket(SIGN_RATE_PER_S, SIGN_BURST, self._now_s)
        return bucket.take()

    def drop(self, lease: Lease) -> int:
        return self._drop_where(lambda known: known is lease)

    def drop_connection(self, connection: ConnectionId) -> int:
        return self._drop_where(lambda lease: lease.connection == connection)

    def drop_expired(self) -> int:
        """End what was not renewed in time, and forget the rates of connections that have been idle long enough."""
        now_s = self._now_s()
        dropped = self._drop_where(lambda lease: lease.expires_s <= now_s)
        self._buckets = {connection: bucket for connection, bucket in self._buckets.items() if not bucket.full}
        return dropped

    def drop_all(self) -> int:
        return self._drop_where(lambda _lease: True)

    def _drop_where(self, condition: Callable[[Lease], bool]) -> int:
        keys = [key for key, lease in self._leases.items() if condition(lease)]
        for key in keys:
            self._end(key)
        return len(keys)

    def _end(self, key: str) -> None:
        lease = self._leases.pop(key)
        lease.live = False
        lease.credential.wipe()
        metrics.LEASES.labels(exchange=lease.exchange).dec()
