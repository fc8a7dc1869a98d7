"""Permissions to open streams: they outlive a restart, and end by time or when a test has them forgotten."""

import secrets

import msgspec

from backfuture_paper.core.instruments import Venue
from backfuture_paper.records import Session
from backfuture_paper.store import Store


class Sessions:
    """The valid sessions of all venues."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_token = {session.token: session for session in store.sessions()}

    def open(self, venue: Venue, account: str | None, now_ms: int, life_ms: int) -> Session:
        self._drop([old.token for old in self._by_token.values() if old.expires_ms <= now_ms])
        token = secrets.token_urlsafe(48) if venue == "kucoin" else secrets.token_hex(32)
        session = Session(token=token, venue=venue, account=account, expires_ms=now_ms + life_ms)
        self._put(session)
        return session

    def find(self, venue: Venue, token: str, now_ms: int) -> Session | None:
        session = self._by_token.get(token)
        valid = session is not None and session.venue == venue and session.expires_ms > now_ms
        return session if valid else None

    def of_account(self, venue: Venue, account: str, now_ms: int) -> list[Session]:
        return [
            s for s in self._by_token.values() if s.venue == venue and s.account == account and s.expires_ms > now_ms
        ]

    def renew(self, session: Session, now_ms: int, life_ms: int) -> None:
        self._put(msgspec.structs.replace(session, expires_ms=now_ms + life_ms))

    def close(self, session: Session) -> None:
        self._drop([session.token])

    def forget(self, venue: Venue | None) -> int:
        """Forget all sessions (of one venue) and say how many there were."""
        tokens = [s.token for s in self._by_token.values() if venue in {None, s.venue}]
        self._drop(tokens)
        return len(tokens)

    def _put(self, session: Session) -> None:
        self._store.put_session(session)
        self._by_token[session.token] = session

    def _drop(self, tokens: list[str]) -> None:
        if tokens:
            self._store.delete_sessions(tokens)
        for token in tokens:
            del self._by_token[token]
