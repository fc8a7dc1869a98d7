"""``python -m backfuture_broker``: prints ``ready HOST:PORT`` and serves until SIGTERM or SIGINT.

Exit codes: 0 stopped as asked, 1 ended by a failure, 2 refused to start; for 1 and 2 there is one line on stderr.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from backfuture_broker.broker import Options
from backfuture_broker.errors import CannotStartError
from backfuture_broker.report import warn
from backfuture_broker.server import serve

EXIT_FAILED, EXIT_REFUSED = 1, 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("backfuture_broker", description="A Kafka broker for one machine.")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine alone (default %(default)s)")
    parser.add_argument("--port", type=int, default=9092, help="0 for a free one (default %(default)s)")
    parser.add_argument("--data-dir", type=Path, required=True, help="where everything is kept; created if need be")
    parser.add_argument(
        "--auto-partitions", type=int, default=0, help="create topics that clients ask for, with so many partitions"
    )
    parser.add_argument(
        "--fsync-ms", type=int, default=-1, help="force to disk: -1 never, 0 before every answer, N every N ms"
    )
    parser.add_argument("--join-delay", type=float, default=0.0, help="seconds the first rebalance waits (Kafka: 3)")
    parser.add_argument("--min-session-ms", type=int, default=6000, help="shortest session of a group's member")
    parser.add_argument("--uvloop", action="store_true", help="use uvloop's event loop")
    return parser.parse_args()


def _ready(host: str, port: int) -> None:
    sys.stdout.write(f"ready {host}:{port}\n")
    sys.stdout.flush()


def _run() -> None:
    arguments = _arguments()
    options = Options(
        auto_partitions=arguments.auto_partitions,
        fsync_ms=arguments.fsync_ms,
        join_delay_s=arguments.join_delay,
        min_session_ms=arguments.min_session_ms,
    )
    serving = serve(arguments.host, arguments.port, arguments.data_dir, options, _ready)
    if arguments.uvloop:
        import uvloop  # noqa: PLC0415 - optional

        uvloop.run(serving)
    else:
        asyncio.run(serving)


def main() -> None:
    """Run the command."""
    try:
        _run()
    except CannotStartError as refusal:
        warn(str(refusal))
        sys.exit(EXIT_REFUSED)
    except BaseExceptionGroup as failures:
        warn(f"failed: {failures.exceptions[0]!r}")
        sys.exit(EXIT_FAILED)
    except Exception as failure:  # noqa: BLE001  # arch: catch-all - the end of the process; start-up is the recovery
        warn(f"failed: {failure!r}")
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
