"""What every handler of requests works with."""

from dataclasses import dataclass

from backfuture_broker.broker import Broker

NODE_ID = 1
THROTTLE_MS = 0  # nobody is slowed down


@dataclass(frozen=True, slots=True)
class Serving:
    """The broker, and the address at which clients find it."""

    broker: Broker
    host: str
    port: int
