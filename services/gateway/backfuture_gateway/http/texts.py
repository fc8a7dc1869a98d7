"""Texts of requests: what may stand in a name, an id, a symbol."""

from typing import Annotated

from backfuture_common.domain.ids import ID_PATTERN
from fastapi import Path, Query
from pydantic import StringConstraints

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_NAME_PATTERN = rf"^[^\s{_CONTROL}]([^{_CONTROL}\u2028\u2029]*[^\s{_CONTROL}])?$"
_LONGER_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,78}$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=_NAME_PATTERN)]
"""What a user calls a thing: one line, no blanks at the ends."""
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN.pattern)]
PathId = Annotated[str, Path(pattern=ID_PATTERN.pattern, description="The id as a list or a creation gave it.")]
PathGroupId = Annotated[str, Path(pattern=_LONGER_ID_PATTERN, description="The id as a list gave it.")]
PathLongId = Annotated[str, Path(pattern=_LONGER_ID_PATTERN, description="The id as a list gave it.")]
QueryId = Annotated[str | None, Query(pattern=_LONGER_ID_PATTERN, description="Only what belongs to this.")]
SymbolText = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}$")]
"""A market in ccxt's spelling: ``BTC/USDT``."""
