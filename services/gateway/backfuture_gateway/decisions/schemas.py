"""Bodies of the decisions' endpoint."""

from typing import Annotated

from backfuture_common.messages.bots import ReasonCode, Verdict
from pydantic import Field

from backfuture_gateway.http.schemas import Outbound


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
