"""Canaries: a secret that goes in is in no answer, no log, no file, and after its lease no memory of dispense."""

import base64
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.key_vault.conftest import running_key_vault
from tests.support.key_vault import KeyVault, kucoin_message
from tests.support.openbao import key_vault_command

CANARY = "cAnArY7f3e9b1d5a6c"
PATH = "/v1/users/user_1/connections/{}/credential"


def forms(secret: str) -> list[bytes]:
    """Return the shapes in which a secret could lie about."""
    plain = secret.encode()
    encoded = base64.urlsafe_b64encode(plain).rstrip(b"=")
    return [plain, plain[:12], encoded, encoded[:16], base64.b64encode(plain), plain.hex().encode()]


def valid(**values: object) -> dict[str, Any]:
    return {
        "exchange": "paper-kucoin", "api_key": f"key-{CANARY}", "secret": f"secret-{CANARY}",
        "passphrase": f"pass-{CANARY}", "expected_version": 0, **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(valid(secret="")),
        json.dumps(valid(expected_version="0")),
        json.dumps(valid(secret=[f"secret-{CANARY}"])),
        json.dumps({name: value for name, value in valid().items() if name != "api_key"}),
        json.dumps(valid() | {f"secret-{CANARY}": 1}),
        json.dumps(f"secret-{CANARY}"),
        json.dumps([valid()]),
        json.dumps(valid())[:-1],
        json.dumps(valid()).replace("paper-kucoin", f"paper-{CANARY}"),
        json.dumps(valid(secret=f"secret-{CANARY}\x00")),
        json.dumps(valid(secret=f"secret {CANARY}")),
        f"secret={CANARY}&x=\xff",
        json.dumps(valid(secret=CANARY * 5000)),
        "",
    ],
)
def test_a_refused_body_is_not_echoed_and_not_logged(key_vault: KeyVault, connection: str, body: str) -> None:
    with key_vault.client("intake", "gateway") as client:
        for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            answer = client.put(
                PATH.format(connection), content=body.encode("latin-1"), headers={"Content-Type": content_type}
            )
            assert answer.status_code in {400, 413}
            assert answer.json().keys() == {"error"}
            assert CANARY not in answer.text + str(answer.headers)
    assert CANARY not in key_vault.log("intake").read_text()


def test_an_endless_body_is_cut_off(key_vault: KeyVault, connection: str) -> None:
    with key_vault.client("intake", "gateway") as client:
        answer = client.put(PATH.format(connection), content=(b"x" * 1024 for _ in range(100)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "wrong",
    [
        "..", "%2e%2e", "a%2fb", "*", "+", "a%00b", "%20", "a%E2%80%AEb", "-a", "a" * 64, "a.b", "a;b", "x%0d%0aX:y",
    ],
)  # fmt: skip
def test_an_id_that_is_none_leads_nowhere(key_vault: KeyVault, wrong: str) -> None:
    with key_vault.client("intake", "gateway") as client:
        for path in (f"/v1/users/{wrong}/connections/c1/credential", f"/v1/users/u1/connections/{wrong}/credential"):
            for method in ("GET", "PUT", "DELETE"):
                answer = client.request(method, path, json=valid())
                assert answer.status_code in {400, 404, 405}, (method, path)
                assert answer.json()["error"]["code"] in {"invalid_id", "not_found", "method_not_allowed"}
                assert CANARY not in answer.text
    with key_vault.client("dispense", "connector-paper-kucoin") as client:
        answer = client.post("/v1/leases", json={"user_id": "user_1", "connection_id": wrong})
        assert answer.json()["error"]["code"] == "invalid_id"


def test_there_is_no_documentation_and_no_further_call(key_vault: KeyVault) -> None:
    for name in ("intake", "dispense"):
        with key_vault.client(name, "gateway" if name == "intake" else "connector-paper-kucoin") as client:
            for path in ("/docs", "/redoc", "/openapi.json", "/", "/v1", "/v1/release/c1", "/v1/grants", "/debug"):
                answer = client.get(path)
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_whole_life_leaves_no_secret_in_any_log_or_answer() -> None:
    """Store, rotate, lease, sign, be refused, fail, destroy; then read everything that was written."""
    answers: list[str] = []
    with running_key_vault() as key_vault:
        answers.append(key_vault.store("c1", **valid()).text)
        answers.append(key_vault.store("c1", **valid(expected_version=1)).text)
        answers.append(key_vault.store("c1", **valid()).text)
        answers.append(key_vault.credential("GET", "c1").text)
        leased = key_vault.lease("c1")
        lease = leased.json()["lease"]
        answers.append(leased.text.replace(f"key-{CANARY}", "").replace(lease, ""))  # these two it is asked for
        withdrawal = kucoin_message("/api/v3/withdrawals", "POST", "{}")
        messages = (kucoin_message(), b"backfuture:passphrase", withdrawal)
        answers += [key_vault.sign(lease, message).text for message in messages]
        answers.append(key_vault.lease("c1", exchange="paper-mexc").text)
        with key_vault.bao.hanging():
            answers.append(key_vault.store("c2", **valid()).text)
        key_vault.bao.kill()
        answers.append(key_vault.store("c3", **valid()).text)
        key_vault.bao.start()
        answers.append(key_vault.credential("DELETE", "c1").text)
        key_vault.stop()
        key_vault.bao.stop()
        folder, secrets_dir = key_vault.folder, key_vault.bao.secrets_dir
        kept = {
            path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and secrets_dir not in path.parents
        }
        tokens = [path.read_text() for path in (*secrets_dir.glob("*.token"), *secrets_dir.glob("*.sid"))]

    assert len(tokens) == 6 + len(key_vault.exchanges)
    assert {path.name for path in kept} >= {"intake.log", "dispense.log", "server.log", "audit.log", "vault.db"}
    told = "\n".join(answers).encode()
    for secret in (f"secret-{CANARY}", f"pass-{CANARY}", f"key-{CANARY}", lease, *tokens):
        for form in forms(secret)[:1] if secret in tokens else forms(secret):
            assert form not in told
            for path, content in kept.items():
                assert form not in content, f"{form!r} in {path.name}"


def memory_of(pid: int) -> bytes:
    """Return all private memory of a process. Needs the right to trace it."""
    parts = []
    maps = Path(f"/proc/{pid}/maps").read_text()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps, re.MULTILINE):
            try:
                memory.seek(int(start, 16))
                parts.append(memory.read(int(end, 16) - int(start, 16)))
            except (OSError, ValueError, OverflowError):
                continue  # a mapping that went away, or the kernel's own
    return b"\x00".join(parts)


def may_trace(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            return True
    except OSError:
        return False


def test_after_its_lease_no_secret_is_left_in_the_memory_of_dispense(key_vault: KeyVault, connection: str) -> None:
    pid = key_vault.processes["dispense"].pid
    if not may_trace(pid):
        pytest.skip("only root may look into dispense; that nobody else may is tested elsewhere")
    secret, passphrase = (base64.b32encode(os.urandom(20)).decode() for _ in range(2))
    key_vault.store(connection, secret=secret, passphrase=passphrase)
    lease = key_vault.lease(connection).json()["lease"]
    for _ in range(5):
        assert key_vault.sign(lease, kucoin_message()).status_code == 200
        assert key_vault.sign(lease, b"backfuture:passphrase").status_code == 200
        assert key_vault.renew(lease).status_code == 200

    during = memory_of(pid)
    assert during.count(secret.encode()) == 1, "exactly the buffer that signs"
    key_vault.credential("DELETE", connection)
    time.sleep(0.1)
    after = memory_of(pid)

    for canary in (secret, passphrase):
        for form in forms(canary):
            assert after.count(form) == 0, form


def test_a_rotated_secret_is_not_left_either(key_vault: KeyVault, connection: str) -> None:
    pid = key_vault.processes["dispense"].pid
    if not may_trace(pid):
        pytest.skip("only root may look into dispense; that nobody else may is tested elsewhere")
    old, new = (base64.b32encode(os.urandom(20)).decode() for _ in range(2))
    key_vault.store(connection, secret=old)
    lease = key_vault.lease(connection).json()["lease"]
    key_vault.store(connection, secret=new, expected_version=1)
    assert key_vault.renew(lease).json()["version"] == 2

    memory = memory_of(pid)
    assert not any(form in memory for form in forms(old))
    assert memory.count(new.encode()) == 1


def test_a_signer_stops_on_request_with_a_lease_open(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    key_vault.lease(connection)
    process = key_vault.processes["dispense"]
    process.terminate()
    assert process.wait(10) == 0
    assert not key_vault.sockets["dispense"].exists()


def test_no_command_shows_a_secret_in_its_arguments_or_output(tmp_path: Path) -> None:
    done = key_vault_command(
        "make-caller", "--role", "gateway", "--token-file", tmp_path / "t", "--callers-file", tmp_path / "c"
    )
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("", "")
    assert len((tmp_path / "t").read_text()) >= 43
