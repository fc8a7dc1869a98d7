"""How errors and silence of the Kafka client become the platform's own failures."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiokafka.errors import IllegalOperation, KafkaError

from backfuture_common.errors import Fatal
from backfuture_common.runtime.logging import get_logger

_log = get_logger("backfuture.bus")
_STOP_S = 5.0


@contextlib.asynccontextmanager
async def fatal_on_failure(what: str, deadline_s: float) -> AsyncIterator[None]:
    """Turn any failure of the client inside, and a missed deadline, into :class:`Fatal` (``kafka.failed``)."""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except Fatal:
        raise
    except TimeoutError as error:
        raise Fatal("kafka.timeout", f"{what} took longer than {deadline_s:g} s") from error
    except (KafkaError, IllegalOperation, OSError, AssertionError, ValueError, KeyError, RuntimeError) as error:
        # the client reports misuse and its own inner faults as plain Python errors, too; being fenced between two
        # sends comes as IllegalOperation, which is none of its KafkaErrors
        raise Fatal("kafka.failed", f"{what} failed: {type(error).__name__} {error}".rstrip()) from error


async def stop_quietly(what: str, *steps: Callable[[], Awaitable[object]]) -> None:
    """Take each step of stopping a client, not for ever; a failure changes nothing any more and is only logged."""
    for step in steps:
        await _step_quietly(what, step)


async def _step_quietly(what: str, step: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(_STOP_S):
            await step()
    except asyncio.CancelledError:
        # stopping after a lost connection, the client lets the cancellation of its own inner tasks escape
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
    except Exception as error:  # noqa: BLE001  # arch: catch-all - the client is dropped whatever it says
        _log.warning("bus.stop_failed", part=what, cause=f"{type(error).__name__}: {error}")
