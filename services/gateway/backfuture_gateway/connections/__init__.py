"""Exchange connections: the way of a key into the vault, its test, its end."""
