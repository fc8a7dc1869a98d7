"""HTTP API, users, read model, event stream."""
