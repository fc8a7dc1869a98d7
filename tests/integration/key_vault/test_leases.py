"""Leases by service identity: who gets one, whom it serves, how it ends, and that a restart needs nobody's help."""

import httpx
import pytest

from tests.support.key_vault import KeyVault, Name, kucoin_message, sign_body


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_connector_leases_a_connection_of_its_exchange(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection, api_key="the-api-key-here")
    lease = key_vault.lease(connection).json()

    assert lease.keys() == {
        "lease",
        "api_key",
        "version",
        "needs_passphrase",
        "expires_in_s",
        "orders_allowed",
        "passphrase",
    }
    assert (lease["api_key"], lease["version"], lease["needs_passphrase"]) == ("the-api-key-here", 1, True)
    assert (lease["expires_in_s"], lease["orders_allowed"]) == (3600, True)
    assert key_vault.sign(lease["lease"], kucoin_message()).status_code == 200


def test_the_connector_of_another_exchange_gets_nothing(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection, exchange="paper-kucoin")

    refused = key_vault.lease(connection, exchange="paper-mexc")

    assert code_of(refused) == (403, "wrong_exchange")
    assert "secret-of" not in refused.text
    assert '"lease.wrong_exchange"' in key_vault.log("dispense").read_text()


def test_a_connection_of_another_user_is_not_found_under_this_one(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection, user="user_1")
    assert code_of(key_vault.lease(connection, user="user_2")) == (404, "no_credential")


@pytest.mark.parametrize(
    ("socket", "method", "path", "allowed"),
    [
        ("dispense", "POST", "/v1/leases", "connector"),
        ("dispense", "DELETE", "/v1/connections/c1/leases", "intake"),
        ("intake", "GET", "/v1/users/u/connections/c/credential", "gateway"),
        ("intake", "PUT", "/v1/users/u/connections/c/credential", "gateway"),
        ("intake", "DELETE", "/v1/users/u/connections/c/credential", "gateway"),
    ],
)
def test_every_call_has_one_kind_of_caller(
    key_vault: KeyVault, socket: str, method: str, path: str, allowed: str
) -> None:
    name: Name = "intake" if socket == "intake" else "dispense"
    for caller in ("gateway", "intake", "connector-paper-kucoin"):
        if caller.startswith(allowed):
            continue
        with key_vault.client(name, caller) as client:
            assert client.request(method, path, json={}).status_code in {401, 403}
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic x"}, {"Authorization": "Bearer wrong"}):
        with key_vault.client(name) as client:
            assert code_of(client.request(method, path, json={}, headers=header)) == (401, "unauthorized")


def test_a_lease_is_no_token_for_anything_else(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    with key_vault.client("dispense") as client:
        bearer = {"Authorization": f"Bearer {lease}"}
        body = {"user_id": "user_1", "connection_id": connection}
        assert code_of(client.post("/v1/leases", json=body, headers=bearer)) == (401, "unauthorized")
        assert code_of(client.delete(f"/v1/connections/{connection}/leases", headers=bearer)) == (401, "unauthorized")
    with key_vault.client("dispense", "connector-paper-kucoin") as client:
        assert code_of(client.post("/v1/sign", json=sign_body(kucoin_message()))) == (401, "lease_unknown")
        assert code_of(client.post("/v1/leases/renew")) == (401, "lease_unknown")


def test_a_new_lease_ends_the_older_one(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    older, newer = (key_vault.lease(connection).json()["lease"] for _ in range(2))

    assert code_of(key_vault.sign(older, kucoin_message())) == (401, "lease_unknown")
    assert key_vault.sign(newer, kucoin_message()).status_code == 200


def test_a_connector_can_give_its_lease_back(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    with key_vault.client("dispense") as client:
        bearer = {"Authorization": f"Bearer {lease}"}
        assert client.delete("/v1/leases", headers=bearer).json() == {"dropped": 1}
        assert code_of(client.delete("/v1/leases", headers=bearer)) == (401, "lease_unknown")
    assert key_vault.sign(lease, kucoin_message()).status_code == 401


def test_destroying_a_credential_ends_its_leases_at_once(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]

    key_vault.credential("DELETE", connection)

    assert code_of(key_vault.sign(lease, kucoin_message())) == (401, "lease_unknown")


def test_a_renewal_follows_a_rotated_key(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection, api_key="the-first-key")
    lease = key_vault.lease(connection).json()["lease"]
    assert key_vault.renew(lease).json()["version"] == 1
    before = key_vault.sign(lease, kucoin_message()).json()
    key_vault.store(connection, expected_version=1, api_key="the-second-key", secret="the-second-secret")
    assert key_vault.sign(lease, kucoin_message()).json()["version"] == before["version"] == 1

    renewed = key_vault.renew(lease).json()

    assert (renewed["lease"], renewed["version"], renewed["api_key"]) == (lease, 2, "the-second-key")
    assert key_vault.sign(lease, kucoin_message()).json()["version"] == 2


def test_a_renewal_ends_the_lease_of_a_credential_that_was_destroyed_behind_its_back(
    key_vault: KeyVault, connection: str
) -> None:
    """As when intake could not reach dispense."""
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    token = key_vault.bao.login("intake")
    path = f"exch/destroy/users/user_1/connections/{connection}"
    assert key_vault.bao.call("POST", path, {"versions": [1]}, token=token).status_code == 204
    assert key_vault.sign(lease, kucoin_message()).status_code == 200

    assert code_of(key_vault.renew(lease)) == (401, "lease_unknown")
    assert key_vault.sign(lease, kucoin_message()).status_code == 401


def test_a_renewal_ends_the_lease_of_a_connection_that_moved_to_another_exchange(
    key_vault: KeyVault, connection: str
) -> None:
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]
    key_vault.store(connection, exchange="paper-mexc", expected_version=1)

    assert code_of(key_vault.renew(lease)) == (401, "lease_unknown")
    assert key_vault.lease(connection, exchange="paper-mexc").status_code == 200


def test_after_a_crash_of_dispense_the_connector_helps_itself(breakable: KeyVault, connection: str) -> None:
    key_vault = breakable
    key_vault.store(connection)
    lease = key_vault.lease(connection).json()["lease"]

    key_vault.kill("dispense")
    key_vault.start("dispense")

    assert code_of(key_vault.sign(lease, kucoin_message())) == (401, "lease_unknown")
    again = key_vault.lease(connection)
    assert again.status_code == 200
    assert key_vault.sign(again.json()["lease"], kucoin_message()).status_code == 200
