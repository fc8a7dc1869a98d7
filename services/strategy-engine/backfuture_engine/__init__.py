"""Runs bots as pure deciders over Kafka."""
