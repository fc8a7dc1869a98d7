"""JSON of the messages, both ways. Decimals are text, times integer milliseconds."""

from typing import Any, TypeVar, dataclass_transform

import msgspec

from backfuture_common.errors import Refused

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of everything that stands on a topic of its own. Subclasses give ``tag="name.vN"``."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what stands only inside a message."""


def encode(message: Message) -> bytes:
    """Return the message as JSON bytes, the same bytes for equal messages."""
    return _encoder.encode(message)


def encode_part(part: Part) -> bytes:
    """Return a part as JSON bytes, as it would stand inside its message."""
    return _encoder.encode(part)


class Decoder:
    """Decodes one topic's messages.

    ``decode`` raises :class:`Refused` (code ``message.undecodable``) for bytes that are not one
    of the given types; the caller decides between the dead-letter topic and stopping.
    """

    def __init__(self, types: Any) -> None:
        self._decoder = msgspec.json.Decoder(types)

    def decode(self, raw: bytes) -> Any:
        try:
            return self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused("message.undecodable", f"the record is not a known message: {error}") from None
