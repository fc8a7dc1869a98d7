"""A launcher with one part, to be killed. Usage: ``launcher_stand_in.py HOME STAND_IN JOURNAL``"""

import asyncio
import os
import socket
import sys
from pathlib import Path

from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import Part
from backfuture_cli.launcher.readiness import http_ready
from backfuture_cli.launcher.supervisor import Supervisor


def main() -> None:
    home, stand_in, journal = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    part = Part(
        name="engine",
        title="the engine",
        command=(sys.executable, stand_in, "engine", str(port), journal),
        environment={"PATH": os.environ["PATH"]},
        probe=http_ready(f"http://127.0.0.1:{port}"),
    )
    asyncio.run(Supervisor(home, [part], {}, lambda _: None).keep())


if __name__ == "__main__":
    main()
