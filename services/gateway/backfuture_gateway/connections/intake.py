"""The gateway's end of the key store: credentials go in, and nothing of them comes out again."""

from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
from backfuture_common.contracts.key_vault import CredentialStatus, CredentialStored, ErrorAnswer, StoreCredential
from backfuture_common.domain.ids import ConnectionId, UserId
from backfuture_common.errors import Fatal, Unknown

from backfuture_gateway.http.errors import ApiError, Invalid, Unavailable
from backfuture_gateway.secret_files import read_secret

_DEADLINE_S = 10.0
_CONNECT_S = 3.0
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Answer = TypeVar("Answer", CredentialStored, CredentialStatus)


class Intake:
    """Client of key-vault's intake. Each call ends within a deadline and raises

    - :class:`Unavailable` when nothing was done and the same may work later,
    - :class:`Invalid` when the credential is refused,
    - :class:`Unknown` when it may have been done: ask with :meth:`look`.
    """

    def __init__(self, socket: Path, token_file: Path) -> None:
        self._token_file = token_file
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)),
            base_url="http://intake",
            timeout=httpx.Timeout(_DEADLINE_S, connect=_CONNECT_S),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def store(self, user: UserId, connection: ConnectionId, credential: StoreCredential) -> CredentialStored:
        """Store a credential; a version that is there already is Unknown: it may be ours."""
        response = await self._call("PUT", user, connection, msgspec.json.encode(credential))
        if response.status_code == 409:
            raise Unknown("vault.outcome_unknown", "the key store has this credential already")
        return _read(response, CredentialStored)

    async def look(self, user: UserId, connection: ConnectionId) -> CredentialStatus | None:
        """Return what is stored, None when there never was anything."""
        response = await self._call("GET", user, connection)
        return None if response.status_code == 404 else _read(response, CredentialStatus)

    async def destroy(self, user: UserId, connection: ConnectionId) -> None:
        """Destroy all versions; doing it again, or where nothing is, is no error."""
        response = await self._call("DELETE", user, connection)
        if response.status_code != 404:
            _require_good(response)

    async def _call(
        self, method: str, user: UserId, connection: ConnectionId, body: bytes | None = None
    ) -> httpx.Response:
        failure: ApiError | Unknown
        try:
            return await self._http.request(
                method,
                f"/v1/users/{user}/connections/{connection}/credential",
                content=body,
                headers={
                    "Authorization": f"Bearer {read_secret(self._token_file)}",
                    "Content-Type": "application/json",
                },
            )
        except _NOTHING_SENT:
            failure = _unavailable("vault.unreachable", "The key store cannot be reached.")
        except httpx.TransportError:
            failure = Unknown("vault.outcome_unknown", "the key store did not answer in time", retryable=True)
        except Fatal as error:
            failure = _unavailable("vault.no_token", f"The gateway has no token for the key store: {error.info.code}.")
        raise failure  # here and not above: no traceback is to carry the frames that hold the credential


def _read(response: httpx.Response, kind: type[Answer]) -> Answer:
    _require_good(response)
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError:
        raise Unknown("vault.outcome_unknown", "the key store's answer cannot be understood") from None


def _require_good(response: httpx.Response) -> None:
    status = response.status_code
    if status < 400:
        return
    code, hint = _told(response)
    if status in {500, 504}:
        raise Unknown("vault.outcome_unknown", f"the key store does not know the outcome ({code})", retryable=True)
    if status == 503:
        raise _unavailable(f"vault.{code.removeprefix('vault_')}", "The key store cannot be used now.")
    if status in {401, 403}:
        raise _unavailable("vault.token_refused", "The key store does not accept the gateway's token.")
    raise Invalid("connection.credential_refused", f"The key store refuses this credential ({code}).", hint)


def _unavailable(code: str, message: str) -> Unavailable:
    return Unavailable(
        code, message, "Nothing was changed. See the health page, then try again.", retryable=True, retry_after_s=5
    )


def _told(response: httpx.Response) -> tuple[str, str]:
    """Return code and hint of a refusal; its message is not passed on, it is made for operators."""
    try:
        error = msgspec.json.decode(response.content, type=ErrorAnswer).error
    except msgspec.DecodeError:
        return f"http_{response.status_code}", ""
    return error.code[:64], error.hint[:200]
