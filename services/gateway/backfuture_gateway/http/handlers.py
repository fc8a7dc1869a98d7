"""Turns every failure into the one error shape, and never tells a caller what it sent.

A secret typed into the wrong field, or used as a field's name, must not come back: messages are our own words, chosen
by the kind of the problem, and a field is named only when it is one of the API's.
"""

from collections.abc import Mapping, Sequence

from backfuture_common.errors import ErrorInfo, Fatal, PlatformError, Unknown
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from structlog.stdlib import BoundLogger

from backfuture_gateway.http.amounts import AMOUNT_PROBLEMS
from backfuture_gateway.http.description import Description
from backfuture_gateway.http.errors import ApiError, body_of

_PHRASES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "has characters or a form that are not allowed",
    "string_unicode": "must be valid text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "union_tag_invalid": "must be of a known kind",
    "secret_form": "must be printable characters without blanks",
    "union_tag_not_found": "must say its kind",
    **AMOUNT_PROBLEMS,
}
_HINTS = {
    "extra_forbidden": "Leave out fields that the API's description does not list, and check the spelling.",
    "model_attributes_type": "Send a JSON object with the header Content-Type: application/json.",
    "secret_form": "Copy it again, without the blanks or line ends around it.",
    "amount_float": 'Write amounts as text, such as "0.1": numbers with a fraction lose digits in JSON.',
    "amount_form": 'Write amounts as text with plain digits, such as "1500" or "0.00025".',
}
_SHOWN = 5


class Handlers:
    """The exception handlers of one app."""

    def __init__(self, log: BoundLogger, description: Description) -> None:
        self._log = log
        self._description = description

    def install(self, app: FastAPI) -> None:
        """Register all handlers."""
        app.add_exception_handler(RequestValidationError, self.on_validation)
        app.add_exception_handler(HTTPException, self.on_http)
        app.add_exception_handler(PlatformError, self.on_platform)
        app.add_exception_handler(Exception, self.on_bug)

    async def on_validation(self, _request: Request, error: Exception) -> JSONResponse:
        problems = error.errors() if isinstance(error, RequestValidationError) else []
        if any(problem.get("type") == "json_invalid" for problem in problems):
            info = ErrorInfo(
                code="request.malformed_json",
                message="The body is not JSON.",
                hint="Check quotes, commas and brackets; numbers like NaN are not JSON.",
            )
            return JSONResponse(body_of(info), status_code=400)
        return JSONResponse(body_of(self._invalid(problems)), status_code=422)

    async def on_http(self, _request: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return JSONResponse(body_of(_of_status(status, headers)), status_code=status, headers=headers)

    async def on_platform(self, request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, ApiError):
            headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
            if error.status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            return JSONResponse(body_of(error.info), status_code=error.status, headers=headers)
        if isinstance(error, Fatal) or not isinstance(error, PlatformError):
            return await self.on_bug(request, error)
        return JSONResponse(body_of(error.info), status_code=504 if isinstance(error, Unknown) else 409)

    async def on_bug(self, request: Request, error: Exception) -> JSONResponse:
        route = request.scope.get("route")
        self._log.error("http.bug", route=getattr(route, "path", ""), method=request.method, exc_info=error)
        info = ErrorInfo(
            code="internal",
            message="The platform made a mistake while answering.",
            hint="The operator finds the cause in the gateway's log.",
            retryable=True,
        )
        return JSONResponse(body_of(info), status_code=500)

    def _invalid(self, problems: Sequence[Mapping[str, object]]) -> ErrorInfo:
        shown = [self._describe(problem) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN} more")
        hints = list(dict.fromkeys(_HINTS[kind] for p in problems if (kind := str(p.get("type"))) in _HINTS))
        return ErrorInfo(
            code="request.invalid",
            message="; ".join(shown) + ".",
            hint=" ".join(hints[:2]) or "The API's description gives every field's form and limits.",
        )

    def _describe(self, problem: Mapping[str, object]) -> str:
        kind = str(problem.get("type"))
        context = problem.get("ctx")
        limits = context if isinstance(context, Mapping) else {}
        try:
            phrase = _PHRASES[kind].format_map(limits)
        except KeyError:
            phrase = "is not acceptable"
        where = problem.get("loc")
        return f"{self._place(where if isinstance(where, tuple) else ())} {phrase}"

    def _place(self, location: tuple[object, ...]) -> str:
        told = [
            f"[{part}]" if isinstance(part, int) else part
            for part in location[1:]
            if isinstance(part, int) or part in self._description.field_names
        ]
        if len(told) < len(location) - 1:
            told.append("(a field that is not shown)")
        text = ".".join(str(part) for part in told).replace(".[", "[")
        source = location[0] if location and location[0] in {"query", "path", "header"} else "body"
        return f"{source} field {text}" if text else f"the {source}"


def _of_status(status: int, headers: Mapping[str, str]) -> ErrorInfo:
    if status == 404:
        return ErrorInfo(
            code="http.not_found",
            message="There is nothing at this address.",
            hint="The API lives under /api/v1; its description is at /api/v1/openapi.json.",
        )
    if status == 405:
        allowed = next((value for name, value in headers.items() if name.lower() == "allow"), "")
        return ErrorInfo(
            code="http.method_not_allowed",
            message="This address does not know that method.",
            hint=f"Allowed: {allowed}." if allowed else "",
        )
    return ErrorInfo(code=f"http.{status}", message="The request cannot be answered.", hint="")
