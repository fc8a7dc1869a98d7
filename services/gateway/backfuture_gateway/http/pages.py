"""Pages of long lists: newest first, continued by an opaque cursor."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=500, description="How many to return at most.")]
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,16}~[A-Za-z0-9_-]{1,80}$",
        description="The `next_cursor` of the page before; nothing for the first page.",
    ),
]


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last.")] = None


class Position(BaseModel):
    """Where a page begins: after the row with this time and id."""

    model_config = ConfigDict(frozen=True)

    at_ms: int
    row_id: str

    @staticmethod
    def parse(cursor: str | None) -> "Position | None":
        if cursor is None:
            return None
        at_ms, _, row_id = cursor.partition("~")
        return Position(at_ms=int(at_ms), row_id=row_id)

    def write(self) -> str:
        return f"{self.at_ms}~{self.row_id}"
