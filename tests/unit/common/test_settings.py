"""Settings: read from the environment once, refused when they are not understood."""

from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_common.runtime.settings import ServiceSettings, known_variables, refuse_unknown
from pydantic import ValidationError


class ShopSettings(ServiceSettings):
    token_file: Path = Path("token")
    shelf_count: int = 3


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_REPLICATION_FACTOR", *known_variables(ShopSettings)):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_listen_on_loopback_only() -> None:
    settings = ServiceSettings()
    assert settings.http_host == "127.0.0.1"
    assert settings.kafka_bootstrap_servers.startswith("127.0.0.1:")


def test_fields_are_read_with_the_prefix_and_kafka_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFUTURE_HTTP_PORT", "8799")
    monkeypatch.setenv("BACKFUTURE_SHELF_COUNT", "7")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("KAFKA_REPLICATION_FACTOR", "3")
    settings = ShopSettings.load()
    assert (settings.http_port, settings.shelf_count) == (8799, 7)
    assert (settings.kafka_bootstrap_servers, settings.kafka_replication_factor) == ("kafka:9092", 3)


def test_arguments_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert ServiceSettings(kafka_bootstrap_servers="other:1").kafka_bootstrap_servers == "other:1"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(ServiceSettings(), "http_port", 1)  # noqa: B010  (what mypy would refuse is what is tried)


def test_an_unknown_variable_is_named_and_refused() -> None:
    environment = {"BACKFUTURE_SHELF_COUNTS": "7", "BACKFUTURE_HTTP_PORT": "1", "PATH": "/bin"}
    with pytest.raises(Fatal, match="BACKFUTURE_SHELF_COUNTS") as refusal:
        refuse_unknown(ShopSettings, environment)
    assert "BACKFUTURE_HTTP_PORT" not in str(refusal.value)
    assert refusal.value.info.code == "settings.unknown"


def test_what_another_service_understands_is_unknown_here() -> None:
    refuse_unknown(ShopSettings, {"BACKFUTURE_SHELF_COUNT": "7"})
    with pytest.raises(Fatal):
        refuse_unknown(ServiceSettings, {"BACKFUTURE_SHELF_COUNT": "7"})


def test_the_launchers_own_variables_and_those_allowed_by_the_caller_pass() -> None:
    refuse_unknown(ServiceSettings, {"BACKFUTURE_HOME": "/srv", "BACKFUTURE_EXTRA": "1"}, {"BACKFUTURE_EXTRA"})


def test_a_wrong_value_ends_the_process_with_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKFUTURE_HTTP_PORT", "hunter2-in-the-wrong-place")
    with pytest.raises(SystemExit) as end:
        ServiceSettings.load()
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert told.count("\n") == 1
    assert "http_port" in told
    assert "hunter2" not in told
