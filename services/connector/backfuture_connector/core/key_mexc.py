"""Reads MEXC's answer about an API key (GET /api/v3/apiKeyInfo)."""

from dataclasses import dataclass

from backfuture_common.messages.connections import TestCode

from backfuture_connector.core.key_verdict import (
    DAY_MS,
    EXPIRES_SOON_DAYS,
    KeyVerdict,
    fields_of,
    split_tokens,
    unverifiable,
    withdrawal_token,
)

VALID = "VALID"
READ = ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ")
TRADE = "SPOT_DEAL_WRITE"
TRANSFER = "SPOT_TRANSFER_WRITE"
KNOWN = frozenset(
    f"{area}_{right}"
    for area in ("SPOT_ACCOUNT", "SPOT_DEAL", "SPOT_TRANSFER", "SPOT_DEPOSIT", "CONTRACT_ACCOUNT", "CONTRACT_DEAL")
    for right in ("READ", "WRITE")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    tokens: tuple[str, ...]
    status: str
    ip_restricted: bool
    days_left: int | None

    def verdict(self, code: TestCode, now_ms: int, why: str = "") -> KeyVerdict:
        expires_ms = None if self.days_left is None else now_ms + self.days_left * DAY_MS
        return KeyVerdict(
            code=code, why=why, rights=self.tokens, ip_restricted=self.ip_restricted, expires_ms=expires_ms
        )


def judge_mexc(answer: object, api_key: str, now_ms: int) -> KeyVerdict:
    """Return the verdict; ``api_key`` is the key that was asked about, ``now_ms`` dates its end."""
    data = fields_of(answer)
    if data is None or "code" in data:
        return unverifiable("the answer is not MEXC's")
    if not api_key or data.get("accessKey") != api_key:
        return unverifiable("the answer is about another key")
    key = _read(data)
    return key if isinstance(key, KeyVerdict) else _judge_rights(key, now_ms)


def _read(data: dict[str, object]) -> _Key | KeyVerdict:
    permissions = data.get("permissions")
    tokens = split_tokens(permissions) if isinstance(permissions, str) else None
    if tokens is None:
        return unverifiable("the answer lists no rights")
    whitelist, status, days = data.get("ipWhiteList"), data.get("status"), data.get("remainingValidity")
    if whitelist is not None and not isinstance(whitelist, str):
        return unverifiable("the answer's IP list is not readable")
    if not isinstance(status, str):
        return unverifiable("the answer does not say whether the key is valid")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
        return unverifiable("the answer's validity is not a number of days")
    ip_restricted = bool(whitelist and whitelist.strip())
    if days is not None and days < 0 and ip_restricted:
        days = None  # keys with an IP list do not end; their number of days is not documented
    return _Key(tokens=tokens, status=status, ip_restricted=ip_restricted, days_left=days)


def _judge_rights(key: _Key, now_ms: int) -> KeyVerdict:
    tokens, days = key.tokens, key.days_left
    unknown = [token for token in tokens if token not in KNOWN and not token.endswith("_READ")]
    missing = [right for right in READ if right not in tokens]
    findings: tuple[tuple[TestCode, str | None], ...] = (  # the first that applies decides
        ("WITHDRAW_ENABLED", withdrawal_token(tokens, frozenset())),
        ("PERMISSIONS_UNVERIFIABLE", f"unknown right {unknown[0][:40]}" if unknown else None),
        ("KEY_EXPIRED", key.status[:40] if key.status != VALID or (days is not None and days <= 0) else None),
        ("TRANSFER_ENABLED", TRANSFER if TRANSFER in tokens else None),
        ("READ_RIGHT_MISSING", missing[0] if missing else None),
        ("TRADE_RIGHT_MISSING", TRADE if TRADE not in tokens else None),
        ("OK_WARN_EXPIRES_SOON", f"{days} days left" if days is not None and days <= EXPIRES_SOON_DAYS else None),
        ("OK_WARN_NO_IP_LIST", "" if not key.ip_restricted else None),
    )
    for code, why in findings:
        if why is not None:
            return key.verdict(code, now_ms, why)
    return key.verdict("OK", now_ms)
