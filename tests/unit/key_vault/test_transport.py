"""One exchange with the vault: an answer, certainly not sent, or lost. Never followed, never left in memory."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_key_vault import buffers
from backfuture_key_vault.vault import transport
from backfuture_key_vault.vault.transport import Address, Reply, exchange

from tests.support.openbao import free_port, short_folder

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@contextmanager
def server(path: Path, behave: Callable[[socket.socket], None]) -> Iterator[list[bytes]]:
    """Accept one connection after the other, read the request, let ``behave`` answer. Gives the requests."""
    requests: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                requests.append(connection.recv(65536))
                with suppress(OSError):
                    behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answering(*parts: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)

    return behave


def ask(path: Path, body: bytes = b"", timeout_s: float = 2.0) -> Reply | str:
    return exchange(
        Address(path, "localhost", 0, None), "GET", "exch/x", token="s.t0ken", body=body, timeout_s=timeout_s
    )


def test_an_answer_with_a_length_is_read(folder: Path) -> None:
    with server(folder / "s", answering(OK + b"Content-Length: 4\r\n\r\nbodyrest")) as requests:
        reply = ask(folder / "s", b"{}")

    assert isinstance(reply, Reply)
    assert (reply.status, bytes(reply.body)) == (200, b"body")
    (request,) = requests
    assert request == (
        b"GET /v1/exch/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Vault-Request: true\r\n"
        b"Authorization: Bearer s.t0ken\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("size", [1, 100, 4096, 100_000])
def test_a_chunked_answer_of_any_size_is_joined(folder: Path, size: int) -> None:
    content = bytes(65 + number % 26 for number in range(size))
    chunks = b"".join(
        b"%x;ext=1\r\n%s\r\n" % (len(content[i : i + 999]), content[i : i + 999]) for i in range(0, size, 999)
    )
    with server(folder / "s", answering(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n")):
        reply = ask(folder / "s")

    assert isinstance(reply, Reply)
    assert bytes(reply.body) == content


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"HTTP/1.1 200", b"garbage\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n",
        OK + b"Content-Length: 10\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffff\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        OK + b"\r\n" + b"x" * (1 << 21),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_whole_is_lost(folder: Path, answer: bytes) -> None:
    with server(folder / "s", answering(answer)):
        assert ask(folder / "s") == "lost"


def test_a_silent_server_is_lost_within_the_deadline_even_when_it_drips(folder: Path) -> None:
    def drip(connection: socket.socket) -> None:
        for _ in range(100):
            connection.sendall(b"H")
            time.sleep(0.05)

    with server(folder / "s", drip):
        started_s = time.monotonic()
        assert ask(folder / "s", timeout_s=0.4) == "lost"
        assert time.monotonic() - started_s < 1


def test_nobody_there_is_not_sent(folder: Path) -> None:
    assert ask(folder / "nobody") == "not_sent"
    tls = Address(None, "127.0.0.1", free_port(), ssl.create_default_context())
    assert exchange(tls, "GET", "x", token="t", timeout_s=1) == "not_sent"


def test_a_redirect_is_an_answer_and_followed_nowhere(folder: Path) -> None:
    elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/v1/x\r\nContent-Length: 0\r\n\r\n"
    with server(folder / "s", answering(elsewhere)) as requests:
        reply = ask(folder / "s")

    assert isinstance(reply, Reply)
    assert reply.status == 307
    assert len(requests) == 1


def test_proxies_and_tokens_of_the_environment_are_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("VAULT_TOKEN", "s.environment")
    with server(folder / "s", answering(OK + b"Content-Length: 0\r\n\r\n")) as requests:
        reply = exchange(Address(folder / "s", "localhost", 0, None), "GET", "x", token="", timeout_s=2)

    assert isinstance(reply, Reply)
    assert b"s.environment" not in requests[0]
    assert b"Authorization" not in requests[0]


def watch_wiping(monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """Return a list that fills with the buffers that are wiped."""
    wiped: list[bytearray] = []

    def wipe_and_note(data: bytearray) -> None:
        buffers.wipe(data)
        wiped.append(data)

    monkeypatch.setattr(transport, "wipe", wipe_and_note)
    return wiped


def test_every_buffer_the_answer_passed_through_is_wiped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wiped = watch_wiping(monkeypatch)
    secret = b"canary" * 2000
    with server(
        folder / "s", answering(OK + b"Content-Length: %d\r\n\r\n" % len(secret), secret[:7000], secret[7000:])
    ):
        reply = ask(folder / "s")
    assert isinstance(reply, Reply)
    with reply:
        assert bytes(reply.body) == secret

    assert bytes(reply.body) == bytes(len(secret))
    assert sum(len(data) for data in wiped) > 2 * len(secret)
    assert not any(b"canary" in data for data in wiped)
    assert "canary" not in repr(reply)


def test_a_partly_received_answer_is_wiped_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wiped = watch_wiping(monkeypatch)

    def half(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 100\r\n\r\ncanary")
        time.sleep(1)

    with server(folder / "s", half):
        assert ask(folder / "s", timeout_s=0.3) == "lost"
    assert len(wiped) == 1
    assert not any(wiped[0])


@pytest.mark.parametrize(
    "wrong",
    ["", "bao.sock", "http://127.0.0.1:8200", "https://", "https://host/v1", "unix://host/sock", "unix:", "ftp://h"],
)
def test_other_addresses_are_refused(wrong: str) -> None:
    with pytest.raises(Fatal, match=r"vault\.address"):
        Address.parse(wrong)


def test_a_socket_path_longer_than_the_kernel_takes_is_refused_in_words() -> None:
    assert Address.parse("unix:///" + "a" * 106).path
    with pytest.raises(Fatal, match=r"socket.path_too_long.*108 bytes.*at most 107"):
        Address.parse("unix:///" + "a" * 107)


def test_a_ca_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca_file in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(Fatal, match=r"vault\.ca_file"):
            Address.parse("https://localhost:8200", ca_file)
