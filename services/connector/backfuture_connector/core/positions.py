"""Which position of a partition may be committed while its records are handled out of order."""

import heapq


class Positions:
    """Tracks records of one partition from taking to done. Everything below :attr:`committable` is done."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._done: set[int] = set()
        self._next: int | None = None

    def take(self, offset: int) -> None:
        """Note that the record at ``offset`` was read. Offsets grow."""
        heapq.heappush(self._open, offset)
        self._next = offset + 1

    def done(self, offset: int) -> None:
        """Note that the record at ``offset`` was handled."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            self._done.discard(heapq.heappop(self._open))

    @property
    def committable(self) -> int | None:
        """Return the position before which all is done, None when nothing was read yet."""
        return self._open[0] if self._open else self._next

    @property
    def open(self) -> int:
        """Return how many records are being handled."""
        return len(self._open)
