"""The vault away, sealed, hanging, killed: running leases sign, nothing acknowledged is lost, nothing happens twice."""

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.key_vault import KeyVault, Name, kucoin_message
from tests.support.openbao import OpenBao

NAMES: tuple[Name, ...] = ("intake", "dispense")
pytestmark = pytest.mark.timeout(180)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def other(connection: str) -> str:
    return f"{connection}_other"


def test_a_sealed_vault_stops_no_running_bot(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    key_vault.bao.seal()

    assert key_vault.sign(lease, kucoin_message()).status_code == 200
    renewed = key_vault.renew(lease)
    assert (renewed.status_code, renewed.json()["orders_allowed"]) == (200, True)
    for answer in (
        key_vault.store(other(connection)),
        key_vault.lease(connection),
        key_vault.credential("GET", connection),
        key_vault.credential("DELETE", connection),
    ):
        assert code_of(answer) == (503, "vault_sealed")
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["error"]["retryable"] is True
    assert code_of(key_vault.sign(lease, kucoin_message())) == (401, "lease_unknown"), "destroying ends leases first"

    key_vault.bao.stop()
    key_vault.bao.start()
    assert key_vault.lease(connection).status_code == 200
    assert key_vault.credential("DELETE", connection).status_code == 200


def test_a_killed_vault_loses_nothing_that_was_acknowledged(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    acknowledged: list[str] = []
    for round_number in range(3):
        stop = threading.Event()

        def keep_storing(prefix: str, stop: threading.Event) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                name = f"{prefix}_{number}"
                if key_vault.store(name).status_code == 200:
                    acknowledged.append(name)

        threads = [
            threading.Thread(target=keep_storing, args=(f"{connection}_{round_number}_{worker}", stop))
            for worker in range(3)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.6)
        key_vault.bao.kill()
        assert key_vault.sign(lease, kucoin_message()).status_code == 200
        assert code_of(key_vault.credential("GET", connection)) == (503, "vault_unreachable")
        stop.set()
        for thread in threads:
            thread.join(10)
        key_vault.bao.start()

    assert len(acknowledged) > 10
    for name in acknowledged:
        assert key_vault.credential("GET", name).json()["state"] == "stored", name
    assert key_vault.lease(acknowledged[-1]).status_code == 200


def test_a_hanging_vault_gives_an_unknown_outcome_that_asking_resolves(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]

    with key_vault.bao.hanging():
        started_s = time.monotonic()
        assert code_of(key_vault.store(other(connection))) == (504, "outcome_unknown")
        assert time.monotonic() - started_s < 5
        assert code_of(key_vault.credential("GET", other(connection))) == (503, "vault_unreachable")
        assert key_vault.sign(lease, kucoin_message()).status_code == 200
        assert key_vault.renew(lease).status_code == 200

    repeated = key_vault.store(other(connection))
    assert repeated.status_code in {200, 409}, "it landed late, or it lands now"
    assert key_vault.credential("GET", other(connection)).json()["version"] == 1, "never twice"


def test_signing_does_not_wait_for_a_hanging_vault(breakable: KeyVault, connection: str) -> None:
    """Leases that wait on the vault occupy threads; the loop that signs stays free."""
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    with key_vault.bao.hanging():
        waiting = [threading.Thread(target=key_vault.lease, args=(connection,)) for _ in range(12)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        took_s = []
        for _ in range(10):
            started_s = time.monotonic()
            assert key_vault.sign(lease, kucoin_message()).status_code == 200
            took_s.append(time.monotonic() - started_s)
        for thread in waiting:
            thread.join(30)
    assert sorted(took_s)[len(took_s) // 2] < 0.2


def test_a_revoked_server_token_is_replaced_unseen(breakable: KeyVault, connection: str) -> None:
    """As after a restart of the vault with newer data, or when an operator revokes everything of a role."""
    key_vault = breakable
    key_vault.store(connection)
    bao, ops = key_vault.bao, key_vault.bao.login("ops")
    policy = bao.call("GET", "sys/policies/acl/ops", token=ops).json()["data"]["policy"]
    policy += '\npath "sys/leases/revoke-prefix/*" {\n  capabilities = ["update", "sudo"]\n}\n'
    assert bao.call("POST", "sys/policies/acl/ops", {"policy": policy}, token=ops).status_code == 204
    assert bao.call("POST", "sys/leases/revoke-prefix/auth/approle", {}, token=ops).status_code in {200, 204}

    assert key_vault.lease(connection).status_code == 200
    assert key_vault.credential("GET", connection).status_code == 200


def test_services_start_without_the_vault_and_find_it_later(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    key_vault.stop()
    key_vault.bao.kill()

    key_vault.start(wait=False)
    for name in NAMES:
        key_vault.wait_ready(name, status=503)
    assert code_of(key_vault.lease(connection)) == (503, "vault_unreachable")

    key_vault.bao.start()
    for name in NAMES:
        key_vault.wait_ready(name)
    assert key_vault.lease(connection).status_code == 200


def test_without_dispense_a_credential_is_destroyed_all_the_same(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    key_vault.kill("dispense")

    assert key_vault.credential("DELETE", connection).status_code == 200

    assert '"leases.not_dropped"' in key_vault.log("intake").read_text()
    key_vault.start("dispense")
    assert code_of(key_vault.lease(connection)) == (404, "no_credential")


@contextmanager
def full_disk(bao: OpenBao) -> Iterator[None]:
    """Let the server's audit log grow by no byte more."""
    limit = (bao.folder / "audit.log").stat().st_size
    old = resource.prlimit(bao.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bao.process.pid, resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.prlimit(bao.process.pid, resource.RLIMIT_FSIZE, old)


def test_a_full_audit_log_stops_storing_and_no_running_lease(breakable: KeyVault, connection: str) -> None:
    """The audit log is the server's: when it cannot be written nothing is answered, and nobody is told it was done."""
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    with full_disk(key_vault.bao):
        assert code_of(key_vault.store(other(connection))) == (504, "outcome_unknown")
        assert code_of(key_vault.lease(connection)) == (503, "vault_error")
        assert key_vault.sign(lease, kucoin_message()).status_code == 200
    assert key_vault.store(other(connection)).status_code in {200, 409}
    assert key_vault.lease(other(connection)).status_code == 200
