"""``python -m tests.simulation --runs N --first S``: many runs on all processors; one seed in full with ``--seed``."""

import argparse
import sys
import time

from tests.simulation.many import explain, survive, survive_many
from tests.simulation.story import Outcome

_SHOWN = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this one, and tell all about it when it fails")
    given = parser.parse_args()
    if given.seed is not None:
        return _one(given.seed)
    return _many(given.first, given.runs)


def _one(seed: int) -> int:
    (outcome,) = survive(seed, 1)
    if outcome.problems:
        print(explain(outcome))  # noqa: T201  (the report is what the command is for)
        return 1
    print("\n".join([*outcome.history, f"seed {seed}: survived {len(outcome.troubles)} troubles"]))  # noqa: T201
    return 0


def _many(first: int, runs: int) -> int:
    started_s, done, orders, lives, troubles = time.monotonic(), 0, 0, 0, 0
    broken: list[Outcome] = []
    for outcomes in survive_many(first, runs):
        done += len(outcomes)
        orders += sum(outcome.orders for outcome in outcomes)
        lives += sum(outcome.lives for outcome in outcomes)
        troubles += sum(len(outcome.troubles) for outcome in outcomes)
        broken += [outcome for outcome in outcomes if outcome.problems]
    for outcome in broken[:_SHOWN]:
        print(explain(outcome))  # noqa: T201
    seeds = " ".join(str(outcome.seed) for outcome in broken)
    took_s = time.monotonic() - started_s
    print(  # noqa: T201
        f"{done} runs, {orders} orders, {troubles} troubles, {lives} process lives in {took_s:.0f} s: "
        + (f"{len(broken)} failed, seeds {seeds}" if broken else "0 lost, 0 doubled, every intent resolved")
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
