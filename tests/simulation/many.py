"""Many runs, one after another or on all processors."""

import gc
import multiprocessing
import os
import warnings
from collections.abc import Iterator

from tests.simulation.processes import in_memory
from tests.simulation.shorten import shortest, told
from tests.simulation.story import Outcome, run

_CHUNK = 100


def survive(first: int, count: int) -> list[Outcome]:
    """Run seeds ``first`` to ``first + count - 1``; return what became of them."""
    with in_memory(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # coroutines of killed processes are never awaited
        gc.disable()
        try:
            return [run(seed) for seed in range(first, first + count)]
        finally:
            gc.enable()
            gc.collect()


def explain(broken: Outcome) -> str:
    """Return the shortest history of a failed run."""
    with in_memory(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return told(shortest(broken), broken)


def survive_many(first: int, runs: int) -> Iterator[list[Outcome]]:
    """Run many seeds on all processors; yield what became of them in chunks, as they end."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(_chunk, range(first, first + runs, _CHUNK))


def _chunk(first: int) -> list[Outcome]:
    return survive(first, _CHUNK)
