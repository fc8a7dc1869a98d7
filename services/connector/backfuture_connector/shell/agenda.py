"""What is to be done next: commands in order, and named dates."""

import asyncio
from typing import Generic, TypeVar

from backfuture_common.runtime.clock import Clock

C = TypeVar("C")
OVERDUE_S = 5.0
"""Commands go before dates, but not for longer than this."""


class Dates:
    """Named dates. One that is set again moves; each is due once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dates: dict[str, float] = {}
        self._moved = asyncio.Event()

    def set(self, name: str, in_s: float) -> None:
        """Set the date, earlier or later than it was."""
        self._dates[name] = self._clock.monotonic_s() + in_s
        self._moved.set()

    def hasten(self, name: str, in_s: float) -> None:
        """Set the date unless it is due earlier anyway."""
        if self._dates.get(name, float("inf")) > self._clock.monotonic_s() + in_s:
            self.set(name, in_s)

    def clear(self, *names: str) -> None:
        """Drop dates."""
        for name in names:
            self._dates.pop(name, None)

    def _take_due(self, late_s: float = 0.0) -> str | None:
        """Return and drop the date that has been due for ``late_s`` longest, None when there is none."""
        name = min(self._dates, key=self._dates.__getitem__, default=None)
        if name is None or self._dates[name] + late_s > self._clock.monotonic_s():
            return None
        del self._dates[name]
        return name

    def _wait_s(self) -> float | None:
        return max(0.0, min(self._dates.values()) - self._clock.monotonic_s()) if self._dates else None


class Agenda(Dates, Generic[C]):
    """Dates beside a queue of commands."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._commands: asyncio.Queue[C] = asyncio.Queue()

    def add(self, command: C) -> None:
        """Put a command at the end of the queue."""
        self._commands.put_nowait(command)
        self._moved.set()

    async def next(self) -> C | str:
        """Wait for the next command, or the name of a date that is due, and return it."""
        while True:
            self._moved.clear()
            overdue = self._take_due(OVERDUE_S)
            if overdue is not None:
                return overdue
            if not self._commands.empty():
                return self._commands.get_nowait()
            due = self._take_due()
            if due is not None:
                return due
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._moved.wait()
            except TimeoutError:
                continue
