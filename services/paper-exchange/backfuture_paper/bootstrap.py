"""Puts the paper exchange together and runs it."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from backfuture_common.errors import Fatal
from backfuture_common.runtime.service import Runtime

from backfuture_paper.core.instruments import Venue, kucoin_rules, mexc_rules, traded
from backfuture_paper.kucoin import api as kucoin_api
from backfuture_paper.kucoin.stream import KucoinStream
from backfuture_paper.market import Market
from backfuture_paper.mexc import api as mexc_api
from backfuture_paper.mexc.stream import MexcStream
from backfuture_paper.sessions import Sessions
from backfuture_paper.settings import PaperSettings
from backfuture_paper.sources import PriceSource
from backfuture_paper.sources.generated import GeneratedPrices
from backfuture_paper.sources.mirror import MirroredPrices
from backfuture_paper.store import Store
from backfuture_paper.web.control_api import ControlApi
from backfuture_paper.web.faults import Faults
from backfuture_paper.web.health_api import HealthApi
from backfuture_paper.web.paper_api import PaperApi
from backfuture_paper.web.pipeline import VenueApi, VenueHandler
from backfuture_paper.web.streams import StreamHandler
from backfuture_paper.world import World

SERVICE = "paper-exchange"
_REPLAY_ANCHOR = "replay_anchor_ms"
_SHUTDOWN_S = 2.0


@dataclass(frozen=True)
class Parts:
    """Everything that lives as long as the process."""

    store: Store
    world: World
    market: Market
    source: PriceSource
    exchange: web.Application
    control: web.Application
    streams: dict[Venue, StreamHandler]


async def run_exchange(runtime: Runtime[PaperSettings]) -> None:
    """Run until the process is to stop."""
    settings = runtime.settings
    parts = build(runtime)
    runners = [await _serve(runtime, parts.exchange, "paper.listening", settings.http_host, settings.http_port)]
    try:
        if settings.paper_control_port is not None:
            address = "127.0.0.1", settings.paper_control_port
            runners.append(await _serve(runtime, parts.control, "paper.control_listening", *address))
        await runtime.until_stopped(
            parts.market.run(runtime.health), parts.source.keep_up(), parts.world.until_broken()
        )
    finally:
        for stream in parts.streams.values():
            for connection in stream.connections:
                connection.drop()
        for runner in runners:
            await runner.cleanup()
        parts.store.close()


def build(runtime: Runtime[PaperSettings]) -> Parts:
    """Make all parts from the settings and what is on disk."""
    settings = runtime.settings
    store = Store(settings.paper_dir / "exchange.sqlite3")
    source = _source(runtime, store)
    rules = [
        kucoin_rules(settings.paper_kucoin_duplicate_ids),
        mexc_rules(settings.paper_mexc_duplicate_ids),
    ]
    world = World(store, runtime.clock, [traded(rule, source.symbols) for rule in rules])
    market = Market(world, source, tick_ms=settings.paper_tick_ms, depth=settings.depth())
    sessions = Sessions(store)
    faults = Faults(recording=settings.paper_control_port is not None)
    percent = settings.paper_rate_limit_percent
    kucoin = kucoin_api.KucoinApi(
        world, market, sessions, unknown_order=settings.paper_kucoin_unknown_order, limit_percent=percent
    )
    mexc = mexc_api.MexcApi(world, market, sessions, limit_percent=percent)
    kucoin_stream = KucoinStream(world, sessions, kucoin.view)
    mexc_stream = MexcStream(world, sessions, mexc.view)
    for stream in (kucoin_stream, mexc_stream):
        world.listen(stream.on_changes)
        market.listen(stream.on_tick)
    streams: dict[Venue, StreamHandler] = {
        "kucoin": StreamHandler(kucoin_stream, kucoin_stream.connections),
        "mexc": StreamHandler(mexc_stream, mexc_stream.connections),
    }
    futures = kucoin_api.KucoinFuturesApi(world, market, sessions)
    own = [*HealthApi(SERVICE, runtime.health).routes(), *PaperApi(world, market).routes()]
    apis: list[VenueApi] = [kucoin, futures, mexc]
    exchange = _application(own, {api.prefix: VenueHandler(api, world, faults) for api in apis}, streams)
    control = web.Application()
    control.add_routes(ControlApi(world, market, sessions, faults, streams).routes())
    return Parts(store, world, market, source, exchange, control, streams)


def _application(
    own: Iterable[web.RouteDef], venues: dict[str, VenueHandler], streams: dict[Venue, StreamHandler]
) -> web.Application:
    app = web.Application()
    app.add_routes(own)
    app.router.add_get(kucoin_api.WS_PATH, streams["kucoin"].serve)
    app.router.add_get(mexc_api.WS_PATH, streams["mexc"].serve)
    for prefix, handler in venues.items():
        app.router.add_route("*", f"{prefix}/api/{{rest:.*}}", handler.serve)
    return app


def _source(runtime: Runtime[PaperSettings], store: Store) -> PriceSource:
    settings = runtime.settings
    if settings.paper_source == "generated":
        return GeneratedPrices(settings.path(), settings.paper_spread_ppm)
    if settings.paper_source == "mirror":
        return MirroredPrices(settings.paper_mirror, runtime.log, url=settings.paper_mirror_url)
    if settings.paper_recording_dir is None:
        raise Fatal("paper.no_recording", "BACKFUTURE_PAPER_RECORDING_DIR is not set")
    from backfuture_paper.sources.recorded import RecordedPrices  # noqa: PLC0415 - pyarrow is large and seldom needed

    anchor = store.fact(_REPLAY_ANCHOR)
    if anchor is None:
        anchor = str(runtime.clock.now_ms())
        store.put_fact(_REPLAY_ANCHOR, anchor)
    return RecordedPrices(settings.paper_recording_dir, int(anchor), settings.paper_recording_speed_percent)


async def _serve(
    runtime: Runtime[PaperSettings], app: web.Application, event: str, host: str, port: int
) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise Fatal("http.address_taken", f"cannot listen on {host}:{port}: {error.strerror}") from None
    bound = runner.addresses[0]
    runtime.log.info(event, address=f"{bound[0]}:{bound[1]}")
    return runner
