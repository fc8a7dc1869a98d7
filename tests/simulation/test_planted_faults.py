"""A harness that cannot fail proves nothing: each fault planted on purpose is caught, and told shortly."""

import pytest

from tests.simulation.many import explain, survive
from tests.simulation.planted import (
    Plant,
    ignore_fencing,
    resend_blindly,
    skip_the_ledger,
    trust_the_last_status,
)

MOST_RUNS = 400
_STEP = 20


@pytest.mark.parametrize("plant", [skip_the_ledger, ignore_fencing, resend_blindly, trust_the_last_status])
def test_a_planted_fault_is_caught_within_four_hundred_runs(plant: Plant) -> None:
    with plant():
        for first in range(1, MOST_RUNS, _STEP):
            broken = [outcome for outcome in survive(first, _STEP) if outcome.problems]
            if broken:
                return
    pytest.fail(f"{plant.__name__} went unnoticed in {MOST_RUNS} runs")


def test_a_failure_is_told_with_its_seed_and_as_few_troubles_as_needed() -> None:
    with skip_the_ledger():
        broken = next(outcome for outcome in survive(1, 100) if outcome.problems)
        text = explain(broken)
    assert f"make simulate SEED={broken.seed}" in text
    assert any(problem in text for problem in ("doubled", "lost", "never reached", "unresolved"))
    enough = int(text.split(" of them are enough")[0].rsplit(" ", 1)[-1])
    assert 0 < enough <= len(broken.troubles)
