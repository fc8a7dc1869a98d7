"""Coinbase Advanced: the signed bytes are the head and claims of a JSON web token, which names method, host and path.

Neither query nor body is signed. So an order counts as unreadable, and a connection with limits places none here. A
token without an address opens a stream; the REST API does not take it.
"""

import base64
import binascii
import json
import re
from typing import TypeVar

import msgspec

from backfuture_key_vault.policy.endpoints import Request, endpoint, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

T = TypeVar("T")

_MESSAGE = re.compile(rb"([A-Za-z0-9_-]{1,2048})\.([A-Za-z0-9_-]{1,2048})")
_ADDRESS = re.compile(r"(GET|POST) ([a-z0-9.:-]{1,64})(/[A-Za-z0-9/_-]*)")
_LIFE_S = 120
_ALGORITHMS = {"es256": "ES256", "ed25519": "EdDSA"}
_UNSIGNED = OrderFields(symbol="", side="", kind="", limits=frozenset(), amount="", price="")

ENDPOINTS = (
    endpoint("GET", "/api/v3/brokerage/key_permissions"),
    endpoint("GET", "/api/v3/brokerage/accounts"),
    endpoint("GET", "/api/v3/brokerage/accounts/{id}"),
    endpoint("GET", "/v2/accounts"),
    endpoint("GET", "/api/v3/brokerage/transaction_summary"),
    endpoint("GET", "/api/v3/brokerage/products"),
    endpoint("GET", "/api/v3/brokerage/products/{id}"),
    endpoint("GET", "/api/v3/brokerage/best_bid_ask"),
    endpoint("GET", "/api/v3/brokerage/orders/historical/batch"),
    endpoint("GET", "/api/v3/brokerage/orders/historical/fills"),
    endpoint("GET", "/api/v3/brokerage/orders/historical/{id}"),
    endpoint("GET", "/api/v3/brokerage/cfm/balance_summary"),
    endpoint("GET", "/api/v3/brokerage/cfm/positions"),
    endpoint("POST", "/api/v3/brokerage/orders", order=_UNSIGNED),
    endpoint("POST", "/api/v3/brokerage/orders/preview"),
    endpoint("POST", "/api/v3/brokerage/orders/batch_cancel"),
)


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str
    nonce: str


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    aud: tuple[str, ...]
    iss: str
    nbf: int
    exp: int
    sub: str
    iat: int
    uri: str | None = None
    uris: tuple[str, ...] = ()


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly tokens for the requests of ``ENDPOINTS``, made now, and for streams."""
    parts = _MESSAGE.fullmatch(message)
    head = _decoded(parts[1], _Head) if parts else None
    claims = _decoded(parts[2], _Claims) if parts else None
    if head is None or claims is None:
        return Denied("form", "not the head and claims of a token")
    fault = _head_fault(head, context) or _claims_fault(claims, context)
    if fault is not None:
        return fault
    addresses = [*claims.uris, *([claims.uri] if claims.uri is not None else [])]
    if not addresses:
        return Allowed(False)
    address = _ADDRESS.fullmatch(addresses[0])
    if len(addresses) > 1 or address is None:
        return Denied("form", "uri")
    return judge_request(ENDPOINTS, Request(address[1], address[3], "", None))


def _head_fault(head: _Head, context: Context) -> Denied | None:
    if head.alg != _ALGORITHMS.get(context.algorithm) or head.typ != "JWT":
        return Denied("algorithm", "alg")
    return Denied("value", "kid") if head.kid != context.api_key else None


def _claims_fault(claims: _Claims, context: Context) -> Denied | None:
    if claims.sub != context.api_key:
        return Denied("value", "sub")
    if claims.iss not in {"coinbase-cloud", "cdp"}:
        return Denied("value", "iss")
    times_ms = (claims.iat * 1_000, claims.nbf * 1_000)
    if not all(context.is_now(time_ms) for time_ms in times_ms) or not 0 < claims.exp - claims.nbf <= _LIFE_S:
        return Denied("clock", "exp")
    return None


def _decoded(part: bytes, kind: type[T]) -> T | None:
    """Return the part as that type, None when it is anything else; a name that comes twice is something else."""
    found: T | None = None
    try:
        raw = base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = msgspec.convert(json.loads(raw, object_pairs_hook=_unique), kind)
    except (binascii.Error, ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)
