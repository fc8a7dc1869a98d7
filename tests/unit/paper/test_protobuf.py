"""Protocol Buffers' wire format, against the examples of its own specification."""

import pytest
from backfuture_paper.core.protobuf import message


def test_a_varint() -> None:
    assert message({1: 150}) == bytes.fromhex("089601")


def test_text() -> None:
    assert message({2: "testing"}) == bytes.fromhex("120774657374696e67")


def test_a_nested_and_repeated_message() -> None:
    assert message({3: message({1: 150})}) == bytes.fromhex("1a03089601")
    assert message({3: [message({1: 1}), message({1: 2})]}) == bytes.fromhex("1a0208011a020802")


def test_defaults_are_left_out() -> None:
    assert message({1: 0, 2: "", 3: None, 4: []}) == b""


def test_a_negative_number_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not negative"):
        message({1: -1})
