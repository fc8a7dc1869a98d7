"""``python -m backfuture_paper``: run the paper exchange until it is told to stop."""

from typing import NoReturn

from backfuture_common.runtime.service import run

from backfuture_paper.bootstrap import SERVICE, run_exchange
from backfuture_paper.settings import PaperSettings


def main() -> NoReturn:
    run(SERVICE, PaperSettings.load(), run_exchange, http=False)


if __name__ == "__main__":
    main()
