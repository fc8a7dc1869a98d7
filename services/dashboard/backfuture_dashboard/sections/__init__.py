"""The sections of the first page; each draws what the session's view holds now."""
