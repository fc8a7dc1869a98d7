"""Endpoints as a table: which request, which right, which weight, which handler."""

import re
from collections.abc import Callable, Iterable

import msgspec

from backfuture_paper.core.keys import Right
from backfuture_paper.web.call import Call, Json

Handler = Callable[[Call], Json]
_PARAMETER = re.compile(r"\{(\w+)\}")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. ``right`` None: public. ``{name}`` in the path becomes a parameter of the call."""

    method: str
    path: str
    handler: Handler
    right: Right | None = None
    weight: int = 1
    pool: str = "public"


class Router:
    """Finds the endpoint of a request. Paths without parameters win over paths with."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[tuple[str, str], Endpoint] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in endpoints:
            if "{" in endpoint.path:
                pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", endpoint.path)
                self._patterns.append((re.compile(f"^{pattern}$"), endpoint))
            else:
                self._plain[endpoint.method, endpoint.path] = endpoint

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        if (endpoint := self._plain.get((method, path))) is not None:
            return endpoint, {}
        for pattern, candidate in self._patterns:
            if candidate.method == method and (match := pattern.match(path)):
                return candidate, match.groupdict()
        return None
