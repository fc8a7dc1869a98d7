"""Well-known ways for a venue to be unavailable, ready to be ordered by name."""

from typing import Literal

from backfuture_paper.core.instruments import Venue
from backfuture_paper.web.faults import Fault

Outage = Literal["maintenance", "region", "html", "rate_limit", "server_error", "gateway_timeout"]

_REGION = (
    "Our services are currently unavailable in the U.S. To ensure a seamless experience, please access our platform "
    "from a non-restricted country/region. (current ip: 198.51.100.23 and current area: US)"
)
_DENIED = "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY>Access Denied</BODY></HTML>"

_ANSWERS: dict[tuple[Venue, Outage], tuple[int, str, str]] = {
    ("kucoin", "maintenance"): (503, "text/html", "<html><body><h1>System maintenance</h1></body></html>"),
    ("kucoin", "region"): (403, "application/json", '{"code":"400302","msg":"' + _REGION + '"}'),
    ("kucoin", "html"): (403, "text/html", _DENIED),
    ("kucoin", "rate_limit"): (
        429,
        "application/json",
        '{"code":"429000","msg":"Too many requests in a short period of time, please retry later"}',
    ),
    ("kucoin", "server_error"): (500, "application/json", '{"code":"500000","msg":"Internal Server Error"}'),
    ("kucoin", "gateway_timeout"): (504, "text/html", "<html>504 Gateway Time-out</html>"),
    ("mexc", "maintenance"): (
        200,
        "application/json",
        '{"code":500,"message":"Under maintenance, please try again later"}',
    ),
    ("mexc", "region"): (403, "text/html", _DENIED),
    ("mexc", "html"): (403, "text/html", _DENIED),
    ("mexc", "rate_limit"): (429, "application/json", '{"code":429,"msg":"Too Many Requests"}'),
    ("mexc", "server_error"): (500, "application/json", '{"code":500,"msg":"Internal error"}'),
    ("mexc", "gateway_timeout"): (504, "text/html", "<html>504 Gateway Time-out</html>"),
}


def outage_fault(venue: Venue, outage: Outage, path: str, times: int | None) -> Fault:
    """Return the fault that answers every request of the venue in the outage's way."""
    status, content_type, body = _ANSWERS[venue, outage]
    headers = {"Retry-After": "1"} if outage == "rate_limit" else {}
    return Fault(
        action="answer",
        venue=venue,
        path=path,
        times=times,
        status=status,
        body=body,
        content_type=content_type,
        headers=headers,
    )
