"""How all parts of the platform are."""
