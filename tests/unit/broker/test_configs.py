"""Topic settings are checked before they are taken."""

import pytest
from backfuture_broker.configs import TopicConfig, config_error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retention.ms", "banana"),
        ("retention.ms", "-2"),
        ("segment.bytes", "-1"),
        ("cleanup.policy", "compost"),
        ("cleanup.policy", ""),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("message.timestamp.type", "Sometime"),
        ("compression.type", "rar"),
        ("no.such.setting", "1"),
        ("retention.ms", None),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str | None) -> None:
    problem = config_error({name: value})

    assert problem is not None
    assert name in problem


def test_right_settings_take_effect() -> None:
    configs = {"cleanup.policy": "compact, delete", "retention.ms": "-1", "min.cleanable.dirty.ratio": "0.1"}

    assert config_error(configs) is None
    config = TopicConfig(configs)
    assert config.compact
    assert config.delete
    assert config.retention_ms == -1
    assert config.dirty_ratio == 0.1


def test_defaults_are_kafkas() -> None:
    config = TopicConfig({})

    assert config.delete
    assert not config.compact
    assert config.retention_ms == 7 * 86_400_000
    assert config.max_message_bytes == 1_048_588
    assert config.after_max_ms == 3_600_000
