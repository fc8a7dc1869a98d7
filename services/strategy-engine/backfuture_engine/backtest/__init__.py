"""Bots on recorded prices: the live core, a simulated exchange, a clock that jumps to the next price of interest."""
