"""Who is calling: passwords, access tokens, rotating refresh tokens, login throttle."""
