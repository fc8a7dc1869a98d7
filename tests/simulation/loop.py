"""One thread, virtual time, and processes that can be killed or put to sleep between any two steps of their code.

A process is a context: every callback of the loop carries the context of the task it belongs to, so the loop knows
whose step is next. A dead process' steps are dropped (no ``finally`` of it runs, as under SIGKILL); those of a process
that stands still are kept until it is woken.
"""

import asyncio
import contextlib
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from backfuture_common.runtime.clock import Clock

T = TypeVar("T")
START_MS = 1_700_000_000_000
_SAME_MOMENT_S = 1e-9
_current: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


class Process:
    """A running program. ``dies_at`` and ``sleeps_at`` count its steps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.asleep = False
        self.steps = 0
        self.dies_at: int | None = None
        self.sleeps_at: int | None = None
        self.on_sleep: Callable[[], None] = lambda: None
        self.on_kill: Callable[[], None] = lambda: None
        self.kept: list[asyncio.Handle] = []

    def kill(self) -> None:
        """SIGKILL: not one more step."""
        if not self.dead:
            self.dead = True
            self.kept.clear()
            as_nobody().run(self.on_kill)

    def pause(self) -> None:
        """SIGSTOP: no step until :meth:`SimLoop.wake`."""
        self.asleep = True
        as_nobody().run(self.on_sleep)


class SimLoop(asyncio.BaseEventLoop):
    """Time jumps to the next timer when nothing else is to be done."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._tasks: list[asyncio.Task[Any]] = []
        self.set_exception_handler(lambda _loop, _context: None)
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._now_s

    def start(self, process: Process, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run the coroutine, and every task it makes, as this process."""
        context = contextvars.copy_context()
        context.run(_current.set, process)
        return self.create_task(work, context=context)

    def wake(self, process: Process) -> None:
        """SIGCONT: everything that came due meanwhile happens now."""
        process.asleep = False
        if not process.dead:
            self._ready.extend(process.kept)
        process.kept = []

    def drop_everything(self) -> None:
        """Let go of what never ended, without a word about it and without one more step of any process."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is meant to be pending
                with contextlib.suppress(BaseException):
                    task.get_coro().close()
        self._ready.clear()
        self._scheduled.clear()

    def _make_task(self, _loop: object, work: Any, context: contextvars.Context | None = None) -> "asyncio.Task[Any]":
        """Keep every task: one that is collected while it waits would run its ``finally``."""
        task: asyncio.Task[Any] = asyncio.Task(work, loop=self, context=context)
        self._tasks.append(task)
        return task

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        if not ready:
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)
            if not scheduled:
                raise RuntimeError("everything waits for something that never comes")
            self._now_s = max(self._now_s, scheduled[0]._when)  # type: ignore[attr-defined]  # as above
        end_s = self._now_s + _SAME_MOMENT_S
        while scheduled and scheduled[0]._when <= end_s:  # type: ignore[attr-defined]  # as above
            ready.append(heapq.heappop(scheduled))
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled and self._may_run(handle):
                handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers stay in the heap until their time has come."""

    def _may_run(self, handle: asyncio.Handle) -> bool:
        context: contextvars.Context = handle._context  # type: ignore[attr-defined]  # no public way
        process = context.get(_current)
        if process is None:
            return True
        if process.dead:
            return False
        if process.asleep:
            process.kept.append(handle)
            return False
        process.steps += 1
        if process.steps == process.dies_at:
            process.kill()
            return False
        if process.steps == process.sleeps_at:
            process.pause()
            process.kept.append(handle)
            return False
        return True


def current_process() -> Process:
    """Return whose step this is."""
    process = _current.get()
    assert process is not None, "only a process may ask"
    return process


def as_nobody() -> contextvars.Context:
    """Return a context of no process: what is scheduled in it happens whoever dies."""
    context = contextvars.copy_context()
    context.run(_current.set, None)
    return context


class HostClock(Clock):
    """The clock of the machine on which all processes run: its wall time can be wrong, its monotonic time is not."""

    def __init__(self) -> None:
        self.wrong_ms = 0

    def now_ms(self) -> int:
        return START_MS + int(asyncio.get_running_loop().time() * 1000) + self.wrong_ms

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


def run_simulated(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; processes that are still there then simply stop."""
    loop = SimLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.drop_everything()
        loop.close()
