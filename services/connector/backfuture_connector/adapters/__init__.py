"""The two outsides: the exchange (through ccxt) and the signer."""
