"""Kinds of signatures over the socket: a hashed body that must be shown, a token's ECDSA, a passphrase in clear."""

import base64
import hashlib
import hmac
import json
import time

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.key_vault import KeyVault

ORDER = b'{"currency_pair":"BTC_USDT","type":"limit","side":"buy","amount":"1","price":"100","text":"t-b1"}'


def gate_message(path: str, body: bytes = b"", method: str = "POST") -> bytes:
    return "\n".join((method, path, "", hashlib.sha512(body).hexdigest(), str(int(time.time())))).encode()


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"]
    return code


def test_an_order_of_gate_is_signed_when_the_body_behind_its_hash_is_shown(
    key_vault: KeyVault, connection: str
) -> None:
    key_vault.store(connection, exchange="gate", secret="gate-secret-1")
    lease = key_vault.lease(connection, exchange="gate").json()["lease"]
    message = gate_message("/api/v4/spot/orders", ORDER)

    signed = key_vault.sign(lease, message, "hmac-sha512", ORDER)

    assert base64.b64decode(signed.json()["mac_b64"]) == hmac.digest(b"gate-secret-1", message, "sha512")
    for algorithm, body in (("hmac-sha512", None), ("hmac-sha512", ORDER + b" "), ("sha256", ORDER)):
        assert code_of(key_vault.sign(lease, message, algorithm, body)) == "sign.refused"
    withdrawal = b'{"currency":"USDT","amount":"1","address":"TX","chain":"TRX"}'
    for path in ("/api/v4/withdrawals", "/api/v4/wallet/transfers"):
        refused = key_vault.sign(lease, gate_message(path, withdrawal), "hmac-sha512", withdrawal)
        assert code_of(refused) == "sign.refused"


def test_a_token_of_coinbase_is_signed_with_the_stored_private_key(key_vault: KeyVault, connection: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    name = "organizations/0a1b/apiKeys/2c3d"
    stored = key_vault.store(connection, exchange="coinbase", api_key=name, secret=pem, passphrase=None)
    assert stored.status_code == 200, stored.text
    lease = key_vault.lease(connection, exchange="coinbase").json()["lease"]

    token = coinbase_token(name, "GET api.coinbase.com/api/v3/brokerage/key_permissions")
    signature = base64.b64decode(key_vault.sign(lease, token, "es256").json()["mac_b64"])

    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.public_key().verify(encode_dss_signature(r, s), token, ec.ECDSA(hashes.SHA256()))
    sending = coinbase_token(name, "POST api.coinbase.com/v2/accounts/a1/transactions")
    assert code_of(key_vault.sign(lease, sending, "es256")) == "sign.refused"
    assert code_of(key_vault.sign(lease, token, "sha256")) == "sign.refused"


def coinbase_token(key: str, uri: str) -> bytes:
    now_s = int(time.time())
    head = {"alg": "ES256", "typ": "JWT", "kid": key, "nonce": "00"}
    claims = {
        "aud": ["retail_rest_api_proxy"], "iss": "coinbase-cloud", "nbf": now_s, "exp": now_s + 120, "sub": key,
        "iat": now_s, "uri": uri,
    }  # fmt: skip
    return b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims))


def test_a_passphrase_is_given_with_the_lease_only_where_the_exchange_wants_it_in_clear(
    key_vault: KeyVault, connection: str
) -> None:
    key_vault.store(connection, exchange="okx", passphrase="open-sesame-okx")
    assert key_vault.lease(connection, exchange="okx").json()["passphrase"] == "open-sesame-okx"
    key_vault.store(f"{connection}_k")
    assert key_vault.lease(f"{connection}_k").json()["passphrase"] is None
