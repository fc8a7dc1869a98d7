"""Bodies of the market's endpoints."""

from typing import Annotated

from pydantic import Field

from backfuture_gateway.http.amounts import Money
from backfuture_gateway.http.schemas import Outbound


class ExchangeOut(Outbound):
    id: Annotated[str, Field(examples=["paper-kucoin"])]
    name: str
    paper: Annotated[bool, Field(description="Play money against recorded or mirrored prices.")]
    needs_passphrase: bool
    instruments: Annotated[int, Field(description="How many markets are known; 0 until the connector has told.")]


class InstrumentOut(Outbound):
    """What an exchange allows for one market. Fees are ratios: 0.001 is 0.1 %."""

    exchange: str
    symbol: str
    base: str
    quote: str
    price_step: Money
    amount_step: Money
    amount_min: Money
    cost_min: Money
    taker_fee: Money
    maker_fee: Money
    active: bool
    updated_ms: int


class PriceOut(Outbound):
    exchange: str
    symbol: str
    bid: Money
    ask: Money
    exchange_ms: Annotated[int, Field(description="The exchange's time of the price.")]
    observed_ms: int
    age_ms: Annotated[int, Field(description="How long ago it was observed.")]
