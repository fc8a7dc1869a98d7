"""Protocol Buffers' wire format, the little that is written by hand: varints, strings, nested messages."""

Value = int | str | bytes
_VARINT, _BYTES = 0, 2


def message(fields: dict[int, Value | list[bytes] | None]) -> bytes:
    """Encode fields by number: integers (not negative) as varints, text and messages with their length.

    Zero, empty text and None are left out, as the format has it; a list is a repeated message.
    """
    parts: list[bytes] = []
    for number, value in fields.items():
        if not value:
            continue
        parts.extend(_field(number, part) for part in (value if isinstance(value, list) else [value]))
    return b"".join(parts)


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    if value < 0:
        raise ValueError("a varint is not negative")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
