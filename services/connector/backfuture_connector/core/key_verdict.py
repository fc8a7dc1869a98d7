"""Verdict on a key's rights. Absence of evidence is not evidence: whatever is not proven ends unverifiable."""

from collections.abc import Iterable
from dataclasses import dataclass

from backfuture_common.messages.connections import TestCode

DAY_MS = 86_400_000
EXPIRES_SOON_DAYS = 7

OK_CODES: frozenset[TestCode] = frozenset({"OK", "OK_WARN_NO_IP_LIST", "OK_WARN_EXPIRES_SOON"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerdict:
    """What the exchange says the key may do. ``why`` is for people and names tokens, never the key."""

    code: TestCode
    why: str = ""
    rights: tuple[str, ...] = ()
    ip_restricted: bool | None = None
    expires_ms: int | None = None

    @property
    def ok(self) -> bool:
        return self.code in OK_CODES


def unverifiable(why: str) -> KeyVerdict:
    """Return the verdict on an answer that proves nothing."""
    return KeyVerdict(code="PERMISSIONS_UNVERIFIABLE", why=why)


def split_tokens(text: str) -> tuple[str, ...] | None:
    """Return the comma separated rights, None when there is none or an empty one among them."""
    tokens = tuple(token.strip() for token in text.split(","))
    return tokens if all(tokens) else None


def withdrawal_token(tokens: Iterable[str], own_names: frozenset[str]) -> str | None:
    """Return the first token that lets money leave: anything that says withdraw, and the venue's ``own_names``."""
    for token in tokens:
        lower = token.lower()
        if "withdraw" in lower or lower in own_names:
            return token
    return None


def fields_of(answer: object) -> dict[str, object] | None:
    """Return the answer's fields, None unless it is a JSON object."""
    return {str(key): value for key, value in answer.items()} if isinstance(answer, dict) else None
