"""What ``backfuture doctor`` looks at."""
