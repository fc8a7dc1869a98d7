"""Whatever the venues answer, through unmodified ccxt, becomes the right failure and never a wrong end of an order."""

import httpx
import msgspec
import pytest
from backfuture_common.messages.orders import PlaceOrder
from backfuture_connector.core.failures import VenueError
from backfuture_connector.core.order_outcomes import placing_outcome

from tests.contract.connector.conftest import VENUES, Bed
from tests.unit.connector.build import command
from tests.unit.connector.corpus import CORPUS, Case

CALM = {venue: [case for case in CORPUS if case.venue == venue and case.status != 429] for venue in VENUES}
SILENCING = {venue: [case for case in CORPUS if case.venue == venue and case.status == 429] for venue in VENUES}
"""After each of these the connector is silent for a while, so each needs a connector of its own."""


async def test_every_answer_to_a_new_order_means_what_the_corpus_says(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))
    wrong = []
    for number, case in enumerate(CALM[bed.venue]):
        answer_next_order(bed, case)
        with pytest.raises(VenueError) as caught:
            await account.place(new_order(bed, f"bcorpus{number}"), within_s=5)
        told = caught.value.failure
        if (told.kind, placing_outcome(told)) != (case.kind, case.outcome):
            wrong.append((case.name, told.kind, placing_outcome(told), told.answer.error_class))
    assert not wrong
    assert unused(bed) == [], "an answer was not used"


@pytest.mark.parametrize("number", [0, 1])
async def test_after_too_many_requests_nothing_more_is_sent(bed: Bed, number: int) -> None:
    case = SILENCING[bed.venue][number]
    account = bed.open(bed.paper.key(bed.venue))
    answer_next_order(bed, case)
    with pytest.raises(VenueError) as caught:
        await account.place(new_order(bed, f"bbusy{bed.venue}{number}"), within_s=5)
    assert (caught.value.failure.kind, placing_outcome(caught.value.failure)) == ("rate_limited", "refused")
    with pytest.raises(VenueError) as later:
        await account.place(new_order(bed, f"bafter{bed.venue}{number}"), within_s=0.5)
    assert placing_outcome(later.value.failure) == "not_sent"
    assert bed.paper.requests(client_order_id=f"bafter{bed.venue}{number}") == []


def unused(bed: Bed) -> object:
    return httpx.get(f"{bed.paper.control_url}/control/faults", trust_env=False).json()


def new_order(bed: Bed, client_order_id: str) -> PlaceOrder:
    return command(client_order_id, exchange=bed.exchange, amount="0.001", issued_ms=bed.clock.now_ms())


def answer_next_order(bed: Bed, case: Case) -> None:
    """Have the next new order answered like this, instead of being looked at."""
    text = case.body if isinstance(case.body, str) else msgspec.json.encode(case.body).decode()
    bed.paper.control(
        "faults",
        action="answer",
        venue=bed.venue,
        method="POST",
        path=".*orders?$",
        status=case.status,
        body=text,
        content_type="application/json" if isinstance(case.body, dict) else "text/html",
    )
