"""The life of a process: start, run until told to stop or until something breaks, end with the right exit code."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, NoReturn

import uvloop
from structlog.stdlib import BoundLogger
from typing_extensions import TypeVar

from backfuture_common.errors import Fatal
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.logging import configure_logging, get_logger
from backfuture_common.runtime.settings import ServiceSettings, refuse_unknown

S = TypeVar("S", bound=ServiceSettings)
S_co = TypeVar("S_co", bound=ServiceSettings, covariant=True, default=ServiceSettings)

STOP_GRACE_S = 20.0
"""How long ``main`` may take to return after it was told to stop."""
CLEAN_UP_S = 15.0
"""How long letting go of everything may take after that; then the process ends as it is."""


class Runtime(Generic[S_co]):
    """What a running process has: name, settings, log, clock, health, and the wish to stop."""

    def __init__(self, service: str, settings: S_co, clock: Clock | None = None) -> None:
        self.service = service
        self.settings = settings
        self.log: BoundLogger = get_logger(f"backfuture.{service}").bind(service=service)
        self.clock = clock or Clock()
        self.health = Health()
        self.stopping = asyncio.Event()

    async def until_stopped(self, *work: Awaitable[object]) -> None:
        """Run the work side by side until the process is to stop, then cancel what still runs and wait for it.

        Raises the part's failure (several at once as a group); :class:`Fatal` (``service.part_ended``) when a part
        returns before the stop: a part that has nothing left to do is a part that has broken.
        """
        with lone_failure():
            async with asyncio.TaskGroup() as group:
                parts = [group.create_task(self._lasting(part)) for part in work]
                await self.stopping.wait()
                for part in parts:
                    part.cancel()

    async def _lasting(self, part: Awaitable[object]) -> None:
        await part
        if not self.stopping.is_set():
            raise Fatal("service.part_ended", "a part of the service ended by itself")


def run(
    service: str,
    settings: S,
    main: Callable[[Runtime[S]], Awaitable[None]],
    *,
    http: bool = True,
    allowed_variables: Iterable[str] = (),
) -> NoReturn:
    """Run ``main`` as this process: uvloop, redacted logs, signals, health server, exit code.

    SIGTERM and SIGINT set ``runtime.stopping``; ``main`` is then to return within ``STOP_GRACE_S``: exit 0. Any
    failure, and a ``main`` that returns unasked, is one log line ``service.crashed`` with its causes, exit 1. Unknown
    ``BACKFUTURE_*`` variables: exit 2. With ``http`` the health routes are served on ``http_host:http_port``. No core
    dumps.
    """
    configure_logging(settings.log_level, settings.log_format)
    log = get_logger(f"backfuture.{service}").bind(service=service)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        refuse_unknown(type(settings), os.environ, allowed_variables)
    except Fatal as error:
        log.error("service.refused", cause=str(error))  # noqa: TRY400  (one line, no traceback)
        sys.exit(2)
    log.info("service.starting", pid=os.getpid(), settings=settings.model_dump(mode="json"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(service, settings, main, http=http))
    except Exception as error:  # noqa: BLE001  # arch: catch-all - the outermost frame, the process ends
        log.critical("service.crashed", causes=list(causes(error)))
        sys.exit(1)
    log.info("service.stopped")
    sys.exit(0)


async def _live(service: str, settings: S, main: Callable[[Runtime[S]], Awaitable[None]], *, http: bool) -> None:
    from backfuture_common.runtime.http import health_app, serve_until  # noqa: PLC0415  (http needs Runtime)

    runtime = Runtime(service, settings)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, runtime.stopping.set)
    loop.set_exception_handler(_log_unhandled(runtime))
    metrics.STARTED.set_to_current_time()

    finished = asyncio.Event()  # the health server outlives main, to tell how stopping goes
    async with asyncio.TaskGroup() as group:
        if http:
            app = health_app(runtime)
            group.create_task(serve_until(app, finished, host=settings.http_host, port=settings.http_port))
        lag = group.create_task(_measure_lag())
        await _run_main(runtime, main, group)
        finished.set()
        lag.cancel()


async def _run_main(
    runtime: Runtime[S], main: Callable[[Runtime[S]], Awaitable[None]], group: asyncio.TaskGroup
) -> None:
    """Run ``main`` until it returns because it was asked to; Fatal when it returns unasked, or not in time."""
    try:
        async with asyncio.timeout(None) as limit:
            grace = group.create_task(_limit_stopping(runtime, limit))
            await main(runtime)
    except TimeoutError as error:
        if limit.expired():
            raise Fatal("service.stuck", f"did not stop within {STOP_GRACE_S:.0f} s") from None
        raise error from None
    grace.cancel()
    if not runtime.stopping.is_set():
        raise Fatal("service.ended_early", "the service ended without having been asked to")


async def _limit_stopping(runtime: Runtime[S], limit: asyncio.Timeout) -> None:
    await runtime.stopping.wait()
    runtime.log.info("service.stopping")
    limit.reschedule(asyncio.get_running_loop().time() + STOP_GRACE_S)


def _log_unhandled(runtime: Runtime[S]) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return a handler for failures that nobody awaited, one line each: broken clients leave some behind."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told = list(causes(error)) if isinstance(error, BaseException) else []
        runtime.log.error("service.unawaited_failure", message=context.get("message"), causes=told)

    return handle


async def _measure_lag() -> None:
    while True:
        asked_s = time.monotonic() + 1
        await asyncio.sleep(1)
        metrics.EVENT_LOOP_LAG.set(max(0.0, time.monotonic() - asked_s))


@contextlib.contextmanager
def lone_failure() -> Iterator[None]:
    """Raise the one failure of a task group as itself; several stay a group."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


def causes(error: BaseException) -> Iterator[str]:
    """Yield one line for each failure behind ``error``, outermost first, groups flattened. Never any local variable."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from causes(part)
        return
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
    yield f"{type(error).__name__}: {error}{place}"
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if behind is not None:
        yield from causes(behind)
