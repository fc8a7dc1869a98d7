"""What each service's own vault token can do, tried directly at the server: a stolen one opens no more."""

import httpx
import pytest

from tests.support.key_vault import KeyVault

USER = "exch/{}/users/user_1/connections/{}"


@pytest.fixture
def stored(key_vault: KeyVault, connection: str) -> str:
    key_vault.store(connection)
    return connection


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "data", None),
        ("GET", "data?version=1", None),
        ("GET", "subkeys", None),
        ("PATCH", "data", {"data": {"secret": "eA"}}),
        ("DELETE", "data", None),
        ("POST", "undelete", {"versions": [1]}),
        ("POST", "delete", {"versions": [1]}),
        ("DELETE", "metadata", None),
        ("LIST", "metadata", None),
        ("POST", "metadata", {"max_versions": 100}),
        ("POST", "metadata", {"cas_required": False}),
    ],
)
def test_intake_cannot_read_or_loosen(
    key_vault: KeyVault, stored: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    token = key_vault.bao.login("intake")
    kind, _, query = path.partition("?")
    where = USER.format(kind, stored) + (f"?{query}" if query else "")
    headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}

    answer = key_vault.bao.call(method, where, body, token=token, headers=headers)

    assert answer.status_code == 403, answer.text


def test_intake_cannot_have_a_value_wrapped_for_somebody_else(key_vault: KeyVault, stored: str) -> None:
    token = key_vault.bao.login("intake")
    answer = key_vault.bao.call("GET", USER.format("data", stored), token=token, headers={"X-Vault-Wrap-TTL": "60s"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "kind", "body"),
    [
        ("POST", "data", {"data": {}, "options": {"cas": 1}}),
        ("POST", "destroy", {"versions": [1]}),
        ("POST", "metadata", {"custom_metadata": {}}),
        ("DELETE", "data", None),
        ("LIST", "metadata", None),
    ],
)
def test_dispense_cannot_change_or_list(
    key_vault: KeyVault, stored: str, method: str, kind: str, body: dict[str, object] | None
) -> None:
    answer = key_vault.bao.call(method, USER.format(kind, stored), body, token=key_vault.bao.login("dispense"))
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("role", ["intake", "dispense", "backup"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("LIST", "exch/metadata/users"),
        ("LIST", "exch/metadata/users/user_1/connections"),
        ("GET", "exch/data/users/user_1"),
        ("GET", "exch/data/users/user_1/connections/c1/deeper"),
        ("GET", "exch/config"),
        ("POST", "exch/config"),
        ("GET", "sys/mounts"),
        ("GET", "sys/policies/acl/intake"),
        ("POST", "sys/policies/acl/intake"),
        ("POST", "auth/token/create"),
        ("POST", "auth/approle/role/dispense/secret-id"),
        ("GET", "auth/approle/role/dispense/role-id"),
        ("POST", "sys/seal"),
        ("GET", "sys/raw/core"),
        ("GET", "sys/audit"),
        ("GET", "cubbyhole/x"),
    ],
)
def test_no_service_reaches_beyond_its_paths(key_vault: KeyVault, role: str, method: str, path: str) -> None:
    body: dict[str, object] | None = {} if method == "POST" else None
    assert key_vault.bao.call(method, path, body, token=key_vault.bao.login(role)).status_code in {403, 405}


def test_a_backup_is_ciphertext_and_its_role_can_do_nothing_else(key_vault: KeyVault, connection: str) -> None:
    key_vault.store(connection, secret="canary-of-the-backup", api_key="canary-api-key-1")
    token = key_vault.bao.login("backup")

    snapshot = key_vault.bao.call("GET", "sys/storage/raft/snapshot", token=token, timeout_s=20)

    assert snapshot.status_code == 200
    assert len(snapshot.content) > 1000
    for canary in (b"canary-of-the-backup", b"Y2FuYXJ5LW9mLXRoZS1iYWNrdXA", b"canary-api-key-1", connection.encode()):
        assert canary not in snapshot.content
    assert key_vault.bao.call("POST", "sys/storage/raft/snapshot", {}, token=token).status_code == 403


def test_the_tcp_listener_serves_no_api(key_vault: KeyVault) -> None:
    config = (key_vault.bao.folder / "openbao.hcl").read_text()
    address = config.split("api_addr")[1].split('"')[1]
    with httpx.Client(base_url=address) as client:
        for path in ("sys/health", "auth/approle/login", "exch/data/users/user_1/connections/c1", "sys/init"):
            assert client.get(f"/v1/{path}").status_code == 404
            assert client.post(f"/v1/{path}", json={}).status_code == 404
