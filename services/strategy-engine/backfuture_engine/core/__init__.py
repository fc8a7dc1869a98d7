"""Bots as pure deciders: facts from events, states from facts, orders from facts. No I/O, no clock, no chance."""
