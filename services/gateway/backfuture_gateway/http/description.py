"""What the API's own description knows: its field names, and which query parameters each route takes."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from fastapi import FastAPI, Request

from backfuture_gateway.http.errors import Invalid


class Description:
    """The description of one app, made when it is first needed. ``prefix`` stands before the path of every route."""

    def __init__(self, app: FastAPI, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    @cached_property
    def field_names(self) -> frozenset[str]:
        """The names of all fields and parameters: the only words of a request that may be told back."""
        return frozenset(_field_names(self._app.openapi()))

    @cached_property
    def query_names(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Method and path (without the prefix) of each route with the names of its query parameters."""
        return {
            (method.upper(), path.removeprefix(self._prefix)): frozenset(
                one["name"] for one in route.get("parameters", ()) if one["in"] == "query"
            )
            for path, methods in self._app.openapi()["paths"].items()
            for method, route in methods.items()
        }

    def refuse_unknown_query(self, request: Request) -> None:
        """Refuse a parameter that the route does not have: a misspelt filter would show everything."""
        if not request.query_params:
            return
        path: str = request.scope["route"].path
        known = self.query_names[request.method, path.removeprefix(self._prefix)]
        if not known.issuperset(request.query_params):
            raise Invalid(
                "request.unknown_parameter",
                "The address has a query parameter that is not one of this request.",
                f"It takes {', '.join(sorted(known))}." if known else "It takes none.",
            )


def _field_names(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        if "in" in node and isinstance(node.get("name"), str):
            yield node["name"]
        for value in node.values():
            yield from _field_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _field_names(value)
