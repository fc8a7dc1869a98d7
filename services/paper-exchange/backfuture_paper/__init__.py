"""A local exchange that unmodified ccxt takes for KuCoin and MEXC."""
