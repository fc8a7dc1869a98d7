"""Bodies of the decisions' endpoint."""

from typing import Annotated

from backfuture_common.messages.decisions import ReasonCode, Stage, Verdict
from pydantic import Field

from backfuture_gateway.http.schemas import Outbound
from backfuture_gateway.orders.schemas import OrderOut


class DecisionOut(Outbound):
    """One verdict of a bot, with every reason and the numbers it rests on."""

    decision_id: str
    bot_id: str
    group_id: str | None
    symbol: str
    verdict: Verdict
    reasons: list[ReasonCode]
    numbers: Annotated[dict[str, str], Field(examples=[{"price": "2850", "average": "3000"}])]
    at_ms: int
    words: Annotated[str, Field(description="The decision in one sentence.")]


class ReasonOut(Outbound):
    """A reason code in words, with the stage of the decision that it belongs to."""

    code: ReasonCode
    stage: Stage
    words: str


class ExplanationOut(Outbound):
    """Why something was done, or not done."""

    decision: DecisionOut
    reasons: list[ReasonOut]
    orders: Annotated[list[OrderOut], Field(description="The orders that followed from the decision.")]
