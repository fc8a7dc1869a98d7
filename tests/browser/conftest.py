"""A real browser on a real platform: one platform per module, one clean browser context per test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import Watcher
from tests.support.platform import Platform

_NO_BROWSER = (
    "These tests drive a real browser and found none. `make browser` installs Debian's chromium (as root, or with "
    "sudo); or name the one you have: BACKFUTURE_TEST_CHROMIUM=/path/to/chromium."
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield Debian's Chromium. Without it the tests fail and say how to get it: a skip would look like a pass."""
    path = os.environ.get("BACKFUTURE_TEST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail(_NO_BROWSER, pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


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


@pytest.fixture
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    """Yield a page of a fresh browser that, at the end, must have asked nobody else and met no script error."""
    context = browser.new_context(
        base_url=platform.dashboard_url,
        viewport={"width": 1360, "height": 900},
        locale="en-GB",
        timezone_id="Europe/Bucharest",
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    watcher = Watcher(page, platform.dashboard_url)
    yield page
    context.close()
    watcher.judge()
