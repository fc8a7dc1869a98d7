"""Speaks to one exchange."""
