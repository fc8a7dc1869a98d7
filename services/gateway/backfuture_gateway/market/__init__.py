"""Exchanges, what they list, and newest prices."""
