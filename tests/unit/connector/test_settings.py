"""Paper and live never mix, and a connector without its parts does not start."""

from pathlib import Path

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_connector.settings import ConnectorSettings
from pydantic import ValidationError


def settings(exchange: str, url: str | None) -> ConnectorSettings:
    return ConnectorSettings(
        exchange=ExchangeId(exchange),
        exchange_url=url,
        dispense_socket=Path("dispense.sock"),
        dispense_token_file=Path("token"),
    )


@pytest.mark.parametrize(("exchange", "url"), [("paper-kucoin", "http://127.0.0.1:8705/kucoin"), ("mexc", None)])
def test_a_paper_exchange_has_an_address_and_a_live_one_has_none(exchange: str, url: str | None) -> None:
    assert settings(exchange, url).exchange == exchange


@pytest.mark.parametrize(
    ("exchange", "url"),
    [
        ("paper-kucoin", None),
        ("kucoin", "http://127.0.0.1:8705/kucoin"),
        ("binance", None),
        ("paper-binance", "http://127.0.0.1:8705/binance"),
        ("paper-mexc", "ftp://127.0.0.1/mexc"),
        ("paper-mexc", "http://127.0.0.1/mexc?x=1"),
    ],
)
def test_everything_else_is_refused(exchange: str, url: str | None) -> None:
    with pytest.raises(ValidationError):
        settings(exchange, url)
