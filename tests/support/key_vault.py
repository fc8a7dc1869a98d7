"""The two key-vault processes for tests, started as users start them, and clients with the tokens of their callers."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.callers import make_caller

from tests.support.openbao import UNUSED_TLS, OpenBao

Name = Literal["intake", "dispense"]
EXCHANGES = ("paper-kucoin", "paper-mexc", "gate", "coinbase", "okx")
START_S = 30.0


class KeyVault:
    """intake and dispense on one :class:`OpenBao`. ``exchanges``: one connector identity each."""

    def __init__(self, folder: Path, bao: OpenBao, exchanges: tuple[str, ...] = EXCHANGES) -> None:
        self.folder = folder
        self.bao = bao
        self.exchanges = exchanges
        self.sockets: Mapping[Name, Path] = {"intake": folder / "intake.sock", "dispense": folder / "dispense.sock"}
        self.callers: Mapping[Name, Path] = {
            "intake": bao.secrets_dir / "intake-callers.json",
            "dispense": bao.secrets_dir / "dispense-callers.json",
        }
        self.processes: dict[Name, subprocess.Popen[bytes]] = {}

    def token_file(self, caller: str) -> Path:
        return self.bao.secrets_dir / f"{caller}.token"

    def make_callers(self) -> None:
        """Give the gateway, intake and each connector its token."""
        make_caller("gateway", None, self.token_file("gateway"), self.callers["intake"])
        make_caller("intake", None, self.token_file("intake"), self.callers["dispense"])
        for exchange in map(ExchangeId, self.exchanges):
            make_caller("connector", exchange, self.token_file(f"connector-{exchange}"), self.callers["dispense"])

    def environment(self, name: Name) -> dict[str, str]:
        """Return what the launcher is to set for this process, and nothing else."""
        secrets_dir = self.bao.secrets_dir
        common = {
            "PATH": os.environ["PATH"],
            "BACKFUTURE_VAULT_ADDR": self.bao.address,
            "BACKFUTURE_VAULT_SECRET_ID_FILE": str(secrets_dir / f"{name}.sid"),
            "BACKFUTURE_VAULT_TIMEOUT_S": "1.5",
            "BACKFUTURE_DISPENSE_SOCKET": str(self.sockets["dispense"]),
        }
        if name == "dispense":
            return {**common, "BACKFUTURE_DISPENSE_CALLERS_FILE": str(self.callers["dispense"])}
        return {
            **common,
            "BACKFUTURE_INTAKE_SOCKET": str(self.sockets["intake"]),
            "BACKFUTURE_INTAKE_CALLERS_FILE": str(self.callers["intake"]),
            "BACKFUTURE_FINGERPRINT_PEPPER_FILE": str(secrets_dir / "fingerprint.pepper"),
            "BACKFUTURE_DISPENSE_TOKEN_FILE": str(self.token_file("intake")),
        }

    def log(self, name: Name) -> Path:
        return self.folder / f"{name}.log"

    def start(self, *names: Name, wait: bool = True, **further: str) -> None:
        for name in names or ("dispense", "intake"):
            with self.log(name).open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "backfuture_key_vault", name],
                    env={**self.environment(name), **further},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        for name in names or ("dispense", "intake"):
            if wait:
                self.wait_ready(name)

    def wait_ready(self, name: Name, status: int = 200) -> None:
        """Wait until ``/readyz`` answers with this status."""
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            assert self.processes[name].poll() is None, self.log(name).read_text()[-2000:]
            try:
                with self.client(name) as client:
                    if client.get("/readyz").status_code == status:
                        return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{name} has no readiness {status}: {self.log(name).read_text()[-2000:]}")

    def repair(self) -> None:
        """Start again what does not run."""
        if self.bao.process.poll() is not None:
            self.bao.start()
        for name, process in tuple(self.processes.items()):
            if process.poll() is not None:
                self.start(name, wait=False)
        for name in self.processes:
            self.wait_ready(name)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def kill(self, name: Name) -> None:
        self.processes[name].kill()
        self.processes[name].wait(10)

    def client(self, name: Name, caller: str = "") -> httpx.Client:
        """Return a client of a socket, with the token of ``gateway``, ``intake`` or ``connector-<exchange>``."""
        headers = {"Authorization": f"Bearer {self.token_file(caller).read_text()}"} if caller else {}
        transport = httpx.HTTPTransport(uds=str(self.sockets[name]), verify=UNUSED_TLS)
        return httpx.Client(transport=transport, base_url="http://key-vault", headers=headers, timeout=15)

    # -------------------------------------------------------------------- what tests do most

    def store(
        self,
        connection: str,
        *,
        exchange: str = "paper-kucoin",
        user: str = "user_1",
        expected_version: int = 0,
        **values: object,
    ) -> httpx.Response:
        body = {
            "exchange": exchange, "api_key": "0123456789abcdef", "secret": "secret-of-" + connection,
            "passphrase": "open-sesame" if "kucoin" in exchange else None, "expected_version": expected_version,
            **values,
        }  # fmt: skip
        with self.client("intake", "gateway") as client:
            return client.put(f"/v1/users/{user}/connections/{connection}/credential", json=body)

    def lease(self, connection: str, *, exchange: str = "paper-kucoin", user: str = "user_1") -> httpx.Response:
        with self.client("dispense", f"connector-{exchange}") as client:
            return client.post("/v1/leases", json={"user_id": user, "connection_id": connection})

    def sign(self, lease: str, message: bytes, algorithm: str = "sha256", body: bytes | None = None) -> httpx.Response:
        asked = {**sign_body(message), "algorithm": algorithm}
        if body is not None:
            asked["body_b64"] = base64.b64encode(body).decode()
        with self.client("dispense") as client:
            return client.post("/v1/sign", json=asked, headers={"Authorization": f"Bearer {lease}"})

    def renew(self, lease: str) -> httpx.Response:
        with self.client("dispense") as client:
            return client.post("/v1/leases/renew", headers={"Authorization": f"Bearer {lease}"})

    def credential(self, method: str, connection: str, user: str = "user_1") -> httpx.Response:
        with self.client("intake", "gateway") as client:
            return client.request(method, f"/v1/users/{user}/connections/{connection}/credential")


def sign_body(message: bytes) -> dict[str, Any]:
    return {"algorithm": "sha256", "message_b64": base64.b64encode(message).decode()}


def kucoin_message(path: str = "/api/v1/user/api-key", method: str = "GET", body: str = "") -> bytes:
    """Return bytes as KuCoin wants them signed, made now."""
    return f"{time.time_ns() // 1_000_000}{method}{path}{body}".encode()


def mexc_message(parameters: str = "") -> bytes:
    """Return bytes as MEXC spot wants them signed, made now."""
    joined = f"{parameters}&" if parameters else ""
    return f"{joined}timestamp={time.time_ns() // 1_000_000}&recvWindow=5000".encode()
