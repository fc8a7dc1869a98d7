"""Puts the gateway together and runs it: the one place where its parts meet."""

import asyncio
from dataclasses import dataclass

from argon2 import PasswordHasher
from backfuture_common.bus import KafkaSettings, ensure_topics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.http import health_routes, serve_app
from backfuture_common.runtime.service import Runtime
from backfuture_common.topics import BOT_COMMANDS, MARKET_TICKS, connection_commands
from structlog.stdlib import BoundLogger

from backfuture_gateway.accounts.service import AccountService
from backfuture_gateway.app import create_app
from backfuture_gateway.auth.passwords import Passwords
from backfuture_gateway.auth.service import AuthService
from backfuture_gateway.auth.throttle import LoginThrottle
from backfuture_gateway.auth.tokens import AccessTokens
from backfuture_gateway.bots.service import BotService
from backfuture_gateway.connections.intake import Intake
from backfuture_gateway.connections.janitor import Janitor
from backfuture_gateway.connections.service import ConnectionService
from backfuture_gateway.db.engine import Database, open_database
from backfuture_gateway.db.migrate import migrate
from backfuture_gateway.decisions.service import DecisionService
from backfuture_gateway.events.changes import Changes
from backfuture_gateway.events.pump import Pump, price_teller
from backfuture_gateway.events.stream import Broadcaster
from backfuture_gateway.fingerprints import Fingerprints
from backfuture_gateway.groups.service import GroupService
from backfuture_gateway.health.service import PlatformHealth
from backfuture_gateway.housekeeping import Housekeeping
from backfuture_gateway.http.idempotency import Requests
from backfuture_gateway.market.catalogue import Catalogue
from backfuture_gateway.market.service import MarketService
from backfuture_gateway.orders.service import OrderService
from backfuture_gateway.outbox.outbox import Outbox
from backfuture_gateway.outbox.relay import Relay
from backfuture_gateway.read_model.prices import Prices
from backfuture_gateway.read_model.projector import TOPICS, Projector
from backfuture_gateway.secret_files import load_or_create_key
from backfuture_gateway.services import Services
from backfuture_gateway.settings import GatewaySettings

SERVICE = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The parts of a running gateway."""

    settings: GatewaySettings
    services: Services
    db: Database
    intake: Intake
    prices: Prices
    pump: Pump
    projector: Projector
    relay: Relay
    janitor: Janitor
    housekeeping: Housekeeping
    kafka: KafkaSettings
    health: Health

    async def follow_the_bus(self) -> None:
        """Exchange records with the other services, for ever. Raises Fatal when the bus fails."""
        self.health.set("bus", ok=False, detail="connecting")
        commands = [BOT_COMMANDS, *(connection_commands(one) for one in self.settings.exchange_ids)]
        await ensure_topics(self.kafka, [*TOPICS, MARKET_TICKS, *commands])
        self.health.set("bus", ok=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.projector.run())
            tasks.create_task(self.prices.run(self.kafka, self.health))
            tasks.create_task(self.relay.run())

    async def close(self) -> None:
        await self.intake.close()
        await self.db.close()


def build(
    settings: GatewaySettings, *, clock: Clock, health: Health, log: BoundLogger, hasher: PasswordHasher | None = None
) -> Gateway:
    """Make all parts; nothing is contacted and nothing runs yet. Keys are read from their files, or made."""
    db = open_database(settings.database_address())
    kafka = KafkaSettings.of(settings, service=SERVICE)
    catalogue = Catalogue(settings.exchange_ids)
    fingerprints = Fingerprints(load_or_create_key(settings.fingerprint_key_file))
    tokens = AccessTokens(load_or_create_key(settings.access_key_file), settings.access_ttl_s, clock)
    passwords = Passwords(hasher)
    outbox, changes, requests = Outbox(clock), Changes(), Requests(clock)
    intake = Intake(settings.intake_socket, settings.intake_token_file)
    broadcaster = Broadcaster(clock)
    prices = Prices(db, price_teller(broadcaster, clock))

    connections = ConnectionService(
        db=db, outbox=outbox, intake=intake, requests=requests, fingerprints=fingerprints, catalogue=catalogue,
        changes=changes, clock=clock,
    )  # fmt: skip
    bots = BotService(db=db, outbox=outbox, prices=prices, changes=changes, clock=clock)
    groups = GroupService(db=db, outbox=outbox, prices=prices, clock=clock)
    orders, decisions = OrderService(db), DecisionService(db)
    pump = Pump(
        db=db,
        changes=changes,
        broadcaster=broadcaster,
        presenters={
            "connection": connections.present_many,
            "bot": bots.present_many,
            "group": groups.present_many,
            "order": orders.present_many,
            "decision": decisions.present_many,
        },
    )
    services = Services(
        db=db,
        clock=clock,
        fingerprints=fingerprints,
        requests=requests,
        passwords=passwords,
        auth=AuthService(
            db=db, tokens=tokens, passwords=passwords, throttle=LoginThrottle(clock), clock=clock,
            refresh_ttl_s=settings.refresh_ttl_s,
        ),
        connections=connections,
        bots=bots,
        groups=groups,
        orders=orders,
        decisions=decisions,
        accounts=AccountService(db),
        market=MarketService(db=db, catalogue=catalogue, prices=prices, clock=clock),
        broadcaster=broadcaster,
        health=PlatformHealth(settings.part_addresses, health, clock),
    )  # fmt: skip
    return Gateway(
        settings=settings,
        services=services,
        db=db,
        intake=intake,
        prices=prices,
        pump=pump,
        projector=Projector(
            db=db, kafka=kafka, changes=changes, refused=connections.to_destroy, clock=clock, health=health, log=log
        ),
        relay=Relay(db, outbox, kafka, clock=clock, log=log),
        janitor=Janitor(
            db=db, connections=connections, intake=intake, changes=changes, clock=clock, health=health, log=log
        ),
        housekeeping=Housekeeping(db, requests, clock),
        kafka=kafka,
        health=health,
    )


async def serve(runtime: Runtime[GatewaySettings]) -> None:
    """Run the gateway until the process is told to stop."""
    settings = runtime.settings
    gateway = build(settings, clock=runtime.clock, health=runtime.health, log=runtime.log)
    app = create_app(gateway.services, runtime.log, health_routes(runtime))
    try:
        await migrate(gateway.db)
        await runtime.until_stopped(
            serve_app(runtime, app, host=settings.http_host, port=settings.http_port),
            gateway.follow_the_bus(),
            gateway.pump.run(),
            gateway.janitor.run(),
            gateway.housekeeping.run(),
            gateway.services.health.run(),
        )
    finally:
        await gateway.close()
