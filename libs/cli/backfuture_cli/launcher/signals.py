"""Ctrl-C and SIGTERM: the first asks to stop, the second insists."""

import asyncio
import signal
from collections.abc import Callable


class Signals:
    """``stop`` is set by the first signal; each further one calls ``insist``."""

    def __init__(self, insist: Callable[[], None]) -> None:
        self.stop = asyncio.Event()
        self._insist = insist

    def listen(self) -> None:
        """Take over SIGINT, SIGTERM and SIGHUP of this process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._heard)

    def _heard(self) -> None:
        if self.stop.is_set():
            self._insist()
        self.stop.set()
