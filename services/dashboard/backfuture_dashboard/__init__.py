"""Web pages over the gateway's API."""
