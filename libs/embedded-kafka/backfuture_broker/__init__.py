"""A durable single-node broker that speaks Kafka's protocol, for one machine."""
