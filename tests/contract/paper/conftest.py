"""One paper exchange for the suite, and ccxt instances that only have their URLs changed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import ccxt.pro
import pytest

from tests.support.paper import Credentials, Paper, kucoin_urls, mexc_urls, running_paper

Connect = Callable[..., Awaitable[Any]]
MARKETS: dict[str, Any] = {}
CLASSES: dict[str, Any] = {"kucoin": (ccxt.pro.kucoin, kucoin_urls), "mexc": (ccxt.pro.mexc, mexc_urls)}


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    with running_paper(tmp_path_factory.mktemp("paper")) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(paper: Paper) -> Iterator[None]:
    yield
    paper.clear_faults()
    paper.control("clock", offset_ms=0)
    paper.control("prices", paused=False)
    paper.control("streams", action="accept")
    for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        paper.control("price", symbol=symbol)
        paper.control("fills", symbol=symbol, stopped=False)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a function that opens a ccxt instance: ``await connect(paper, "kucoin", credentials)``.

    Markets are loaded once per venue and handed on, unless ``fresh`` ones are asked for.
    """
    opened: list[Any] = []

    async def make(
        paper: Paper, venue: str, credentials: Credentials | None = None, *, fresh: bool = False, **options: Any
    ) -> Any:
        exchange = make_exchange(paper, venue, credentials, **options)
        opened.append(exchange)
        if fresh:
            await exchange.load_markets()
        else:
            if venue not in MARKETS:
                MARKETS[venue] = await markets_of(paper, venue)
            exchange.open()  # else ccxt's streams find no event loop when no request was made yet
            exchange.set_markets(list(MARKETS[venue].values()))
        return exchange

    yield make
    for exchange in opened:
        await exchange.close()


async def markets_of(paper: Paper, venue: str) -> dict[str, Any]:
    """Load the markets as nobody: with a key ccxt would use it, and a wrong one would fail here."""
    nobody = make_exchange(paper, venue)
    try:
        return dict(await nobody.load_markets())
    finally:
        await nobody.close()


def make_exchange(paper: Paper, venue: str, credentials: Credentials | None = None, **options: Any) -> Any:
    """Return ccxt's own class with other URLs. KuCoin's account kind is told, as ccxt asks its users to do."""
    cls, urls = CLASSES[venue]
    config: dict[str, Any] = {"enableRateLimit": False, "timeout": 5_000, "urls": {"api": urls(paper.url)}, **options}
    config.setdefault("options", {}).update({"hf": True, "uta": False} if venue == "kucoin" else {})
    if credentials:
        config |= {
            "apiKey": credentials["api_key"],
            "secret": credentials["secret"],
            "password": credentials.get("passphrase", ""),
        }
    exchange = cls(config)
    exchange.timeout_on_exit = 0
    if venue == "mexc":
        exchange.has["fetchCurrencies"] = False  # asks with a right that a trading key does not have
    return exchange
