"""The codec trusts no length, and reads back what it writes."""

import struct

import pytest
from backfuture_broker.errors import MalformedError
from backfuture_broker.wire import Reader, Writer


def test_what_is_written_is_read_back() -> None:
    written = Writer().i8(-3).i16(300).i32(-70_000).i64(1 << 40).flag(True).text("fünf").text(None).blob(b"xyz")
    written.array([1, 2, 3], written.i32)

    reader = Reader(bytes(written))

    assert (reader.i8(), reader.i16(), reader.i32(), reader.i64(), reader.flag()) == (-3, 300, -70_000, 1 << 40, True)
    assert reader.text() == "fünf"
    assert reader.nullable_text() is None
    assert bytes(reader.blob()) == b"xyz"
    assert reader.array(reader.i32) == [1, 2, 3]


@pytest.mark.parametrize("method", ["i8", "i16", "i32", "i64", "flag", "text", "blob"])
def test_a_frame_that_ends_too_early_is_malformed(method: str) -> None:
    with pytest.raises(MalformedError):
        getattr(Reader(b""), method)()


def test_a_text_longer_than_its_frame_is_malformed() -> None:
    with pytest.raises(MalformedError):
        Reader(struct.pack(">h", 100) + b"short").text()


def test_a_text_that_is_not_utf8_is_malformed() -> None:
    with pytest.raises(MalformedError):
        Reader(struct.pack(">h", 1) + b"\xff").text()


def test_a_null_where_a_text_must_be_is_malformed() -> None:
    with pytest.raises(MalformedError):
        Reader(struct.pack(">h", -1)).text()


def test_an_array_that_announces_more_than_its_frame_can_hold_is_refused_before_any_item_is_read() -> None:
    items_read = 0

    def item() -> None:
        nonlocal items_read
        items_read += 1

    with pytest.raises(MalformedError):
        Reader(struct.pack(">i", 0x7FFFFFFF) + b"xx").array(item)
    assert items_read == 0


def test_a_null_array_reads_as_null_or_as_empty() -> None:
    reader = Reader(struct.pack(">ii", -1, -1))

    assert reader.nullable_array(reader.i8) is None
    assert reader.array(reader.i8) == []
