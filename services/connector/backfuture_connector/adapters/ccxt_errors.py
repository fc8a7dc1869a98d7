"""Turns what ccxt raises into the platform's failures: once, here. No text of an exception goes any further."""

import json

import aiohttp

from backfuture_connector.adapters.ccxt_calls import Call
from backfuture_connector.core.classification import classify
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import Answer, VenueError
from backfuture_connector.core.raw import MalformedError

_CODES = ("code",)
_TEXTS = ("msg", "message", "data")
_MAX_TEXT = 300


def translate(venue: Venue, error: Exception, call: Call) -> VenueError:
    """Return the failure behind ``error``; what was sent and answered is taken from ``call``."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, VenueError):
        return error
    code, text = _body(call.body)
    answer = Answer(
        sent=call.sent and not isinstance(error.__cause__, aiohttp.ClientConnectorError),
        http_status=call.http_status,
        code=code,
        text=text,
        error_class=type(error).__name__,
        ancestors=frozenset(kind.__name__ for kind in type(error).__mro__[1:]),
    )
    if isinstance(error, MalformedError):  # an answer came, but it is not to be understood
        answer = Answer(
            sent=call.sent, http_status=call.http_status, code=None, text=str(error), error_class="MalformedError"
        )
    return VenueError(classify(venue, answer))


def _body(body: str | None) -> tuple[str | None, str | None]:
    """Return the venue's code and text, None for both when the body is no JSON object."""
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        return None, None
    if not isinstance(parsed, dict):
        return None, None
    code = next((str(parsed[name]) for name in _CODES if parsed.get(name) is not None), None)
    text = next((parsed[name] for name in _TEXTS if isinstance(parsed.get(name), str)), "")
    return code, text[:_MAX_TEXT]
