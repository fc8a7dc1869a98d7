"""A service's authenticated access to the vault: logs in by AppRole, again when needed, and names every failure once.

Login makes a token that lives for an hour; at half of that a new one is fetched. Start, expiry and revocation thereby
take the same path. Failures are raised outside of any ``except`` block: an exception that carries no context carries
no frame in which a token or a secret stands.
"""

import threading
import time
from pathlib import Path

import msgspec
from backfuture_common.errors import Fatal, PlatformError, Refused, Unknown
from backfuture_common.runtime.logging import get_logger

from backfuture_key_vault.files import read_private_text
from backfuture_key_vault.vault.transport import Address, Failure, Reply, exchange

_log = get_logger("backfuture.key-vault.vault")
_LATER = "try again in a few seconds; nothing that was stored is lost"


class _Auth(msgspec.Struct):
    client_token: str
    lease_duration: int


class _Login(msgspec.Struct):
    auth: _Auth


class VaultSession:
    """Calls the vault with this service's own rights. Blocking; safe to use from several threads."""

    def __init__(self, address: Address, role_id: str, secret_id_file: Path, timeout_s: float) -> None:
        self._address = address
        self._role_id = role_id
        self._secret_id_file = secret_id_file
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at_s = 0.0

    def read(self, path: str) -> Reply:
        """GET. Returns answers 200 and 404. Raises :class:`Refused` (``vault_*``) otherwise."""
        return self._call("GET", path, b"")

    def write(self, path: str, body: bytes) -> Reply:
        """POST. Returns answers 200, 204 and 400. Raises :class:`Refused` when it certainly was not done,
        :class:`Unknown` (``outcome_unknown``) when it may have been.
        """
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: bytes) -> Reply:
        for again in (False, True):
            token = self._valid_token(fresh=again)
            reply = exchange(self._address, method, path, token=token, body=body, timeout_s=self._timeout_s)
            if isinstance(reply, Reply) and reply.status in ((200, 404) if method == "GET" else (200, 204, 400)):
                return reply
            if not (isinstance(reply, Reply) and reply.status == 403):
                break
        raise _failure(reply, writing=method != "GET")

    def _valid_token(self, *, fresh: bool) -> str:
        with self._lock:
            if fresh or time.monotonic() >= self._renew_at_s:
                self._log_in()
            return self._token

    def _log_in(self) -> None:
        body = msgspec.json.encode({"role_id": self._role_id, "secret_id": self._secret_id()})
        reply = exchange(self._address, "POST", "auth/approle/login", token="", body=body, timeout_s=self._timeout_s)
        self._token = ""
        if not (isinstance(reply, Reply) and reply.status == 200):
            raise _failure(reply, writing=False)
        with reply:
            auth = msgspec.json.decode(reply.body, type=_Login).auth
        self._token = auth.client_token
        self._renew_at_s = time.monotonic() + auth.lease_duration / 2

    def _secret_id(self) -> str:
        fault = ""
        try:
            return read_private_text(self._secret_id_file)
        except Fatal as error:  # at start it ends the process; later it must not end the leases
            fault = str(error)
        _log.error("vault.secret_id_unreadable", cause=fault)
        raise Refused("vault_denied", "the key store refuses this service", "check its secret id file")


def _failure(outcome: Reply | Failure, *, writing: bool) -> PlatformError:
    """Translate what is no usable answer. Anything a write may have left behind is :class:`Unknown`."""
    if isinstance(outcome, Reply):
        return _failed_answer(outcome, writing=writing)
    if outcome == "untrusted":
        _log.error("vault.untrusted")
        return Refused("vault_untrusted", "the key store's certificate is not trusted", "check the CA file")
    if outcome == "lost" and writing:
        return _unknown()
    return Refused("vault_unreachable", "the key store does not answer", _LATER, retryable=True)


def _failed_answer(reply: Reply, *, writing: bool) -> PlatformError:
    with reply:
        sealed = reply.status == 501 or (reply.status == 503 and b"sealed" in reply.body)
    if sealed:
        return Refused("vault_sealed", "the key store is sealed", "unseal it; running bots go on", retryable=True)
    if reply.status == 429:
        return Refused("vault_busy", "the key store has too much to do", _LATER, retryable=True)
    if reply.status < 400:
        _log.error("vault.redirected", status=reply.status)
        return Refused("vault_redirect", "the key store points elsewhere", "set the address of the active server")
    if reply.status < 500:
        _log.error("vault.denied", status=reply.status)
        return Refused("vault_denied", "the key store refuses this service", "check its role, secret id and policy")
    _log.error("vault.failed", status=reply.status, writing=writing)
    return _unknown() if writing else Refused("vault_error", "the key store has failed", _LATER, retryable=True)


def _unknown() -> Unknown:
    return Unknown(
        "outcome_unknown",
        "it is not known whether the key store has done it",
        "ask for the status, or repeat with the same expected_version: it happens at most once",
        retryable=True,
    )
