"""What the services share: domain values, messages, topics, the bus and the runtime. Nothing of any one service."""
