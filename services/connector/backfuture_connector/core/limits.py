"""What each venue allows, as data. Never more than its published limit in any window.

A bucket of ``capacity`` refilled at ``per_s`` lets through at most ``capacity + window * per_s``.
"""

from backfuture_connector.core.budget import Limit
from backfuture_connector.core.facts import Venue

ADDRESS: dict[Venue, Limit] = {
    "kucoin": Limit(capacity=500, per_s=50),  # public pool: 2000 in 30 s
    "mexc": Limit(capacity=60, per_s=24),  # 300 in 10 s for one address
}
ACCOUNT: dict[Venue, Limit] = {
    "kucoin": Limit(capacity=1_000, per_s=100),  # spot pool: 4000 in 30 s
    "mexc": Limit(capacity=100, per_s=40),  # 500 in 10 s for one user
}
PRIVATE_COUNTS_FOR_ADDRESS: dict[Venue, bool] = {"kucoin": False, "mexc": True}

PAUSE_MS: dict[Venue, int] = {"kucoin": 30_000, "mexc": 10_000}
"""How long to be silent after "too many requests" when the venue does not say."""
