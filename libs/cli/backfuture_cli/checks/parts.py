"""Checks of the running parts: processes, broker, vault."""

import time
from collections.abc import Iterator

import httpx
import msgspec

from backfuture_cli.checks.finding import Finding
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import PlatformStatus
from backfuture_cli.launcher.readiness import kafka_ready
from backfuture_cli.launcher.settings import LauncherSettings

_TIMEOUT_S = 3.0
_MANY_RESTARTS = 3


class _SealState(msgspec.Struct):
    initialized: bool
    sealed: bool


def processes(status: PlatformStatus) -> Iterator[Finding]:
    """Tell each part's readiness, with the reason where it is not ready."""
    for part in status.parts:
        if part.state != "ready":
            yield Finding(part.title, "fail", f"{part.state}: {part.detail}", f"look at: backfuture logs {part.name}")
        elif part.restarts >= _MANY_RESTARTS:
            yield Finding(
                part.title, "warn", f"ready, but was restarted {part.restarts} times",
                f"look at: backfuture logs {part.name}",
            )  # fmt: skip
        else:
            yield Finding(part.title, "ok", f"ready, process {part.pid}, {part.memory_mb} MB")


async def broker(settings: LauncherSettings) -> Finding:
    """Go to the broker and back."""
    address = settings.kafka_bootstrap_servers or f"127.0.0.1:{settings.ports.broker}"
    begun = time.monotonic()
    answer = await kafka_ready(address)()
    took_ms = (time.monotonic() - begun) * 1000
    if not answer.ok:
        return Finding("broker round trip", "fail", answer.detail, "look at: backfuture logs broker")
    return Finding("broker round trip", "ok", f"{took_ms:.1f} ms to {address}")


def vault(settings: LauncherSettings, home: Home) -> Finding:
    """Ask the vault whether it is sealed."""
    address = settings.vault_addr or f"unix://{home.sockets}/bao.sock"
    try:
        answer = _ask_vault(address, settings)
        state = msgspec.json.decode(answer.content, type=_SealState)
    except (httpx.HTTPError, OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        return Finding(
            "vault", "fail", f"does not answer as it should: {error or type(error).__name__}",
            "look at: backfuture logs openbao",
        )  # fmt: skip
    if state.sealed or not state.initialized:
        what = "is sealed" if state.initialized else "is not set up"
        return Finding("vault", "fail", what, "unseal it; keys cannot be stored or used until then")
    return Finding("vault", "ok", "unsealed")


def _ask_vault(address: str, settings: LauncherSettings) -> httpx.Response:
    """Ask ``sys/health``, which answers without a token; every status code is an answer."""
    if address.startswith("unix://"):
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=address.removeprefix("unix://")), timeout=_TIMEOUT_S
        ) as client:
            return client.get("http://vault/v1/sys/health")
    verify = str(settings.vault_ca_file) if settings.vault_ca_file else True
    with httpx.Client(verify=verify, timeout=_TIMEOUT_S, trust_env=False) as client:
        return client.get(f"{address}/v1/sys/health")
