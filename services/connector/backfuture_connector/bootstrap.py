"""Puts one connector together: the one place where its parts meet."""

import asyncio

from backfuture_common.bus import Committer, KafkaSettings, Publisher, Table, ensure_topics
from backfuture_common.messages.connections import ConnectionState
from backfuture_common.runtime.service import Runtime
from backfuture_common.topics import (
    ACCOUNT_BALANCES,
    CONNECTION_EVENTS,
    MARKET_INSTRUMENTS,
    MARKET_SUBSCRIPTIONS,
    MARKET_TICKS,
    ORDER_EVENTS,
    exchange_topics,
)

from backfuture_connector.adapters.ccxt_factory import CcxtFactory
from backfuture_connector.adapters.key_vault import BlockingSigner, KeyVault
from backfuture_connector.core.facts import venue_of
from backfuture_connector.core.recovery import Rules
from backfuture_connector.settings import ConnectorSettings
from backfuture_connector.shell.account import Surroundings
from backfuture_connector.shell.accounts import Accounts
from backfuture_connector.shell.commands import CommandReader
from backfuture_connector.shell.connection_test import Bench
from backfuture_connector.shell.instruments import Instruments
from backfuture_connector.shell.keeping import Times
from backfuture_connector.shell.ledger import Ledger
from backfuture_connector.shell.limiter import Limiter
from backfuture_connector.shell.market import Market
from backfuture_connector.shell.quiet import QuietMarkets
from backfuture_connector.shell.telling import Teller
from backfuture_connector.shell.watching import measure, prune_ledger, watch_exchange, watch_keys

_PARTS = ("kafka", "key-vault", "exchange", "feed")


async def serve(runtime: Runtime[ConnectorSettings]) -> None:
    """Live as this exchange's connector until told to stop. Start-up is the recovery: fence, read, then work."""
    settings, health = runtime.settings, runtime.health
    for part in _PARTS:
        health.set(part, ok=False, detail="starting")
    kafka = KafkaSettings.of(settings, service="connector", instance=settings.exchange)
    shared_topics = (MARKET_TICKS, MARKET_INSTRUMENTS, MARKET_SUBSCRIPTIONS, ORDER_EVENTS, CONNECTION_EVENTS)
    await ensure_topics(kafka, (*shared_topics, ACCOUNT_BALANCES, *exchange_topics(settings.exchange)))
    async with Publisher(kafka) as publisher, Committer(kafka, f"connector.{settings.exchange}") as committer:
        ledger = Ledger(kafka, settings.exchange, committer)
        await ledger.restore()
        async with Table(kafka, CONNECTION_EVENTS) as table:
            states = [state for state in table.values() if isinstance(state, ConnectionState)]
        health.set("kafka", ok=True)
        await runtime.until_stopped(_work(runtime, kafka, publisher, ledger, states))


async def _work(
    runtime: Runtime[ConnectorSettings],
    kafka: KafkaSettings,
    publisher: Publisher,
    ledger: Ledger,
    states: list[ConnectionState],
) -> None:
    settings, clock, health = runtime.settings, runtime.clock, runtime.health
    keys = KeyVault(settings.dispense_socket, settings.dispense_token_file)
    signer = BlockingSigner(settings.dispense_socket, settings.exchange)
    limiter = Limiter(venue_of(settings.exchange), clock)
    factory = CcxtFactory(
        settings.exchange,
        settings.exchange_url,
        limiter,
        signer,
        clock,
        timeout_s=settings.exchange_timeout_s,
    )
    instruments = Instruments(factory.load_instruments, publisher, clock, health, settings.instruments_refresh_s)
    market = Market(
        settings.exchange,
        open_feed=factory.feed,
        per_feed=factory.topics_per_feed,
        publisher=publisher,
        instruments=instruments,
        clock=clock,
        health=health,
    )
    bench = Bench(
        public=factory.public,
        keys=keys,
        open_account=factory.account,
        clock=clock,
        trial_market=instruments.trial_market,
        newest_price=market.newest,
    )
    surroundings = Surroundings(
        bench=bench,
        teller=Teller(publisher),
        ledger=ledger,
        rules=Rules(),
        times=Times(reconcile_s=settings.reconcile_s, recheck_s=settings.recheck_s),
        instrument=instruments.get,
    )
    accounts = Accounts(settings.exchange, surroundings)
    accounts.restore(states)
    try:
        await instruments.first_load()
        async with (
            Table(kafka, MARKET_SUBSCRIPTIONS, on_change=market.on_wish) as wishes,
            asyncio.TaskGroup() as group,
        ):
            for work in (
                ledger.run(),
                accounts.run(),
                CommandReader(kafka, settings.exchange, accounts, publisher).run(),
                wishes.run(),
                market.run(),
                QuietMarkets(market, factory.public, clock).run(),
                instruments.run(),
                watch_exchange(factory.public, health),
                watch_keys(keys.why_not_ready, health),
                prune_ledger(ledger, clock),
                measure(
                    settings.exchange,
                    clock,
                    budget_left=limiter.left,
                    oldest_doubt_ms=ledger.oldest_doubt_ms,
                    first_expiry_ms=accounts.first_expiry_ms,
                ),
            ):
                group.create_task(work)
    finally:
        await factory.close()
