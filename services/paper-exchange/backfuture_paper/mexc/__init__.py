"""MEXC spot as its API shows it."""
