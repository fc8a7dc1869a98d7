"""No secret survives, wherever it stands in what is logged."""

import io
import json

import structlog
from backfuture_common.runtime.logging import redact_event
from backfuture_common.runtime.redaction import MASK, redact
from hypothesis import given
from hypothesis import strategies as st

NAMES = ["apiKey", "secret", "api_secret", "password", "passphrase", "token", "Authorization", "signature", "listenKey"]
secrets = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.~", min_size=12, max_size=80)
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc .,", max_size=20))


def around(secret: str) -> st.SearchStrategy[object]:
    """The secret at some place in a nested structure, told by its name there."""
    named = st.sampled_from(NAMES).flatmap(
        lambda name: st.sampled_from(
            [
                {name: secret},
                {name: [secret, {"deeper": secret}]},
                {name: secret.encode()},
                f"https://api.example.test/v1/order?symbol=BTC&{name}={secret}&timestamp=1",
                f'request failed: {{"{name}": "{secret}"}}',
                f"{name}={secret}",
                ValueError(f"bad {name}: '{secret}'"),
            ]
        )
    )
    return st.recursive(
        named,
        lambda inner: st.one_of(
            st.lists(st.one_of(inner, plain), max_size=3).flatmap(lambda others: inner.map(lambda x: [*others, x])),
            st.dictionaries(st.text("fgh", min_size=1, max_size=4), plain, max_size=3).flatmap(
                lambda others: inner.map(lambda x: {**others, "nested": x})
            ),
            inner.map(lambda x: (x, "beside")),
        ),
        max_leaves=4,
    )


@given(st.data(), secrets)
def test_a_named_secret_never_survives(data: st.DataObject, secret: str) -> None:
    value = data.draw(around(secret))
    told = json.dumps(redact(value))
    assert secret not in told
    assert MASK in told


@given(st.data(), secrets)
def test_what_reaches_the_log_is_redacted_in_every_field(data: st.DataObject, secret: str) -> None:
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out), processors=[redact_event, structlog.processors.JSONRenderer()]
    )
    log.info("something.happened", detail=data.draw(around(secret)), **{data.draw(st.sampled_from(NAMES)): secret})
    assert secret not in out.getvalue()


@given(st.binary(min_size=32, max_size=64).map(bytes.hex))
def test_long_hexadecimal_keys_are_masked_without_a_name(key: str) -> None:
    assert key not in str(redact(f"sent {key} to nobody"))


harmless = st.recursive(
    plain, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("xyz"), inner)), max_leaves=6
)


@given(harmless)
def test_what_is_not_secret_is_kept(value: object) -> None:
    assert redact(value) == value


@given(st.text(max_size=300))
def test_any_text_can_be_redacted_and_doing_it_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
