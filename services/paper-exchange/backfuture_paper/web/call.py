"""One request as the venues' handlers see it, and the two ways it can be refused."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from backfuture_common.domain.money import parse_decimal

from backfuture_paper.core.keys import ApiKey
from backfuture_paper.core.refusals import ExchangeRefusal

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""What handlers answer. Money is text."""
Sent = dict[str, object]
"""A JSON object from a client; its fractions are Decimal."""

_OBJECT = msgspec.json.Decoder(Sent, float_hook=Decimal)
_OBJECTS = msgspec.json.Decoder(list[Sent], float_hook=Decimal)


class VenueError(Exception):
    """A refusal in the venue's own words: HTTP status, code, message."""

    def __init__(self, status: int, code: str | int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class Call(msgspec.Struct, kw_only=True):
    """A request. ``target`` is path and query as they came, after the venue's prefix: what the client signed."""

    method: str
    path: str
    target: str
    params: dict[str, str]
    body: bytes
    headers: Mapping[str, str]
    address: str
    now_ms: int
    base_url: str
    """Scheme, host and port under which the client reached this server, such as ``http://127.0.0.1:8705``."""
    key: ApiKey | None = None
    """Set once the request is authenticated."""

    @property
    def signer(self) -> ApiKey:
        """Return the key that signed; only for endpoints that ask for a right."""
        if self.key is None:
            raise VenueError(500, 500, "endpoint without authentication asked for its account")
        return self.key

    @property
    def account(self) -> str:
        return self.signer.account

    def need(self, name: str) -> str:
        """Return a parameter. ExchangeRefusal ``bad_parameter`` when it is missing or empty."""
        if not (value := self.params.get(name, "")):
            raise ExchangeRefusal("bad_parameter", name)
        return value

    def number(self, name: str) -> Decimal | None:
        """Return a decimal parameter, None when it was not sent."""
        return decimal_of(self.params.get(name), name)

    def integer(self, name: str, default: int) -> int:
        text = self.params.get(name)
        if not text:
            return default
        if not text.lstrip("-").isdigit() or len(text) > 18:
            raise ExchangeRefusal("bad_parameter", name)
        return int(text)

    def json_object(self) -> Sent:
        """Return the body as an object, empty when there is none."""
        return read_object(self.body, "body") if self.body else {}


def read_object(raw: bytes | str, name: str) -> Sent:
    """Return a JSON object as it was sent. ExchangeRefusal ``bad_parameter`` when it is none."""
    try:
        return _OBJECT.decode(raw)
    except msgspec.MsgspecError:
        raise ExchangeRefusal("bad_parameter", name) from None


def read_objects(raw: bytes | str, name: str) -> list[Sent]:
    """Return a JSON list of objects as it was sent. ExchangeRefusal ``bad_parameter`` when it is none."""
    try:
        return _OBJECTS.decode(raw)
    except msgspec.MsgspecError:
        raise ExchangeRefusal("bad_parameter", name) from None


def decimal_of(value: object, name: str) -> Decimal | None:
    """Return the decimal written in a parameter. ExchangeRefusal ``bad_parameter`` when it is none."""
    if value is None or value == "":
        return None
    try:
        return parse_decimal(str(value))
    except ValueError:
        raise ExchangeRefusal("bad_parameter", name) from None
