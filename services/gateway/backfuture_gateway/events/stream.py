"""Sends changes to clients that listen: each its owner's, in order, resumable, never waiting for a slow one."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock

from backfuture_gateway.http.errors import TooMany

REMEMBERED = 2_000
MOST_WAITING = 1_000
MOST_STREAMS_PER_USER = 20


@dataclass(frozen=True, slots=True)
class Event:
    """One message of the stream. ``owner`` None: for everybody. ``id`` None: not resumable (prices)."""

    id: int | None
    owner: str | None
    kind: str
    data: str


class Listener:
    """One client's queue. ``ended`` says why nothing more will come."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.ended: str | None = None
        self._waiting: deque[Event] = deque()
        self._prices: dict[str, Event] = {}
        self._any = asyncio.Event()

    def put(self, event: Event) -> None:
        """Queue an event; a client that lets too many wait is dropped and may resume."""
        if self.ended:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.end("too slow")
            return
        self._waiting.append(event)
        self._any.set()

    def put_price(self, market: str, event: Event) -> None:
        """Queue a price in the place of an older one of the same market."""
        self._prices[market] = event
        self._any.set()

    def end(self, why: str) -> None:
        self.ended = why
        self._waiting.clear()
        self._prices.clear()
        self._any.set()

    async def next(self, timeout_s: float) -> list[Event]:
        """Return what waits, after waiting for it for at most ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._any.wait()
        except TimeoutError:
            return []
        self._any.clear()
        events = [*self._waiting, *self._prices.values()]
        self._waiting.clear()
        self._prices.clear()
        return events


class Broadcaster:
    """Numbers events and hands them to listeners. Ids grow, over restarts too, and are never used twice."""

    def __init__(self, clock: Clock) -> None:
        self._first_id = self._last_id = clock.now_ms() * 1_000
        self._recent: deque[Event] = deque(maxlen=REMEMBERED)
        self._listeners: set[Listener] = set()
        self._closed = False

    def publish(self, owner: str | None, kind: str, data: str) -> None:
        self._last_id += 1
        event = Event(self._last_id, owner, kind, data)
        self._recent.append(event)
        for listener in self._listeners:
            if owner in {None, listener.owner}:
                listener.put(event)

    def publish_price(self, market: str, data: str) -> None:
        event = Event(None, None, "price", data)
        for listener in self._listeners:
            listener.put_price(market, event)

    def listen(self, owner: str, last_id: int | None) -> Listener:
        """Return a new listener that first gets what came after ``last_id``, or ``reset`` when that is not known."""
        if sum(1 for listener in self._listeners if listener.owner == owner) >= MOST_STREAMS_PER_USER:
            raise TooMany("events.too_many", "Too many event streams are open.", "Close some.", retryable=True)
        listener = Listener(owner)
        if self._closed:
            listener.end("the gateway stops")
            return listener
        for event in self._since(last_id, owner):
            listener.put(event)
        self._listeners.add(listener)
        metrics.EVENT_STREAMS.set(len(self._listeners))
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        metrics.EVENT_STREAMS.set(len(self._listeners))

    def close(self) -> None:
        """End all streams; clients come back to the next gateway."""
        self._closed = True
        for listener in self._listeners:
            listener.end("the gateway stops")

    def _since(self, last_id: int | None, owner: str) -> Iterator[Event]:
        if last_id is None or last_id == self._last_id:
            return
        oldest = self._recent[0].id if self._recent else None
        known_from = self._first_id if oldest is None or len(self._recent) < REMEMBERED else oldest - 1
        if known_from is None or not known_from <= last_id <= self._last_id:
            yield Event(self._last_id, owner, "reset", "{}")
            return
        mine = [e for e in self._recent if e.id is not None and e.id > last_id and e.owner in {None, owner}]
        if len(mine) >= MOST_WAITING:
            yield Event(self._last_id, owner, "reset", "{}")
            return
        yield from mine
