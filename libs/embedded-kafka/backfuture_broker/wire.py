"""Kafka's primitive types: a reader that trusts no length, and a writer that grows.

Only the encodings without "flexible" fields are spoken (aiokafka uses no other; librdkafka and the Java client step
down by ApiVersions).
"""

import struct
from collections.abc import Callable, Iterable
from typing import Self, TypeVar

from backfuture_broker.errors import MalformedError

Item = TypeVar("Item")

_I8, _I16, _I32, _I64 = struct.Struct(">b"), struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")


class Reader:
    """Reads one request from its start. Every method raises MalformedError when the bytes end too early."""

    __slots__ = ("_bytes", "_end", "_position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._bytes, self._position, self._end = memoryview(data), position, len(data)

    def _number(self, shape: struct.Struct) -> int:
        try:
            value: int = shape.unpack_from(self._bytes, self._position)[0]
        except struct.error as problem:
            raise MalformedError("the frame ends inside a number") from problem
        self._position += shape.size
        return value

    def i8(self) -> int:
        return self._number(_I8)

    def i16(self) -> int:
        return self._number(_I16)

    def i32(self) -> int:
        return self._number(_I32)

    def i64(self) -> int:
        return self._number(_I64)

    def flag(self) -> bool:
        return self._number(_I8) != 0

    def _take(self, size: int) -> memoryview:
        start, end = self._position, self._position + size
        if end > self._end:
            raise MalformedError("the frame ends inside a field")
        self._position = end
        return self._bytes[start:end]

    def nullable_text(self) -> str | None:
        size = self.i16()
        if size < 0:
            return None
        try:
            return str(self._take(size), "utf-8")
        except UnicodeDecodeError as problem:
            raise MalformedError("text is not UTF-8") from problem

    def text(self) -> str:
        value = self.nullable_text()
        if value is None:
            raise MalformedError("a text that must be there is null")
        return value

    def blob(self) -> memoryview:
        """Return bytes without copying them; null reads as empty."""
        size = self.i32()
        return self._take(max(size, 0))

    def nullable_array(self, item: Callable[[], Item]) -> list[Item] | None:
        """Read items one by one. An item takes at least one byte, so a longer count is refused before any memory is."""
        count = self.i32()
        if count > self._end - self._position:
            raise MalformedError("an array is longer than its frame")
        return None if count < 0 else [item() for _ in range(count)]

    def array(self, item: Callable[[], Item]) -> list[Item]:
        return self.nullable_array(item) or []


class Writer(bytearray):
    """Collects one answer. Every method returns the writer, so fields can be chained in the order of the protocol."""

    def i8(self, value: int) -> Self:
        self.extend(_I8.pack(value))
        return self

    def i16(self, value: int) -> Self:
        self.extend(_I16.pack(value))
        return self

    def i32(self, value: int) -> Self:
        self.extend(_I32.pack(value))
        return self

    def i64(self, value: int) -> Self:
        self.extend(_I64.pack(value))
        return self

    def flag(self, value: bool) -> Self:
        self.append(1 if value else 0)
        return self

    def text(self, value: str | None) -> Self:
        if value is None:
            return self.i16(-1)
        encoded = value.encode()
        self.i16(len(encoded))
        self.extend(encoded)
        return self

    def blob(self, value: bytes | bytearray | memoryview) -> Self:
        self.i32(len(value))
        self.extend(value)
        return self

    def array(self, items: Iterable[Item], write: Callable[[Item], object]) -> Self:
        listed = list(items)
        self.i32(len(listed))
        for item in listed:
            write(item)
        return self
