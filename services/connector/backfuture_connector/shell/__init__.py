"""Tasks that move data between topics, exchange and signer; the rules are in ``core``."""
