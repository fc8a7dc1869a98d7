"""Reads KuCoin's answer about an API key (GET /api/v1/user/api-key)."""

from backfuture_common.messages.connections import TestCode

from backfuture_connector.core.key_verdict import KeyVerdict, fields_of, split_tokens, unverifiable, withdrawal_token

SUCCESS = "200000"
WITHDRAWAL_NAMES = frozenset({"transfer"})
"""KuCoin's page calls the right "Withdrawal", its API calls it ``Transfer``."""
KNOWN = frozenset({"general", "spot", "margin", "futures", "earn", "unified", "innertransfer"})


def judge_kucoin(answer: object, api_key: str) -> KeyVerdict:
    """Return the verdict; ``api_key`` is the key that was asked about."""
    envelope = fields_of(answer)
    if envelope is None or envelope.get("code") != SUCCESS:
        return unverifiable("the answer is not KuCoin's")
    data = fields_of(envelope.get("data"))
    if data is None:
        return unverifiable("the answer holds no data")
    if not api_key or data.get("apiKey") != api_key:
        return unverifiable("the answer is about another key")
    permission = data.get("permission")
    tokens = split_tokens(permission) if isinstance(permission, str) else None
    if tokens is None:
        return unverifiable("the answer lists no rights")
    whitelist = data.get("ipWhitelist")
    if whitelist is not None and not isinstance(whitelist, str):
        return unverifiable("the answer's IP list is not readable")
    return _judge_rights(tokens, ip_restricted=bool(whitelist and whitelist.strip()))


def _judge_rights(tokens: tuple[str, ...], *, ip_restricted: bool) -> KeyVerdict:
    lower = {token.lower() for token in tokens}
    unknown = [token for token in tokens if token.lower() not in KNOWN]
    findings: tuple[tuple[TestCode, str | None], ...] = (  # the first that applies decides
        ("WITHDRAW_ENABLED", withdrawal_token(tokens, WITHDRAWAL_NAMES)),
        ("PERMISSIONS_UNVERIFIABLE", f"unknown right {unknown[0][:40]}" if unknown else None),
        ("TRANSFER_ENABLED", "InnerTransfer" if "innertransfer" in lower else None),
        ("READ_RIGHT_MISSING", "General" if "general" not in lower else None),
        ("TRADE_RIGHT_MISSING", "Spot" if "spot" not in lower else None),
        ("OK_WARN_NO_IP_LIST", "" if not ip_restricted else None),
    )
    for code, why in findings:
        if why is not None:
            return KeyVerdict(code=code, why=why, rights=tokens, ip_restricted=ip_restricted)
    return KeyVerdict(code="OK", rights=tokens, ip_restricted=ip_restricted)
