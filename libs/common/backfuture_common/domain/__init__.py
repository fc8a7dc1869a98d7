"""Values of the trading domain: pure, frozen, no I/O."""
