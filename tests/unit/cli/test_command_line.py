"""The command line as scripts see it: exit codes, JSON, and secrets that never come back."""

import io
import json
from pathlib import Path

import pytest
from backfuture_cli.api.views import Connection
from backfuture_cli.commands.testview import exit_code_of
from backfuture_cli.credential import read_credential
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher import firststart
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.preflight import check_python
from backfuture_cli.launcher.watch import LONGEST_DELAY_S, delay_s
from backfuture_cli.main import run


@pytest.fixture(autouse=True)
def _nobody_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("BACKFUTURE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BACKFUTURE_GATEWAY_URL", "http://127.0.0.1:9")
    for name in ("API_KEY", "API_SECRET", "API_PASSPHRASE"):
        monkeypatch.delenv(f"BACKFUTURE_{name}", raising=False)


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["--help"], Exit.OK),
        (["nosuch"], Exit.BAD_INPUT),
        (["bots", "list", "--nosuch"], Exit.BAD_INPUT),
        (["bots", "create", "--max-add-ons", "many"], Exit.BAD_INPUT),
        (["paper", "create-key", "nosuch"], Exit.BAD_INPUT),
        (["status"], Exit.NOT_RUNNING),
        (["down"], Exit.NOT_RUNNING),
        (["logs", "gateway"], Exit.NOT_FOUND),
        (["bots", "list"], Exit.ERROR),
        (["up", "--live", "nosuch"], Exit.BAD_INPUT),
    ],
)
def test_exit_codes_are_stable(arguments: list[str], exit_code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == exit_code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


def test_a_failure_is_json_when_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bots", "list", "--json"]) == Exit.ERROR
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["code"] == "not_logged_in"
    assert told["error"]["hint"]
    assert told["exit_code"] == 1


@pytest.mark.parametrize("command", ["connections list", "bots list", "groups list", "orders", "decisions", "balances",
                                     "exchanges", "whoami", "health", "status", "doctor", "logout"])  # fmt: skip
def test_every_command_that_shows_something_knows_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([*command.split(), "--json"])
    json.loads(capsys.readouterr().out)


def test_a_credential_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"api_key": "k", "secret": "s", "passphrase": "p"}'))
    credential = read_credential(from_stdin=True, asks_passphrase=True)
    assert credential.body() == {"api_key": "k", "secret": "s", "passphrase": "p"}
    assert repr(credential) == "Credential(…)"


@pytest.mark.parametrize(
    "text", ["hunter2hunter2", '{"api_key": "hunter2"}', '{"api_key": "a", "secret": "b", "hunter2": 1}']
)
def test_a_wrong_credential_is_refused_and_never_repeated(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with pytest.raises(CliError) as caught:
        read_credential(from_stdin=True, asks_passphrase=False)
    assert "hunter2" not in f"{caught.value}{caught.value.info}{caught.value.__cause__}{caught.value.__context__}"


def test_a_credential_comes_from_the_environment_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFUTURE_API_KEY", "k")
    monkeypatch.setenv("BACKFUTURE_API_SECRET", "s")
    assert read_credential(from_stdin=False, asks_passphrase=False).body() == {"api_key": "k", "secret": "s"}
    with pytest.raises(CliError, match="BACKFUTURE_API_PASSPHRASE"):
        read_credential(from_stdin=False, asks_passphrase=True)


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        ("online", "OK", Exit.OK),
        ("online", "OK_WARN_NO_IP_LIST", Exit.OK),
        ("refused", "WITHDRAW_ENABLED", Exit.REFUSED),
        ("attention", "SECRET_WRONG", Exit.KEY_PROBLEM),
        ("attention", "VENUE_DOWN", Exit.ERROR),
    ],
)
def test_the_end_of_a_connection_test_is_an_exit_code(status: str, code: str, exit_code: Exit) -> None:
    connection = Connection(
        id="con_1", name="n", exchange="paper-mexc", status=status, trade_allowed=False, code=code, message="", hint="",
        steps=[], rights=[], ip_restricted=None, key_expires_ms=None, key_hint="", secret_state="stored", test_id="",
        updated_ms=0,
    )  # fmt: skip
    assert exit_code_of(connection) == exit_code


def test_an_old_python_is_refused() -> None:
    with pytest.raises(CliError, match=r"3\.10 is too old"):
        check_python((3, 10))


def test_restarts_wait_longer_each_time_up_to_a_limit() -> None:
    assert [delay_s(failures) for failures in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert delay_s(50) == LONGEST_DELAY_S


def test_the_first_start_makes_admin_and_demo_and_later_ones_nobody(tmp_path: Path) -> None:
    home = Home(tmp_path / "s")
    home.create()
    notes = firststart.read_notes(home)
    assert firststart.wanted_users(notes, demo=True) == [("admin", "admin"), ("demo", "user")]
    assert firststart.wanted_users(notes, demo=False) == [("admin", "admin")]
    notes.shown = ["admin", "demo"]
    firststart.write_notes(home, notes)
    assert firststart.wanted_users(firststart.read_notes(home), demo=True) == []


def test_passwords_are_made_anew_each_time_and_are_not_shown_by_accident() -> None:
    passwords = {firststart.new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(len(password) == 19 for password in passwords)
    user = firststart.NewUser("ana", "user", "abcd-efgh-jkmn-pqrs")
    assert "abcd" not in repr(user)
