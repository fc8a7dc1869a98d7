"""One part under supervision: started when its needs are ready, checked, restarted when it dies."""

import asyncio
from collections.abc import Callable

from backfuture_cli.launcher import logfile
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import Part, PartStatus, Readiness, State
from backfuture_cli.launcher.process import POLL_S, Child, spawn
from backfuture_cli.launcher.readiness import run_to_end

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 15.0
HEALTHY_AFTER_S = 30.0
"""A process that lived this long and was ready has proven itself: its next death counts as the first."""
FAILING_AFTER = 4
"""So many fast failures in a row, and the part is shown as failing."""
_PREPARE_WITHIN_S = 90.0
_PROBE_STARTING_S = 0.25
_PROBE_RUNNING_S = 2.0


def delay_s(failures: int) -> float:
    """Return how long to wait after so many fast failures in a row (1 or more): 0.5 s, doubled each time, to 15 s."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 10), LONGEST_DELAY_S))


class Watch:
    """Keeps one part running for as long as :meth:`keep` runs."""

    def __init__(self, part: Part, home: Home, changed: Callable[[PartStatus], None]) -> None:
        self.part = part
        self.status = PartStatus(name=part.name, title=part.title)
        self.settled = asyncio.Event()
        """Set when the part is ready for the first time, or known to be in trouble: start-up need not wait for it."""
        self.ready = asyncio.Event()
        self._home = home
        self._changed = changed
        self._child: Child | None = None
        self._failures = 0

    async def keep(self, needs: list["Watch"]) -> None:
        """Run the part until cancelled. A cancelled watch leaves its process to :meth:`stop`."""
        self._set("waiting")
        trouble = await self._prepare()
        for need in needs:
            await need.ready.wait()
        while True:
            why = trouble or await self._one_life()
            self.ready.clear()
            if self._failures >= FAILING_AFTER:
                self._set("failing", why)
                self.settled.set()
            else:
                self._set("restarting", why)
            self.status.pid = self.status.since_ms = self.status.memory_mb = None
            await asyncio.sleep(delay_s(self._failures))
            self.status.restarts += 1
            trouble = await self._prepare()

    async def stop(self) -> bool:
        """End the process within its deadline; say whether it ended by itself."""
        self._set("stopping")
        ended_itself = await self._child.stop(self.part.stop_within_s) if self._child else True
        self.status.pid = self.status.memory_mb = None
        self._set("stopped")
        return ended_itself

    def kill(self) -> None:
        """End the process now."""
        if self._child:
            self._child.kill()

    def measure(self) -> None:
        """Bring the memory figure up to date."""
        self.status.memory_mb = self._child.memory_mb() if self._child else None

    async def _one_life(self) -> str:
        """Start the process and return, in words, how it ended."""
        if self._failures < FAILING_AFTER:
            self._set("starting")
        try:
            child = self._spawn()
        except OSError as error:
            self._failures += 1
            return f"cannot be started: {error.strerror} ({self.part.command[0]})"
        was_ready = await self._follow(child)
        self._failures = 1 if was_ready and child.age_s > HEALTHY_AFTER_S else self._failures + 1
        words = logfile.last_words(self._home.logs, self.part.name)
        return f"{_how_it_ended(child.exit_code)}{': ' if words else ''}{words}"

    async def _prepare(self) -> str:
        """Run what has to be done before a start; return why that failed, or nothing. Needs no other part."""
        for step in self.part.prepare:
            if step.makes and step.makes.exists():
                continue
            code, said = await run_to_end(step.command, self.part.environment, _PREPARE_WITHIN_S)
            if code != 0:
                self._failures += 1
                return f"could not be prepared: {said}"
        return ""

    def _spawn(self) -> Child:
        with logfile.open_log(self._home.logs, self.part.name) as log:
            pid_file = self._home.pids / f"{self.part.name}.json"
            self._child = child = spawn(self.part.command, self.part.environment, log, pid_file)
        self.status.pid, self.status.since_ms = child.pid, child.started_ms
        self._changed(self.status)
        return child

    async def _follow(self, child: Child) -> bool:
        """Check the process until it has ended; say whether it was ever ready."""
        was_ready = False
        while child.exit_code is None:
            if not (self.part.probe_once and self.ready.is_set()):
                answer = await self.part.probe()
                if child.exit_code is not None:
                    break
                was_ready = was_ready or answer.ok
                self._note(child, answer)
            await self._pause(child, _PROBE_RUNNING_S if self.ready.is_set() else _PROBE_STARTING_S)
        return was_ready

    def _note(self, child: Child, answer: Readiness) -> None:
        if answer.ok:
            if self.status.took_s is None:
                self.status.took_s = round(child.age_s, 1)
            self.ready.set()
            self.settled.set()
            self._set("ready")
            return
        late = child.age_s > self.part.ready_within_s
        was_ready = self.ready.is_set()
        self.ready.clear()
        if late:
            self.settled.set()
        if self._failures < FAILING_AFTER:  # a failing part keeps the words of its last end
            stays = late or was_ready or self.status.state == "not ready"
            self._set("not ready" if stays else "starting", answer.detail)

    async def _pause(self, child: Child, length_s: float) -> None:
        left_s = length_s
        while left_s > 0 and child.exit_code is None:
            await asyncio.sleep(min(POLL_S, left_s))
            left_s -= POLL_S

    def _set(self, state: State, detail: str = "") -> None:
        changed = (self.status.state, self.status.detail) != (state, detail)
        self.status.state, self.status.detail = state, detail
        if changed:
            self._changed(self.status)


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by signal {-code}"
    return f"ended with exit code {code}"
