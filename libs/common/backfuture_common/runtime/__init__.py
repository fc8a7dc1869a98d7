"""What every process needs to live: settings, clock, logs, health, metrics, an HTTP server, a main loop."""
