"""Every message of every topic survives the wire, unchanged and in the same bytes."""

from decimal import Decimal
from functools import cache
from typing import Any, get_args

import msgspec
import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.errors import Refused
from backfuture_common.messages.codec import Decoder, Message, encode
from backfuture_common.messages.market import Instrument
from backfuture_common.topics import FIXED_TOPICS, Topic, exchange_topics
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOPICS = (*FIXED_TOPICS, *exchange_topics(ExchangeId("paper-kucoin")))
MESSAGES = [(topic, kind) for topic in TOPICS for kind in (get_args(topic.types) or (topic.types,))]

decimals = st.integers(-(10**20), 10**20).map(lambda number: Decimal(number).scaleb(-8))
LARGE = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""For messages of many parts, which take a while to draw on a busy machine."""
texts = st.text(max_size=12)


SIMPLE: dict[object, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**53), 2**53),
    Decimal: decimals,
    bool: st.booleans(),
    type(None): st.none(),
}


def values(kind: object) -> st.SearchStrategy[Any]:
    """Build a strategy from a message's own field types."""
    kind = getattr(kind, "__supertype__", kind)  # a NewType is its base on the wire
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.deferred(lambda: structs(kind))
    return nested(kind, get_args(kind))


def nested(kind: object, args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    origin = getattr(kind, "__origin__", None)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(values(args[0]), max_size=2).map(tuple)
        return st.tuples(*map(values, args))
    if all(isinstance(arg, str) for arg in args):  # a Literal
        return st.sampled_from(args)
    return st.one_of(*map(values, args))


@cache
def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = {field.name: values(field.type) for field in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda given: kind(**given))


@pytest.mark.parametrize(("topic", "kind"), MESSAGES, ids=[f"{t.name}-{k.__name__}" for t, k in MESSAGES])
@LARGE
@given(data=st.data())
def test_a_message_comes_back_as_it_was_sent(topic: Topic, kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(structs(kind))
    wire = encode(message)
    back = Decoder(topic.types).decode(wire)
    assert back == message
    assert type(back) is kind
    assert encode(back) == wire


def tags(topic: Topic) -> set[str]:
    return {kind.__struct_config__.tag for name, kind in MESSAGES if name is topic}


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
def test_every_message_names_its_type_and_version(topic: Topic) -> None:
    for tag in tags(topic):
        name, _, version = tag.rpartition(".v")
        assert name
        assert version.isdigit()


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
@settings(max_examples=30)
@given(raw=st.one_of(st.binary(max_size=60), st.just(b'{"type":"from.the.future.v9"}'), st.just(b"null")))
def test_what_is_no_message_is_refused_and_nothing_else_happens(topic: Topic, raw: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        Decoder(topic.types).decode(raw)
    assert refusal.value.info.code == "message.undecodable"


@pytest.mark.parametrize(("topic", "kind"), MESSAGES, ids=[f"{t.name}-{k.__name__}" for t, k in MESSAGES])
@LARGE
@given(data=st.data())
def test_fields_of_a_later_version_are_ignored(topic: Topic, kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(structs(kind))
    wire = encode(message)
    extended = wire[:-1] + b',"field_of_tomorrow":[1]}'
    assert Decoder(topic.types).decode(extended) == message


@given(structs(Instrument))
def test_money_is_text_on_the_wire(instrument: Instrument) -> None:
    raw = msgspec.json.decode(encode(instrument))
    assert Decimal(raw["price_step"]) == instrument.price_step
    assert isinstance(raw["price_step"], str)
    assert isinstance(raw["updated_ms"], int)
