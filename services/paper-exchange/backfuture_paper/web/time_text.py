"""Times as venues write them."""

from datetime import UTC, datetime


def iso_utc(at_ms: int) -> str:
    """Return such as ``2026-09-14T18:53:36.000+00:00``."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}+00:00"
