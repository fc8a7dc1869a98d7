"""Finds the fewest troubles that still break a run."""

from tests.simulation.fate import Trouble
from tests.simulation.story import Outcome, run

MOST_RUNS = 200


def shortest(broken: Outcome) -> Outcome:
    """Return a run of the same seed that fails with as few troubles as could be found. Call it inside ``in_memory``."""
    best, left = broken, MOST_RUNS
    size = max(1, len(best.troubles) // 2)
    while size and left > 0:
        shorter = None
        for start in range(0, len(best.troubles), size):
            kept = [trouble for trouble, _ in (*best.troubles[:start], *best.troubles[start + size :])]
            outcome = run(broken.seed, frozenset(kept))
            left -= 1
            if outcome.problems and len(outcome.troubles) < len(best.troubles):
                shorter = outcome
                break
            if left <= 0:
                break
        best, size = (shorter, min(size, max(1, len(shorter.troubles) // 2))) if shorter else (best, size // 2)
    return best


def told(outcome: Outcome, troubles_of: Outcome) -> str:
    """Return a failing run as a person reads it."""
    kept: list[Trouble] = [trouble for trouble, _ in outcome.troubles]
    return "\n".join(
        [
            f"seed {outcome.seed}: {len(outcome.problems)} problems after {len(troubles_of.troubles)} troubles",
            *(f"  ! {problem}" for problem in outcome.problems[:8]),
            f"  {len(kept)} of them are enough:",
            *(f"  - {what}, time {number}: {how}" for (what, number), how in outcome.troubles),
            "  what happened:",
            *(f"  {line}" for line in outcome.history),
            f"  again: make simulate SEED={outcome.seed}",
        ]
    )
