"""Checks towards the exchanges: is each reachable, how old are its prices."""

import re
import time

import httpx

from backfuture_cli.checks.finding import Finding
from backfuture_cli.launcher.settings import LauncherSettings

_TIMEOUT_S = 5.0
_OLD_S = 10.0
_SLOW_S = 2.0
_LIVE = {"kucoin": "https://api.kucoin.com", "mexc": "https://api.mexc.com"}
_TIME = {"kucoin": "/api/v1/timestamp", "mexc": "/api/v3/time"}
_FEED_AGE = re.compile(r'^backfuture_feed_age_seconds\{exchange="([^"]+)"\} (\S+)$', re.MULTILINE)


def reachable(exchange: str, settings: LauncherSettings) -> Finding:
    """Ask the exchange for its time, and compare it with ours."""
    venue = exchange.removeprefix("paper-")
    base = _LIVE[venue] if venue == exchange else f"http://127.0.0.1:{settings.ports.paper}/{venue}"
    about = f"{exchange} reachable"
    begun = time.time()
    try:
        answer = httpx.get(base + _TIME[venue], timeout=_TIMEOUT_S, trust_env=venue == exchange)
    except httpx.HTTPError as error:
        return Finding(about, "fail", f"does not answer ({type(error).__name__})", f"can this machine reach {base}?")
    took_s = time.time() - begun
    theirs_ms = _time_ms(answer)
    if theirs_ms is None:
        return Finding(about, "fail", f"answers HTTP {answer.status_code} instead of its time", "try again later")
    skew_ms = theirs_ms - (begun + took_s / 2) * 1000
    words = f"{took_s * 1000:.0f} ms, clocks differ by {abs(skew_ms):.0f} ms"
    if abs(skew_ms) > 1_000 + took_s * 1000:
        return Finding(about, "warn", words, "set this machine's clock: signed requests will be refused")
    return Finding(about, "warn" if took_s > _SLOW_S else "ok", words, "the way to the exchange is slow")


def feed(exchange: str, settings: LauncherSettings) -> Finding:
    """Ask the connector how old its oldest price is."""
    about = f"{exchange} prices"
    url = f"http://127.0.0.1:{settings.ports.connector(exchange)}/metrics"
    try:
        text = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False).text
    except httpx.HTTPError as error:
        return Finding(
            about, "fail", f"the connector does not answer ({type(error).__name__})",
            f"look at: backfuture logs connector-{exchange}",
        )  # fmt: skip
    ages = {name: float(age) for name, age in _FEED_AGE.findall(text)}
    age_s = ages.get(exchange)
    if age_s is None:
        return Finding(about, "ok", "nobody watches a market there")
    if age_s > _OLD_S:
        return Finding(
            about, "fail", f"the oldest price is {age_s:.0f} s old", f"look at: backfuture logs connector-{exchange}"
        )
    return Finding(about, "ok", f"at most {age_s:.1f} s old")


def _time_ms(answer: httpx.Response) -> float | None:
    """Read the time in KuCoin's or MEXC's answer."""
    try:
        body = answer.json()
        return float(body.get("data") or body["serverTime"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
