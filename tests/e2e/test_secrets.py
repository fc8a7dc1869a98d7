"""A secret given to intake appears nowhere else: files, topics, database, logs, answers, arguments, environments."""

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.newcomer import connect, paper_key
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(240)

CANARY = "canary7f3e9d1b5a2c48608f7e6d5c4b3a2910"
PASSPHRASE = "canary-pass-55d1c0ffee"
SHORTEST_TRACE = 16


def test_a_canary_secret_is_found_nowhere(platform: Platform) -> None:
    with platform.api() as api:
        key = {**paper_key(platform, "kucoin"), "secret": CANARY, "passphrase": PASSPHRASE}
        connection = connect(api, "paper-kucoin", key, "with a canary")
        assert connection["status"] == "attention", "the exchange refuses it, so the secret was really used"
        answers = "".join(
            api.http.get(path).text
            for path in ("/connections", f"/connections/{connection['id']}", "/events-none", "/health", "/exchanges")
        )
        wrong_field = {"name": CANARY * 9, "exchange": CANARY, "api_key": "k", "secret": CANARY, "extra": CANARY}
        answers += api.http.post("/connections", json=wrong_field).text
        answers += api.http.post("/connections", content=f'{{"secret": "{CANARY}", ').text

    found = [where for where, text in _places(platform, answers) if _carries(text)]
    assert not found, found


def test_the_search_would_find_it(platform: Platform) -> None:
    """The control: what is looked for is recognised in each form in which it could lie around."""
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY[:20], CANARY.encode().hex(), PASSPHRASE):
        assert _carries(f"… {form} …".encode())
    assert len(list(_places(platform, ""))) > 30


def _carries(text: bytes) -> bool:
    return any(trace in text for trace in _traces())


def _traces() -> list[bytes]:
    """Return the ends and codings of the secrets that would give them away."""
    traces = []
    for secret in (CANARY, PASSPHRASE):
        raw = secret.encode()
        for shift in range(3):  # base64 looks different at each of three alignments
            coded = base64.b64encode(b"x" * shift + raw)[shift + 1 : -3]
            traces += [coded, coded.replace(b"+", b"-").replace(b"/", b"_")]
        traces += [raw, raw[:SHORTEST_TRACE], raw[-SHORTEST_TRACE:], raw.hex().encode()]
    return traces


def _places(platform: Platform, answers: str) -> Iterator[tuple[str, bytes]]:
    yield "the gateway's answers", answers.encode()
    yield "what the launcher printed", platform.output.read_bytes()
    for path in sorted(platform.home.rglob("*")):
        # the paper exchange knows the keys it made, as a real exchange does
        if path.is_file() and not path.is_relative_to(platform.home / "paper"):
            yield f"file {path.relative_to(platform.home)}", path.read_bytes()
    for part in platform.status()["parts"]:
        for name in ("cmdline", "environ"):
            with contextlib.suppress(PermissionError, FileNotFoundError):
                yield f"{name} of {part['name']}", Path(f"/proc/{part['pid']}/{name}").read_bytes()
