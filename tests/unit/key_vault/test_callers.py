"""Who may speak to a socket."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.errors import Fatal
from backfuture_key_vault.callers import Callers, digest, make_caller, read_callers

KUCOIN = ExchangeId("paper-kucoin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_caller_is_found_by_its_token_and_bound_to_its_exchange(folder: Path) -> None:
    make_caller("connector", KUCOIN, folder / "kucoin.token", folder / "callers.json")
    make_caller("intake", None, folder / "intake.token", folder / "callers.json")
    callers = Callers(folder / "callers.json")

    connector = callers.find((folder / "kucoin.token").read_text())
    assert connector is not None
    assert (connector.name, connector.role, connector.exchange) == ("connector-paper-kucoin", "connector", KUCOIN)
    intake = callers.find((folder / "intake.token").read_text())
    assert intake is not None
    assert (intake.role, intake.exchange) == ("intake", None)


def test_unknown_tokens_find_nobody(folder: Path) -> None:
    caller = make_caller("gateway", None, folder / "token", folder / "callers.json")
    callers = Callers(folder / "callers.json")
    token = (folder / "token").read_text()

    for wrong in ("", " ", token[:-1], token + "x", token.lower(), caller.sha256):
        assert callers.find(wrong) is None


def test_the_callers_file_holds_no_token_and_both_files_are_closed(folder: Path) -> None:
    make_caller("gateway", None, folder / "token", folder / "callers.json")
    token = (folder / "token").read_text()

    assert len(token) >= 43
    assert token not in (folder / "callers.json").read_text()
    assert digest(token) in (folder / "callers.json").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_making_a_caller_again_changes_nothing(folder: Path) -> None:
    make_caller("connector", KUCOIN, folder / "token", folder / "callers.json")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    make_caller("connector", KUCOIN, folder / "token", folder / "callers.json")

    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_new_token_takes_the_place_of_the_old_while_the_service_runs(folder: Path) -> None:
    make_caller("connector", KUCOIN, folder / "token", folder / "callers.json")
    callers = Callers(folder / "callers.json")
    old = (folder / "token").read_text()
    assert callers.find(old)

    (folder / "token").unlink()
    make_caller("connector", KUCOIN, folder / "token", folder / "callers.json")

    assert callers.find(old) is None
    assert callers.find((folder / "token").read_text())
    assert len(read_callers(folder / "callers.json")) == 1


def test_a_caller_added_later_is_known_without_a_restart(folder: Path) -> None:
    make_caller("connector", KUCOIN, folder / "a", folder / "callers.json")
    callers = Callers(folder / "callers.json")
    make_caller("connector", ExchangeId("kucoin"), folder / "b", folder / "callers.json")

    found = callers.find((folder / "b").read_text())
    assert found is not None
    assert found.exchange == "kucoin"


def test_callers_made_at_once_are_all_kept(folder: Path) -> None:
    exchanges = [ExchangeId(f"paper-{number}") for number in range(8)]
    commands = [
        subprocess.Popen(
            [
                sys.executable, "-m", "backfuture_key_vault", "make-caller", "--role", "connector",
                "--exchange", exchange, "--token-file", folder / exchange, "--callers-file", folder / "callers.json",
            ]
        )
        for exchange in exchanges
    ]  # fmt: skip
    assert [command.wait(60) for command in commands] == [0] * len(exchanges)
    assert {caller.exchange for caller in read_callers(folder / "callers.json")} == set(exchanges)


@pytest.mark.parametrize(("role", "exchange"), [("connector", None), ("gateway", KUCOIN), ("intake", KUCOIN)])
def test_only_connectors_have_an_exchange(folder: Path, role: str, exchange: ExchangeId | None) -> None:
    with pytest.raises(Fatal, match=r"callers\.exchange"):
        make_caller(role, exchange, folder / "token", folder / "callers.json")  # type: ignore[arg-type]  # on purpose
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", '{"callers": [{}]}', '{"callers": [{"name": "x", "role": "root", "sha256": "y"}]}',
        '{"callers": [{"name": "x", "role": "connector", "sha256": "y"}]}',
        '{"callers": [{"name": "x", "role": "gateway", "sha256": "y", "exchange": "kucoin"}]}',
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_refused(folder: Path, content: str) -> None:
    path = folder / "callers.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Fatal, match=r"callers\.unreadable"):
        Callers(path)


def test_a_callers_file_that_is_missing_or_open_is_refused(folder: Path) -> None:
    with pytest.raises(Fatal, match=r"callers\.missing"):
        Callers(folder / "callers.json")
    make_caller("gateway", None, folder / "token", folder / "callers.json")
    (folder / "callers.json").chmod(0o644)
    with pytest.raises(Fatal, match=r"file\.open"):
        Callers(folder / "callers.json")
