"""One platform for the end-to-end tests of a module, with the paper exchange's controls open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.support.platform import Platform

RECORDINGS = ROOT.parent / "shared" / "data"
"""Recorded trades of a real exchange may lie beside the repository; they are never part of it."""
MARKET_SOURCE = "recorded" if any(RECORDINGS.glob("*_trades.parquet")) else "generated"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the market that the end-to-end test ran on."""
    terminalreporter.write_line(f"market of tests/e2e/test_real_market.py: {MARKET_SOURCE} trades")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("platform")
    platform = Platform(folder)
    platform.environment["BACKFUTURE_PAPER_CONTROL_PORT"] = str(platform.base_port + 6)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
