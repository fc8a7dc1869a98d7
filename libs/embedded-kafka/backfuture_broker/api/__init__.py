"""The requests that are served: one handler for each, and the versions it knows."""
