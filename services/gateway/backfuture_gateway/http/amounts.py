"""Decimals over HTTP: text in, text out, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from backfuture_common.domain.money import plain
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

AMOUNT_PROBLEMS = {
    "amount_float": "must be text, not a number with a fraction",
    "amount_form": "must be a decimal number in plain digits, written as text",
    "amount_low": "must be {bound}",
    "amount_high": "must be at most {bound}",
}

_PATTERN = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_PUBLISHED_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,18})?$"


@dataclass(frozen=True, slots=True)
class Amount:
    """Annotation of a Decimal field: JSON text (or a whole number) with these bounds; leaves as plain text."""

    above: Decimal | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    example: str = "100.5"

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                plain, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if handler.mode == "serialization":
            return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": [self.example]}
        return {"type": "string", "pattern": _PUBLISHED_PATTERN, "examples": [self.example]}

    def _parse(self, value: object) -> Decimal:
        number = _number(value)
        if self.above is not None and number <= self.above:
            raise PydanticCustomError("amount_low", "out of range", {"bound": f"more than {plain(self.above)}"})
        if self.at_least is not None and number < self.at_least:
            raise PydanticCustomError("amount_low", "out of range", {"bound": f"at least {plain(self.at_least)}"})
        if self.at_most is not None and number > self.at_most:
            raise PydanticCustomError("amount_high", "out of range", {"bound": plain(self.at_most)})
        return number


def _number(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        raise PydanticCustomError("amount_float", "a float")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _PATTERN.fullmatch(text):
        raise PydanticCustomError("amount_form", "not an amount")
    return Decimal(text)


_HUGE = Decimal(10) ** 12

Money = Annotated[Decimal, Amount(example="1500.25")]
"""Any amount of an answer."""
Quote = Annotated[Decimal, Amount(above=Decimal(0), at_most=_HUGE, example="60")]
"""A cost or limit in quote currency, more than nothing."""
Price = Annotated[Decimal, Amount(above=Decimal(0), at_most=_HUGE, example="60000.5")]
"""A price in quote currency, more than nothing."""
