"""``python -m backfuture_engine``"""

from backfuture_common.runtime.service import run

from backfuture_engine.bootstrap import main as work
from backfuture_engine.settings import EngineSettings


def main() -> None:
    """Run the engine until it is told to stop."""
    run("strategy-engine", EngineSettings.load(), work)


if __name__ == "__main__":
    main()
