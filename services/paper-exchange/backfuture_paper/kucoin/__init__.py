"""KuCoin spot (high-frequency account) as its API shows it."""
