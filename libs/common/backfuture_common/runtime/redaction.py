"""Keeps secrets out of logs: by the name of a field, and by the look of a text."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"

_SECRET_WORDS = (
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "authorization",
    "signature",
    "listenkey",
    "credential",
    "cookie",
    "privatekey",
    "macb64",
)
_SECRET_NAMES = frozenset({"lease", "leases"})
_MAX_DEPTH = 12
_MAX_LENGTH = 20_000

_NAME = (
    r"(?<![\w.-])[\w.-]*(?:secret|password|passwd|passphrase|token|api[_-]?key|signature|credential|cookie"
    r"|listen_?key|private_?key|kc-api-sign|mac_b64)[\w.-]*"
)
_ASSIGNED = r"[\"']?\s*[:=]\s*"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Authorization: Bearer …, also with another scheme
    (
        re.compile(r"(?i)\b(authorization" + _ASSIGNED + r"[\"']?)(?:(?:bearer|basic|token)\s+)?[^\s\"',;]+"),
        r"\1" + MASK,
    ),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), r"\1" + MASK),
    # scheme://user:password@host
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)"), r"\1" + MASK),
    # "secret": "…", secret='…'
    (re.compile(r"(?i)(" + _NAME + _ASSIGNED + r"b?)([\"'])(?:\\.|(?!\2)[^\\])*\2"), r"\1\2" + MASK + r"\2"),
    # secret=…, in query strings and plain text
    (re.compile(r"(?i)(" + _NAME + _ASSIGNED + r")(?![\"'\[])[^\s&\"',;)}\]]+"), r"\1" + MASK),
    # JSON web tokens, vault tokens
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MASK),
    (re.compile(r"\bhv[sbr]\.[\w-]{8,}"), MASK),
    # long keys and signatures by their look: hexadecimal, or base64 with small letters, capitals and digits mixed
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])"), MASK),
    (
        re.compile(
            r"(?<![\w+/-])(?=[\w+/-]*[0-9])(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/-])"
        ),
        MASK,
    ),
)


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name is never to be shown. Names of files that hold secrets may be."""
    lowered = name.lower()
    if lowered.endswith(("_file", "_path")):
        return False
    if lowered in _SECRET_NAMES:
        return True
    squeezed = re.sub(r"[^a-z0-9]", "", lowered)
    return any(word in squeezed for word in _SECRET_WORDS)


def redact_text(text: str) -> str:
    """Return the text with everything masked that looks like a secret; very long texts are cut."""
    if len(text) > _MAX_LENGTH:
        text = text[:_MAX_LENGTH] + "…"
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, _depth: int = 0) -> Any:
    """Return the value with secrets masked at any depth; objects without a plain form become redacted text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if _depth >= _MAX_DEPTH:
        return MASK
    if isinstance(value, Mapping):
        return {
            redact_text(str(name)): MASK if is_secret_name(str(name)) else redact(item, _depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, _depth + 1) for item in value]
    return redact_text(str(value))
