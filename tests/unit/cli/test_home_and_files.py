"""The state folder, log files and the session file."""

import json
import stat
from pathlib import Path

import pytest
from backfuture_cli.api.session import Session, SessionFile
from backfuture_cli.exits import CliError
from backfuture_cli.launcher import logfile
from backfuture_cli.launcher.home import MAX_SOCKET_PATH, Home, write_atomically

SESSION = Session("http://127.0.0.1:1", "ana", "access-token", "refresh-token")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_state_folder_is_closed_to_others_even_when_it_was_open(tmp_path: Path) -> None:
    home = Home(tmp_path / "state")
    home.root.mkdir(mode=0o755)
    home.create()
    assert {mode(folder) for folder in (home.root, home.secrets, home.logs, home.run, home.pids)} == {0o700}


def test_sockets_stand_in_the_state_folder_while_their_paths_are_short(tmp_path: Path) -> None:
    home = Home(Path("/tmp/s"))
    assert home.sockets == home.run


def test_sockets_of_a_deep_state_folder_stand_in_a_short_private_one_that_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 25))
    home.create()
    short = home.sockets
    try:
        assert len(str(short / "dispense.sock")) <= MAX_SOCKET_PATH
        assert mode(short) == 0o700
        home.create()
        assert home.sockets == short
    finally:
        short.rmdir()


def test_a_short_socket_folder_that_others_could_enter_is_not_used_again(tmp_path: Path) -> None:
    home = Home(tmp_path / ("deep" * 25))
    home.create()
    first = home.sockets
    first.chmod(0o755)
    home.create()
    try:
        assert home.sockets != first
        assert mode(home.sockets) == 0o700
    finally:
        first.rmdir()
        home.sockets.rmdir()


def test_a_file_is_replaced_whole_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text("old")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_log_is_put_aside_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MAX_BYTES", 10)
    for number in range(logfile.KEPT + 3):
        with logfile.open_log(tmp_path, "engine") as log:
            log.write(f"run {number} {'x' * 20}\n".encode())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["engine.log", "engine.log.1", "engine.log.2", "engine.log.3"]
    assert "run 5" in (tmp_path / "engine.log").read_text()
    assert "run 2" in (tmp_path / "engine.log.3").read_text()


def test_the_last_words_are_the_causes_of_the_crash_and_not_what_came_after(tmp_path: Path) -> None:
    events = [
        {"event": "service.starting", "level": "info"},
        {"event": "service.crashed", "level": "critical", "causes": ["Fatal: fenced", "KafkaError: epoch"]},
        {"event": "socket.closed", "level": "info"},
    ]
    (tmp_path / "engine.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert logfile.last_words(tmp_path, "engine") == "Fatal: fenced; KafkaError: epoch"


def test_the_last_words_of_a_program_without_structured_logs_are_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "openbao.log").write_text("starting\nError: address in use\n\n")
    assert logfile.last_words(tmp_path, "openbao") == "Error: address in use"
    assert logfile.last_words(tmp_path, "nothing") == ""


def test_a_log_line_reads_as_time_level_event_and_fields() -> None:
    line = json.dumps(
        {"timestamp": "2026-01-02T03:04:05.678901Z", "level": "warning", "event": "feed.stale", "age_s": 4}
    )
    assert logfile.plain_line(line) == "03:04:05.678 WARNING  feed.stale age_s=4"
    assert logfile.plain_line("not json {") == "not json {"


def test_a_session_is_kept_closed_and_comes_back(tmp_path: Path) -> None:
    file = SessionFile(tmp_path / "deep" / "session.json")
    assert file.load() is None
    file.save(SESSION)
    assert mode(tmp_path / "deep" / "session.json") == 0o600
    assert file.load() == SESSION
    file.forget()
    assert file.load() is None


def test_a_session_that_others_could_read_is_refused(tmp_path: Path) -> None:
    file = SessionFile(tmp_path / "session.json")
    file.save(SESSION)
    (tmp_path / "session.json").chmod(0o644)
    with pytest.raises(CliError, match="can be read by others"):
        file.load()


def test_a_session_shows_no_token() -> None:
    assert "token" not in repr(SESSION)
