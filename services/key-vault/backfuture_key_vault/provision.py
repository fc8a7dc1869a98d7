"""What a vault must hold before the services can use it: one list, for OpenBao's first start and for the API of a
server that somebody else has initialised.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import msgspec
from backfuture_common.errors import Fatal

from backfuture_key_vault.files import read_private_text
from backfuture_key_vault.vault.credentials import MOUNT
from backfuture_key_vault.vault.transport import Address, Reply, exchange

ROLES = ("intake", "dispense", "ops", "backup")
_SERVICES = ("intake", "dispense")
_TIMEOUT_S = 10.0
_UPGRADE_S = 10.0
"""How long a new key-value store may say that it is being upgraded."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """A value that stands in a file and is not to be written anywhere else."""

    path: Path


Value = str | int | bool | tuple[str, ...] | FromFile | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One request, made once."""

    name: str
    path: str
    data: Mapping[str, Value] = field(hash=False)


def steps(secrets_dir: Path) -> Iterator[Step]:
    """Yield what is to be done, in order."""
    yield Step("kv", f"sys/mounts/{MOUNT}", {"type": "kv", "options": {"version": "2"}})
    yield Step("approle", "sys/auth/approle", {"type": "approle"})
    for role in ROLES:
        yield Step(f"policy-{role}", f"sys/policies/acl/{role}", {"policy": policy_text(role)})
        yield Step(f"role-{role}", f"auth/approle/role/{role}", _role(role))
        yield Step(f"role-id-{role}", f"auth/approle/role/{role}/role-id", {"role_id": role})
        yield Step(
            f"secret-id-{role}",
            f"auth/approle/role/{role}/custom-secret-id",
            {"secret_id": FromFile(secret_id_file(secrets_dir, role))},
        )
    # last: a new store needs a moment before it takes its configuration
    yield Step("kv-config", f"{MOUNT}/config", {"max_versions": 3, "cas_required": True})


def secret_id_file(secrets_dir: Path, role: str) -> Path:
    return secrets_dir / f"{role}.sid"


def policy_text(role: str) -> str:
    return (resources.files("backfuture_key_vault") / "deploy" / "policies" / f"{role}.hcl").read_text()


def as_hcl(secrets_dir: Path) -> str:
    """Return the steps as ``request`` blocks of OpenBao's ``initialize`` stanza."""
    return "\n".join(_block(step) for step in steps(secrets_dir))


def apply(address: Address, token: str, secrets_dir: Path) -> None:
    """Do the steps over the API with an operator's token; doing it again changes nothing.

    Raises :class:`Fatal` when the server writes no audit log, when a mount of this name is something else, and when a
    step is refused. The token is used and forgotten, not revoked.
    """
    server = _Server(address, token)
    if not server.get("sys/audit"):
        raise Fatal(
            "vault.no_audit", "the server has no audit device", "enable one first; without it theft leaves no trace"
        )
    mount = server.get("sys/mounts").get(f"{MOUNT}/")
    if mount is not None and not _is_kv2(mount):
        raise Fatal("vault.mount_taken", f"the mount {MOUNT}/ exists and is no key-value store of version 2")
    has_approle = "approle/" in server.get("sys/auth")
    for step in steps(secrets_dir):
        is_there = (step.name == "kv" and mount is not None) or (step.name == "approle" and has_approle)
        if is_there or (step.name.startswith("secret-id-") and server.can_log_in(step)):
            continue
        server.post(step)


class _Server:
    """The API as an operator sees it. Every failure is :class:`Fatal`."""

    def __init__(self, address: Address, token: str) -> None:
        self._address = address
        self._token = token

    def get(self, path: str) -> dict[str, object]:
        """Return the answer's data: what is mounted or enabled, by name."""
        reply = self._exchange("GET", path, b"")
        with reply:
            if reply.status != 200:
                raise Fatal("vault.refused", f"GET {path}: status {reply.status}", "is it an operator's token?")
            data: dict[str, object] = msgspec.json.decode(reply.body).get("data") or {}
        return data

    def post(self, step: Step) -> None:
        body = msgspec.json.encode({name: _plain(value) for name, value in step.data.items()})
        deadline_s = time.monotonic() + _UPGRADE_S
        while True:
            with self._exchange("POST", step.path, body) as reply:
                upgrading = reply.status == 400 and b"pgrading" in reply.body
                if reply.status in {200, 204}:
                    return
            if not upgrading or time.monotonic() > deadline_s:
                raise Fatal("vault.refused", f"{step.name}: status {reply.status}", "is it an operator's token?")
            time.sleep(0.1)

    def can_log_in(self, step: Step) -> bool:
        """Tell whether the role already knows the secret id of this step."""
        role = step.name.removeprefix("secret-id-")
        body = msgspec.json.encode({"role_id": role, "secret_id": _plain(step.data["secret_id"])})
        with self._exchange("POST", "auth/approle/login", body) as reply:
            return reply.status == 200

    def _exchange(self, method: str, path: str, body: bytes) -> Reply:
        reply = exchange(self._address, method, path, token=self._token, body=body, timeout_s=_TIMEOUT_S)
        if not isinstance(reply, Reply):
            raise Fatal("vault.unreachable", f"the vault does not answer ({reply})", "check address and CA file")
        return reply


def _role(role: str) -> dict[str, Value]:
    life: dict[str, Value] = {"token_period": "1h"} if role in _SERVICES else {"token_ttl": "5m", "token_max_ttl": "5m"}
    return {"token_policies": (role,), "token_no_default_policy": True, "secret_id_num_uses": 0, **life}


def _is_kv2(mount: object) -> bool:
    options = mount.get("options") if isinstance(mount, dict) else None
    return (
        isinstance(mount, dict)
        and mount.get("type") == "kv"
        and isinstance(options, dict)
        and options.get("version") == "2"
    )


def _plain(value: Value) -> object:
    return read_private_text(value.path) if isinstance(value, FromFile) else value


def _block(step: Step) -> str:
    data = "\n".join(f"      {name} = {_hcl(value)}" for name, value in step.data.items())
    return (
        f"  request {json.dumps(step.name)} {{\n"
        f'    operation = "update"\n'
        f"    path      = {json.dumps(step.path)}\n"
        f"    data = {{\n{data}\n    }}\n"
        f"  }}\n"
    )


def _hcl(value: Value) -> str:
    if isinstance(value, FromFile):
        return _hcl({"eval_type": "string", "eval_source": "file", "path": str(value.path)})
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {json.dumps(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)
