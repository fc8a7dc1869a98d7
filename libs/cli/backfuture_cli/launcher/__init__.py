"""Starts the platform on one machine: real processes, watched, restarted, stopped in order."""
