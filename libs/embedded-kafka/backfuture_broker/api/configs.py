"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: for topics only."""

from collections.abc import Callable, Mapping

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.configs import DEFAULTS, config_error
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.wire import Writer

_TOPIC, _BROKER = 2, 4  # kinds of resources
_SET, _DELETE, _APPEND = 0, 1, 2  # operations; the last one is 3, to subtract
_FROM_TOPIC, _DEFAULT = 1, 5  # where a value comes from

Configs = dict[str, str | None]
_Operation = tuple[str, int, str | None]


def describe(serving: Serving, request: Request) -> Writer:
    body = request.body
    asked = body.array(lambda: (body.i8(), body.text(), body.nullable_array(body.text)))
    answer = Writer().i32(THROTTLE_MS)

    def one(kind: int, name: str, keys: list[str] | None) -> None:
        topic = serving.broker.topics.get(name) if kind == _TOPIC else None
        own: Mapping[str, str] = topic.config.configs if topic else {}
        values: Mapping[str, str] = {**DEFAULTS, **own} if topic else {}
        if kind == _BROKER:
            values = {"log.dirs": str(serving.broker.folder)}
        missing = kind == _TOPIC and topic is None
        answer.i16(Code.UNKNOWN_TOPIC_OR_PARTITION if missing else Code.NONE).text(None).i8(kind).text(name)

        def config(key: str) -> None:
            answer.text(key).text(values[key]).flag(False)  # not read-only
            answer.i8(_FROM_TOPIC if key in own else _DEFAULT).flag(False).i32(0)  # not secret, no synonyms

        answer.array([key for key in values if keys is None or key in keys], config)

    return answer.array(asked, lambda each: one(*each))


def alter(serving: Serving, request: Request) -> Writer:
    """Replace all settings of a topic."""
    body = request.body

    def settings() -> Configs:
        return dict(body.array(lambda: (body.text(), body.nullable_text())))

    asked = body.array(lambda: (body.i8(), body.text(), settings()))
    only_check = body.flag()
    answer = Writer().i32(THROTTLE_MS)

    def one(kind: int, name: str, new: Configs) -> None:
        wanted = {key: value for key, value in new.items() if value is not None}
        error, message = _change(serving, kind, name, lambda _: {**wanted}, only_check=only_check)
        answer.i16(error).text(message).i8(kind).text(name)

    return answer.array(asked, lambda each: one(*each))


def alter_some(serving: Serving, request: Request) -> Writer:
    """Change single settings of a topic."""
    body = request.body

    def operation() -> _Operation:
        return body.text(), body.i8(), body.nullable_text()

    asked = body.array(lambda: (body.i8(), body.text(), body.array(operation)))
    only_check = body.flag()
    answer = Writer().i32(THROTTLE_MS)

    def one(kind: int, name: str, operations: list[_Operation]) -> None:
        error, message = _change(serving, kind, name, lambda old: _apply(old, operations), only_check=only_check)
        answer.i16(error).text(message).i8(kind).text(name)

    return answer.array(asked, lambda each: one(*each))


def _apply(old: Mapping[str, str], operations: list[_Operation]) -> Configs:
    new: Configs = {**old}
    for key, operation, value in operations:
        if operation == _SET:
            new[key] = value
        elif operation == _DELETE:
            new.pop(key, None)
        else:
            words = [word for word in (new.get(key) or DEFAULTS.get(key, "")).split(",") if word and word != value]
            new[key] = ",".join([*words, value or ""] if operation == _APPEND else words)
    return new


def _change(
    serving: Serving, kind: int, name: str, new: Callable[[Mapping[str, str]], Configs], *, only_check: bool
) -> tuple[Code, str | None]:
    topic = serving.broker.topics.get(name)
    if kind != _TOPIC:
        return Code.INVALID_REQUEST, "Only settings of topics can be changed."
    if topic is None:
        return Code.UNKNOWN_TOPIC_OR_PARTITION, None
    configs = new(topic.config.configs)
    if problem := config_error(configs):
        return Code.INVALID_CONFIG, problem
    if not only_check:
        try:
            serving.broker.topics.configure(topic, {key: value for key, value in configs.items() if value is not None})
        except StorageFullError:
            return Code.STORAGE_ERROR, "No room left on the broker's disk."
    return Code.NONE, None
