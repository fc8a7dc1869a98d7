"""``python -m backfuture_dashboard``"""

from backfuture_common.runtime.service import run

from backfuture_dashboard.bootstrap import main as serve
from backfuture_dashboard.settings import DashboardSettings


def main() -> None:
    """Run the dashboard until it is told to stop."""
    run("dashboard", DashboardSettings.load(), serve, http=False)


if __name__ == "__main__":
    main()
