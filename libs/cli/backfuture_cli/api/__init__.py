"""The gateway's API as the commands use it."""
