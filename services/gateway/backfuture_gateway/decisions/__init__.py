"""Verdicts of bots with all their reasons."""
