"""What services say to each other over HTTP, where both sides are ours."""
