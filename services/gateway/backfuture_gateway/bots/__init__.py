"""Bots: what users configure, preview, start and stop."""
