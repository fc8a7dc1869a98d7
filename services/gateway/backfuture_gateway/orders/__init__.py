"""Orders and what was filled."""
