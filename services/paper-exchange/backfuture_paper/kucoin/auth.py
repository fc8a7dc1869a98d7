"""KuCoin's request headers: who asks, and whether the signature is right."""

from collections.abc import Mapping

from backfuture_paper.core.keys import ApiKey, Right
from backfuture_paper.core.signing import equal, kucoin_passphrase, kucoin_signature
from backfuture_paper.kucoin import codes
from backfuture_paper.web.call import Call

WINDOW_MS = 5_000
RIGHT_NAMES: dict[Right, str] = {
    "read": "General",
    "trade": "Spot",
    "transfer": "InnerTransfer",
    "withdraw": "Transfer",
}
"""``Transfer`` is KuCoin's name of the withdrawal right."""


def authenticate(call: Call, keys: Mapping[str, ApiKey]) -> ApiKey:
    """Return the key that signed this request, or raise the VenueError KuCoin answers with."""
    names = ("KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE")
    api_key, signature, timestamp, passphrase = (call.headers.get(name, "") for name in names)
    if not (api_key and signature and timestamp and passphrase):
        raise codes.headers_missing()
    if not timestamp.isdigit() or abs(int(timestamp) - call.now_ms) > WINDOW_MS:
        raise codes.timestamp_invalid()
    key = keys.get(api_key)
    if key is None or key.venue != "kucoin" or key.expired(call.now_ms):
        raise codes.key_unknown()
    version = call.headers.get("KC-API-KEY-VERSION", "1")
    message = f"{timestamp}{call.method}{call.target}".encode() + call.body
    if not equal(signature, kucoin_signature(key.secret, message)):
        raise codes.signature_invalid()
    if not equal(passphrase, kucoin_passphrase(key.secret, key.passphrase, version)):
        raise codes.passphrase_invalid()
    if not key.admits(call.address):
        raise codes.address_refused(call.address)
    if key.state == "account_frozen":
        raise codes.account_frozen()
    return key
