"""What the broker tells its operator: single lines on stderr."""

import sys


def warn(message: str) -> None:
    sys.stderr.write(f"backfuture-broker: {message}\n")
    sys.stderr.flush()
