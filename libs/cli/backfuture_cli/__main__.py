"""``python -m backfuture_cli`` is ``backfuture``."""

from backfuture_cli.main import main

if __name__ == "__main__":
    main()
