"""Ten thousand lives of the money path, each with its own disasters: no order lost, none doubled, all resolved."""

import pytest

from tests.simulation.many import explain, survive

RUNS = 10_000
_CHUNK = 500

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("first", range(1, RUNS + 1, _CHUNK))
def test_no_order_is_lost_or_doubled_whatever_happens(first: int) -> None:
    broken = [outcome for outcome in survive(first, _CHUNK) if outcome.problems]
    assert not broken, f"{len(broken)} runs failed; the first of them:\n{explain(broken[0])}"


def test_runs_are_rich_enough_to_prove_something() -> None:
    outcomes = survive(1, 200)
    troubles = {kind for outcome in outcomes for (kind, _), _ in outcome.troubles}
    assert sum(outcome.orders for outcome in outcomes) > 3 * len(outcomes)
    assert sum(outcome.lives for outcome in outcomes) > 3 * len(outcomes)
    assert {"sending", "question", "matching", "hides", "broker down", "clock jump", "engine dies"} <= troubles
    assert len(troubles) > 25


def test_a_seed_tells_the_same_story_every_time() -> None:
    assert survive(15, 1) == survive(15, 1)
