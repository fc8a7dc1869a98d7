"""The log: segments of record batches, what is known of their producers, and how old records leave."""
