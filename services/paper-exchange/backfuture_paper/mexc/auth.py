"""MEXC's signed query: who asks, and whether the signature is right."""

from collections.abc import Mapping

from backfuture_paper.core.keys import ApiKey, Right
from backfuture_paper.core.signing import equal, mexc_signature
from backfuture_paper.mexc import codes
from backfuture_paper.web.call import Call

_WINDOW_MS = 5_000
_WINDOW_MAX_MS = 60_000
_AHEAD_MS = 1_000
"""How far a client's clock may be ahead."""
RIGHT_NAMES: dict[Right, tuple[str, ...]] = {
    "read": ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ"),
    "trade": ("SPOT_DEAL_WRITE",),
    "transfer": ("SPOT_TRANSFER_READ", "SPOT_TRANSFER_WRITE"),
    "withdraw": ("SPOT_WITHDRAW_READ", "SPOT_WITHDRAW_WRITE"),
}


def authenticate(call: Call, keys: Mapping[str, ApiKey]) -> ApiKey:
    """Return the key that signed this request, or raise the VenueError MEXC answers with."""
    api_key = call.headers.get("X-MEXC-APIKEY", "")
    if not api_key:
        raise codes.key_required()
    key = keys.get(api_key)
    if key is None or key.venue != "mexc":
        raise codes.key_unknown()
    query = call.target.partition("?")[2]
    payload, _, signature = query.rpartition("&signature=")
    if key.expired(call.now_ms) or not equal(signature, mexc_signature(key.secret, payload)):
        raise codes.signature_invalid()
    _check_time(call)
    if not key.admits(call.address):
        raise codes.address_refused(call.address)
    return key


def _check_time(call: Call) -> None:
    timestamp, window = call.params.get("timestamp", ""), call.params.get("recvWindow", str(_WINDOW_MS))
    if not window.isdigit() or int(window) > _WINDOW_MAX_MS:
        raise codes.window_invalid()
    if not timestamp.isdigit() or not -_AHEAD_MS <= call.now_ms - int(timestamp) <= int(window):
        raise codes.timestamp_invalid()
