"""A real process for the launcher's tests: answers ``/readyz``, notes when it starts and stops, does as it is told.

Usage: ``part_stand_in.py NAME PORT JOURNAL [stubborn|dies|slow]``
"""

import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def main() -> None:
    name, port, journal, manner = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), (*sys.argv[4:], "")[0]

    def note(what: str) -> None:
        with journal.open("a") as file:
            file.write(f"{what} {name}\n")

    if manner == "dies":
        note("start")
        sys.stdout.write(
            json.dumps({"event": "service.crashed", "level": "critical", "causes": ["ValueError: no such thing"]})
            + "\n"
        )
        sys.exit(1)
    born = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ready = manner != "slow" or time.monotonic() - born > 1
            body = json.dumps(
                {"ready": ready, "parts": [{"name": "bus", "ok": ready, "detail": "warming up"}]}
            ).encode()
            self.send_response(200 if ready else 503)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", port), Handler)

    def stop(_number: int, _frame: object) -> None:
        if manner == "stubborn":
            note("ignore")
            return
        note("stop")
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    note("start")  # from here on it can be stopped
    server.serve_forever()


if __name__ == "__main__":
    main()
