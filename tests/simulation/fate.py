"""What goes wrong in one run, all of it from one number.

Each kind of trouble has a stream of luck of its own, so that leaving one trouble out changes the luck of no other: that
is what lets a failing run be shortened.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
Trouble = tuple[str, int]
"""A kind, and the how-manieth time it was asked for."""

_PATIENCE = 12
"""The most troubles of one run."""


class Fate:
    """Asked at every point at which something may go wrong.

    A run has its own weather: half of the kinds never happen in it, the others with a chance of the run's own. With
    ``only``, no other trouble than these happens. After :meth:`relent` nothing goes wrong any more.
    """

    def __init__(self, seed: int, only: frozenset[Trouble] | None = None) -> None:
        self.seed = seed
        self.told: list[tuple[Trouble, object]] = []
        self._only = only
        self._streams: dict[str, random.Random] = {}
        self._asked: dict[str, int] = {}
        weather = self._stream("weather")
        self._chance = weather.choice((0.0, 0.02, 0.05, 0.1, 0.3))
        self._left = weather.randint(1, _PATIENCE)
        self._relented = False

    def pick(self, what: str, good: T, bad: Sequence[T], factor: float = 1.0) -> T:
        """Return ``good``, or one of ``bad`` when fate wants it. ``factor`` makes a kind rarer or more frequent."""
        stream = self._streams.get(what)
        if stream is None:
            stream = self._stream(what)
            self._asked[what] = 0 if stream.random() < 0.5 else -1_000_000
        self._asked[what] += 1
        luck, choice = stream.random(), stream.random()
        if self._relented or self._asked[what] < 0 or luck >= self._chance * factor:
            return good
        trouble = (what, self._asked[what])
        if self._left <= 0 or (self._only is not None and trouble not in self._only):
            return good
        self._left -= 1
        chosen = bad[int(choice * len(bad))]
        self.told.append((trouble, chosen))
        return chosen

    def amount(self, what: str, top: float) -> float:
        """Return a number from 0 to ``top``."""
        return self._stream_of(what).random() * top

    def number(self, what: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        return self._stream_of(what).randint(low, high)

    def choice(self, what: str, options: Sequence[T]) -> T:
        """Return one of the options: a circumstance of the run, not a trouble."""
        return self._stream_of(what).choice(options)

    def relent(self) -> None:
        """Let nothing more go wrong."""
        self._relented = True

    def _stream_of(self, what: str) -> random.Random:
        return self._streams.get(what) or self._stream(what)

    def _stream(self, what: str) -> random.Random:
        stream = self._streams[what] = random.Random(f"{self.seed}/{what}")  # noqa: S311  (luck, reproducible)
        return stream
