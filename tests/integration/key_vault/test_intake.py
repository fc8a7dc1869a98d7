"""Storing, asking, destroying, over the intake socket and against a real OpenBao."""

import os
import stat
import threading
from typing import Any

import pytest

from tests.support.key_vault import KeyVault


def test_a_credential_is_stored_and_only_a_hint_comes_back(key_vault: KeyVault, connection: str) -> None:
    stored = key_vault.store(connection, api_key="0123456789abWXYZ").json()
    found = key_vault.credential("GET", connection).json()

    assert {name: stored[name] for name in ("version", "hint")} == {"version": 1, "hint": "WXYZ"}
    assert found.keys() == {"version", "state", "hint", "updated_ms"}
    assert (found["version"], found["state"], found["hint"]) == (1, "stored", "WXYZ")
    assert 1_700_000_000_000 < found["updated_ms"] < 4_000_000_000_000


def test_a_rotation_needs_the_version_it_replaces(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    assert key_vault.store(connection, expected_version=1, api_key="another-api-key").json()["version"] == 2

    for wrong in (0, 1, 3):
        conflict = key_vault.store(connection, expected_version=wrong)
        assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "version_conflict")
    assert key_vault.credential("GET", connection).json()["hint"] == "-key"


def test_of_many_stores_at_once_one_wins(key_vault: KeyVault, connection: str) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(key_vault.store(connection).status_code)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200] + [409] * 5


def test_destroying_leaves_no_version_and_may_be_repeated(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    key_vault.store(connection, expected_version=1)

    for _ in range(2):
        destroyed = key_vault.credential("DELETE", connection)
        assert (destroyed.status_code, destroyed.json()) == (200, {"destroyed": True})
    assert key_vault.credential("GET", connection).json()["state"] == "destroyed"
    assert key_vault.lease(connection).json()["error"]["code"] == "no_credential"
    token = key_vault.bao.login("dispense")
    for version in (1, 2, 3):
        path = f"exch/data/users/user_1/connections/{connection}?version={version}"
        answer = key_vault.bao.call("GET", path, token=token)
        assert answer.status_code == 404
        assert "secret-of" not in answer.text


def test_a_store_that_was_on_its_way_cannot_undo_a_destruction(key_vault: KeyVault, connection: str) -> None:
    """The gateway gave up on a store and destroyed; the late store must not bring the secret back."""
    key_vault.credential("DELETE", connection)
    late_first = key_vault.store(connection, expected_version=0)
    assert late_first.status_code == 409

    other = connection + "b"
    key_vault.store(other)
    key_vault.credential("DELETE", other)
    late_rotation = key_vault.store(other, expected_version=1)
    assert late_rotation.status_code == 409
    assert key_vault.credential("GET", other).json()["state"] == "destroyed"


def test_a_destroyed_connection_can_be_given_a_new_key(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    key_vault.credential("DELETE", connection)
    version = key_vault.credential("GET", connection).json()["version"]

    again = key_vault.store(connection, expected_version=version)

    assert again.status_code == 200
    assert key_vault.lease(connection).status_code == 200


def test_nothing_stored_is_told_as_such(key_vault: KeyVault, connection: str) -> None:
    answer = key_vault.credential("GET", connection)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_credential")


def test_a_fingerprint_recognises_the_same_key_of_the_same_exchange_only(key_vault: KeyVault, connection: str) -> None:
    def fingerprint(name: str, **values: Any) -> str:
        answer = key_vault.store(connection + name, **values).json()
        found: str = answer["fingerprint"]
        return found

    first = fingerprint("a", api_key="the-same-api-key", secret="one-secret-1")
    same = fingerprint("b", api_key="the-same-api-key", secret="another-secret", user="user_2")
    other_key = fingerprint("c", api_key="not-the-same-key")
    other_exchange = fingerprint("d", api_key="the-same-api-key", exchange="paper-mexc")

    assert first == same
    assert len({first, other_key, other_exchange}) == 3
    assert len(first) == 64
    assert "the-same" not in first


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"exchange": "kraken"}, "exchange_unsupported"),
        ({"exchange": ""}, "exchange_unsupported"),
        ({"api_key": "short"}, "credential_malformed"),
        ({"secret": "short"}, "credential_malformed"),
        ({"secret": "with a space in it"}, "credential_malformed"),
        ({"secret": "line-end-at-last\n"}, "credential_malformed"),
        ({"secret": "sécret-sécret"}, "credential_malformed"),
        ({"secret": "x" * 600}, "credential_malformed"),
        ({"passphrase": ""}, "credential_malformed"),
        ({"expected_version": -1}, "invalid_request"),
    ],
)
def test_what_can_never_work_is_refused_with_a_reason(
    key_vault: KeyVault, connection: str, values: dict[str, Any], code: str
) -> None:
    answer = key_vault.store(connection, **values)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert key_vault.credential("GET", connection).status_code == 404


def test_sockets_belong_to_their_owner_alone(key_vault: KeyVault) -> None:
    for path in (*key_vault.sockets.values(), key_vault.bao.socket):
        found = path.stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == os.geteuid()
