"""What most commands need: the gateway, as the logged-in user."""

import os
from pathlib import Path

from backfuture_cli.api.client import Gateway
from backfuture_cli.api.session import SessionFile, own_session_file
from backfuture_cli.launcher import lock, settings
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.statusfile import read_status


def gateway_url() -> str:
    """Return BACKFUTURE_GATEWAY_URL, else where the platform of this state folder runs, else the default."""
    given = os.environ.get("BACKFUTURE_GATEWAY_URL")
    if given:
        return given.rstrip("/")
    chosen = settings.load()
    home = Home(chosen.home)
    if lock.holder(home) is not None and home.status_file.exists():
        address = read_status(home).addresses.get("API", "")
        if address:
            return address.removesuffix("/api/v1")
    return f"http://127.0.0.1:{chosen.ports.gateway}"


def gateway(sessions: SessionFile | None = None) -> Gateway:
    """Return the gateway as the commands use it."""
    return Gateway(gateway_url(), sessions or own_session_file())


def paper_url() -> str:
    """Return where the paper exchange is."""
    return os.environ.get("BACKFUTURE_PAPER_URL") or f"http://127.0.0.1:{settings.load().ports.paper}"


def state_home() -> Path:
    """Return the state folder."""
    return settings.load().home
