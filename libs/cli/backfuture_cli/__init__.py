"""The backfuture command: starts the platform on one machine and speaks to its gateway."""
