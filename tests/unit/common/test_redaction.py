"""What must not be seen in a log, by example."""

import pytest
from backfuture_common.runtime.redaction import MASK, is_secret_name, redact, redact_text

HIDDEN = "hunter2hunter2hunter2"


@pytest.mark.parametrize(
    "name",
    [
        "secret", "apiSecret", "API_KEY", "api-key", "apiKey", "password", "db_passwd", "passphrase", "access_token",
        "Authorization", "X-Signature", "listenKey", "KC-API-PASSPHRASE", "private_key", "Set-Cookie", "lease",
        "mac_b64", "credential",
    ],
)  # fmt: skip
def test_fields_with_these_names_are_masked_whatever_they_hold(name: str) -> None:
    assert redact({"outer": [{name: HIDDEN}]}) == {"outer": [{name: MASK}]}
    assert redact({name: {"nested": HIDDEN}}) == {name: MASK}


@pytest.mark.parametrize("name", ["symbol", "key", "release", "exchange", "token_file", "signal", "keyboard"])
def test_harmless_names_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://api.example.test/v3/order?symbol=BTC&signature={HIDDEN}&timestamp=1",
        f"GET /v3/order?listenKey={HIDDEN}",
        f"Authorization: Bearer {HIDDEN}",
        f"authorization=Basic {HIDDEN}",
        f'{{"apiKey": "{HIDDEN}", "x": 1}}',
        f"{{'secret': '{HIDDEN}'}}",
        f"password={HIDDEN}, retrying",
        f"postgresql+asyncpg://backfuture:{HIDDEN}@db:5432/bf",
        f"headers: X-MEXC-APIKEY: {HIDDEN}",
        f"KC-API-SIGN: {HIDDEN}",
        f"hvs.{HIDDEN}",
        f"eyJhbGciOi.eyJzdWIiOiIx{HIDDEN}.{HIDDEN}",
        f'{{"passphrase":"with \\" quote {HIDDEN}"}}',
    ],
)
def test_secrets_inside_texts_are_masked(text: str) -> None:
    assert HIDDEN not in redact_text(text)
    assert MASK in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789abcdef",
        "Zm9vYmFyMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A0NTY3ODk=",
        "aGVsbG8gd29ybGQgMTIzNDU2Nzg5MCBBQkNERUZHSElKS0xN_-0",
    ],
)
def test_long_keys_are_known_by_their_look(text: str) -> None:
    assert redact_text(f"got {text} from somewhere") == f"got {MASK} from somewhere"


@pytest.mark.parametrize(
    "text",
    [
        "order bqx3k5zl7mnpr2stuvwx4yzab26 filled at 27123.45 on paper-kucoin BTC/USDT",
        "bot_k3v9aaaabbbbcccc-g12 opened",
        "listening on 127.0.0.1:8700",
        "took 12.5 ms, 5 requests left",
        "services/connector/backfuture_connector/ledger.py:17",
    ],
)
def test_ordinary_texts_stay_readable(text: str) -> None:
    assert redact_text(text) == text


def test_very_long_texts_are_cut() -> None:
    assert len(redact_text("x y " * 100_000)) < 25_000


def test_depth_is_bounded() -> None:
    value: object = HIDDEN
    for _ in range(50):
        value = [value]
    assert HIDDEN not in str(redact(value))
