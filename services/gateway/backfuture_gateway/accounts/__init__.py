"""Balances behind the connections."""
