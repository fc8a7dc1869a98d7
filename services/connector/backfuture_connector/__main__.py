"""Runs the connector of one exchange."""

from typing import NoReturn

from backfuture_common.runtime.service import run

from backfuture_connector.bootstrap import serve
from backfuture_connector.settings import ConnectorSettings


def main() -> NoReturn:
    """Read the settings and live until told to stop."""
    run("connector", ConnectorSettings.load(), serve)


if __name__ == "__main__":
    main()
