"""A running paper exchange for tests, and ccxt classes that are pointed at it by nothing but their URLs."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, cast

import httpx

_READY_S = 60.0
_STOP_S = 20.0


class Credentials(TypedDict, total=False):
    account: str
    api_key: str
    secret: str
    passphrase: str


@dataclass
class Paper:
    """A paper exchange as a process: its addresses, its management and its fault controls."""

    url: str
    control_url: str
    process: "subprocess.Popen[bytes]"
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10, trust_env=False))

    def key(
        self,
        venue: str,
        rights: Sequence[str] = ("read", "trade"),
        *,
        ip_list: Sequence[str] = (),
        expires_days: int | None = None,
        balances: dict[str, str] | None = None,
        account: str | None = None,
    ) -> Credentials:
        """Make an API key, by default on a new account with 10,000 USDT."""
        body: dict[str, object] = {"venue": venue, "rights": list(rights), "ip_list": list(ip_list)}
        given = {"expires_days": expires_days, "balances": balances, "account": account}
        body |= {name: value for name, value in given.items() if value is not None}
        return cast("Credentials", self.post("/paper/keys", body))

    def account(self, credentials: Credentials) -> dict[str, Any]:
        """Return the exchange's own books about the account behind a key."""
        response = self._http.get(f"{self.url}/paper/accounts/{credentials['api_key']}")
        response.raise_for_status()
        return cast("dict[str, Any]", response.json())

    def totals(self, credentials: Credentials) -> dict[str, Decimal]:
        balances = self.account(credentials)["balances"]
        return {coin: Decimal(parts["free"]) + Decimal(parts["held"]) for coin, parts in balances.items()}

    def post(self, path: str, body: object) -> Any:
        response = self._http.post(self.url + path, json=body)
        response.raise_for_status()
        return response.json()

    def control(self, order: str, **body: object) -> Any:
        """Order a fault or another change: ``control("price", symbol=…, bid=…, ask=…)``."""
        response = self._http.post(f"{self.control_url}/control/{order}", json=body)
        response.raise_for_status()
        return response.json()

    def requests(self, **chosen: str) -> list[dict[str, Any]]:
        response = self._http.get(f"{self.control_url}/control/requests", params=chosen)
        response.raise_for_status()
        return cast("list[dict[str, Any]]", response.json())

    def topics(self, account: str | None) -> set[str]:
        """Return what an account's open streams (None: the public ones) are subscribed to."""
        response = self._http.get(f"{self.control_url}/control/streams")
        response.raise_for_status()
        return {topic for stream in response.json() if stream["account"] == account for topic in stream["topics"]}

    def clear_faults(self) -> None:
        self._http.delete(f"{self.control_url}/control/faults").raise_for_status()

    def ready(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End the process without a chance to tidy up."""
        self.process.kill()
        self.process.wait(_STOP_S)


@contextlib.contextmanager
def running_paper(folder: Path, *, port: int = 0, **settings: object) -> Iterator[Paper]:
    """Run a paper exchange with its state in ``folder`` and stop it at the end; fast ticks, no rate limits."""
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[str, object] = {"paper_tick_ms": 50, "paper_rate_limit_percent": 0, "paper_control_port": 0, **settings}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKFUTURE_")}
    environment = kept | {f"BACKFUTURE_{name.upper()}": str(value) for name, value in own.items()}
    environment |= {"BACKFUTURE_HTTP_PORT": str(port), "BACKFUTURE_PAPER_DIR": str(folder)}
    log = folder / f"paper-{time.time_ns()}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-m", "backfuture_paper"], env=environment, stderr=errors)
    try:
        url, control_url = _addresses(process, log)
        paper = Paper(url, control_url, process)
        _wait_until(paper.ready, "did not get ready", log)
        yield paper
    finally:
        _stop(process)


def kucoin_urls(base: str) -> dict[str, object]:
    """Return ccxt's ``urls['api']`` of KuCoin for a paper exchange. The stream's address comes with its token."""
    names = ("public", "private", "uta", "utaV2", "utaPrivate", "earn", "broker", "webExchange")
    spot: dict[str, object] = dict.fromkeys(names, f"{base}/kucoin")
    return spot | dict.fromkeys(("futuresPublic", "futuresPrivate"), f"{base}/kucoinf")


def mexc_urls(base: str) -> dict[str, object]:
    """Return ccxt's ``urls['api']`` of MEXC for a paper exchange."""
    return {
        "spot": {"public": f"{base}/mexc", "private": f"{base}/mexc"},
        "contract": {"public": f"{base}/mexc/api/v1/contract", "private": f"{base}/mexc/api/v1/private"},
        "ws": {"spot": base.replace("http", "ws", 1) + "/mexc/ws"},
    }


def _addresses(process: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str]:
    """Read the two addresses from the log."""
    found: dict[str, str] = {}

    def both_are_told() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the paper exchange did not start: {log.read_text()[-2_000:]}")
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and "listening" in line:
                entry = json.loads(line)
                found[entry["event"]] = f"http://{entry['address']}"
        return {"paper.listening", "paper.control_listening"} <= found.keys()

    _wait_until(both_are_told, "did not say where it listens", log)
    return found["paper.listening"], found["paper.control_listening"]


def _wait_until(condition: Callable[[], bool], failure: str, log: Path) -> None:
    until_s = time.monotonic() + _READY_S
    while not condition():
        if time.monotonic() > until_s:
            raise RuntimeError(f"the paper exchange {failure}: {log.read_text()[-2_000:]}")
        time.sleep(0.02)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_S)
