"""Connections from the first key to the last trace of it."""

import asyncio
from collections.abc import Sequence

from backfuture_common.contracts.key_vault import CredentialStatus, StoreCredential
from backfuture_common.domain.ids import BotId, CommandId, ConnectionId, ExchangeId, UserId, new_id
from backfuture_common.errors import Unknown
from backfuture_common.messages.bots import StopBot
from backfuture_common.messages.connections import RemoveConnection, TestConnection
from backfuture_common.runtime.clock import Clock
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.connections import repository
from backfuture_gateway.connections.intake import Intake
from backfuture_gateway.connections.presenting import present
from backfuture_gateway.connections.schemas import ConnectionCreate, ConnectionOut
from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import ConnectionRow
from backfuture_gateway.events.changes import Change, Changes
from backfuture_gateway.fingerprints import Fingerprints
from backfuture_gateway.http.errors import ApiError, Conflict, Invalid, NotFound, OutcomeUnknown
from backfuture_gateway.http.idempotency import Answer, RequestKey, Requests
from backfuture_gateway.market.catalogue import Catalogue, Exchange
from backfuture_gateway.outbox.outbox import Outbox

UNKNOWN_GRACE_MS = 60_000
"""How long after an unknown outcome a credential may still arrive at the vault; it is destroyed after that."""


class ConnectionService:
    """What owners do with their connections."""

    def __init__(
        self, *, db: Database, outbox: Outbox, intake: Intake, requests: Requests, fingerprints: Fingerprints,
        catalogue: Catalogue, changes: Changes, clock: Clock,
    ) -> None:  # fmt: skip
        self._db = db
        self._outbox = outbox
        self._intake = intake
        self._requests = requests
        self._fingerprints = fingerprints
        self._catalogue = catalogue
        self._changes = changes
        self._clock = clock
        self.to_destroy = asyncio.Event()

    async def list_of(self, owner: UserId) -> list[ConnectionOut]:
        async with self._db.read() as session:
            return [present(row, view) for row, view in await repository.list_of(session, owner)]

    async def get(self, owner: UserId, connection_id: str) -> ConnectionOut:
        async with self._db.read() as session:
            row, view = await self._find(session, owner, connection_id)
            return present(row, view)

    async def present_many(self, session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, ConnectionOut]]:
        """Return owner and look of these connections."""
        return [(row.owner_id, present(row, view)) for row, view in await repository.find_many(session, ids)]

    async def create(self, owner: UserId, wanted: ConnectionCreate, key: RequestKey | None) -> Answer:
        """Store a key and have it tested.

        The row stands before the key is stored and says ``storing``; so whatever happens in between, what is in the
        vault is known here, and is taken up or destroyed (see the janitor).
        """
        exchange = self._catalogue.require(wanted.exchange)
        passphrase = _passphrase(exchange, wanted)
        reserved = await self._reserve(owner, exchange, wanted, key)
        if isinstance(reserved, Answer):
            return reserved
        try:
            stored = await self._intake.store(
                owner,
                ConnectionId(reserved.id),
                StoreCredential(
                    exchange=exchange.id,
                    api_key=wanted.api_key.get_secret_value(),
                    secret=wanted.secret.get_secret_value(),
                    passphrase=passphrase,
                    expected_version=0,
                ),
            )
        except Unknown:
            found = await self._ask(reserved)
            if found is None:
                await self.discard(reserved.id, after_ms=self._clock.now_ms() + UNKNOWN_GRACE_MS)
                raise _unknown_outcome() from None
            version, hint = found.version, found.hint
        except ApiError:
            await self._forget(reserved.id)
            raise
        else:
            version, hint = stored.version, stored.hint
        answer = await self.keep(reserved.id, version, hint)
        if answer is None:
            raise _unknown_outcome()
        return answer

    async def keep(self, connection_id: str, version: int, hint: str) -> Answer | None:
        """Take up a stored credential: one transaction with the order to test it and with the request's answer.

        None when the connection is no longer on its way in. Doing it twice does it once.
        """
        async with self._db.write() as session:
            row = await session.get(ConnectionRow, connection_id)
            if row is None or row.phase not in {"storing", "kept"}:
                return None
            if row.phase == "storing":
                row.phase = "kept"
                row.hint = hint
                row.credential_version = version
                self._request_test(session, row)
            answer = Answer(201, present(row, None).model_dump_json())
            await self._requests.finish(session, row.owner_id, row.request_key, answer)
            return answer

    async def discard(self, connection_id: str, *, after_ms: int) -> None:
        """Give up a connection whose key may or may not be in the vault: have it destroyed there, then forget it."""
        async with self._db.write() as session:
            row = await session.get(ConnectionRow, connection_id)
            if row is None or row.phase != "storing":
                return
            row.removing = True
            row.updated_ms = self._clock.now_ms()
            await self._requests.release(session, row.owner_id, row.request_key)
            self._destroy(session, row, after_ms)

    async def test(self, session: AsyncSession, owner: UserId, connection_id: str) -> ConnectionOut:
        """Ask for a new test; :class:`Conflict` when there is no key to test any more."""
        row, view = await self._find(session, owner, connection_id)
        if row.phase != "kept" or row.removing:
            raise Conflict(
                "connection.no_key",
                "The key of this connection is not in the key store.",
                "Remove the connection and add it again with a new key.",
            )
        self._request_test(session, row)
        return present(row, view)

    async def remove(self, session: AsyncSession, owner: UserId, connection_id: str, *, force: bool) -> ConnectionOut:
        """Revoke a connection: its key is destroyed and nothing is placed on it any more.

        :class:`Conflict` while bots run or groups are open on it, unless ``force``: that stops the bots; open groups
        then stay with the exchange account, unmanaged.
        """
        row, view = await self._find(session, owner, connection_id)
        if row.phase == "storing":
            raise Conflict("connection.storing", "The key is just being stored.", "Try again soon.", retryable=True)
        if row.removing:
            return present(row, view)
        await self._release_bots(session, row, force=force)
        row.removing = True
        row.updated_ms = self._clock.now_ms()
        self._outbox.to_connector(
            session,
            RemoveConnection(
                connection_id=ConnectionId(row.id),
                owner=owner,
                exchange=ExchangeId(row.exchange),
                requested_ms=self._clock.now_ms(),
            ),
        )
        if row.phase == "destroyed":
            row.phase = "removed"
            self._changes.note(session, Change("connection", row.id))
        else:
            self._destroy(session, row, after_ms=0)
        return present(row, view)

    async def _release_bots(self, session: AsyncSession, row: ConnectionRow, *, force: bool) -> None:
        bots = await repository.bots_on(session, row.id)
        running = [bot for bot, view in bots if bot.wanted == "running" or (view is not None and view.running)]
        groups = await repository.count_open_groups(session, row.id)
        if (running or groups) and not force:
            raise Conflict(
                "connection.in_use",
                f"{len(running)} bots run on this connection and {groups} groups are open.",
                "Stop the bots and close the groups first, or remove it with force=true: coins already bought then "
                "stay on the exchange, and nothing watches them.",
            )
        for bot in running:
            bot.wanted, bot.wanted_ms, bot.command_id = "stopped", self._clock.now_ms(), new_id("cmd")
            stop = StopBot(
                command_id=CommandId(bot.command_id), owner=UserId(bot.owner_id), bot_id=BotId(bot.id),
                at_ms=self._clock.now_ms(),
            )  # fmt: skip
            self._outbox.to_engine(session, UserId(bot.owner_id), stop)
            self._changes.note(session, Change("bot", bot.id))

    async def _reserve(
        self, owner: UserId, exchange: Exchange, wanted: ConnectionCreate, key: RequestKey | None
    ) -> ConnectionRow | Answer:
        fingerprint = self._fingerprints.of_api_key(exchange.id, wanted.api_key.get_secret_value())
        now_ms = self._clock.now_ms()
        async with self._db.write() as session:
            if (answer := await self._requests.begin(session, key)) is not None:
                return answer
            if await repository.same_name(session, owner, wanted.name) is not None:
                raise Conflict("connection.name_taken", "You have a connection of that name.", "Choose another name.")
            if (same := await repository.same_key(session, fingerprint)) is not None:
                raise _same_key(same, owner)
            row = ConnectionRow(
                id=new_id("con"),
                owner_id=owner,
                name=wanted.name,
                exchange=exchange.id,
                fingerprint=fingerprint,
                phase="storing",
                removing=False,
                hint="",
                credential_version=0,
                test_id="",
                test_requested_ms=0,
                created_ms=now_ms,
                updated_ms=now_ms,
                request_key=key.key if key else None,
                destroy_after_ms=0,
                destroy_attempts=0,
            )
            session.add(row)
            self._changes.note(session, Change("connection", row.id))
        return row

    async def _ask(self, row: ConnectionRow) -> CredentialStatus | None:
        """Find out whether a credential was stored; None when it was not, or when that cannot be found out now."""
        try:
            found = await self._intake.look(UserId(row.owner_id), ConnectionId(row.id))
        except (ApiError, Unknown):
            return None
        return found if found is not None and found.state == "stored" else None

    async def _forget(self, connection_id: str) -> None:
        """Delete a connection whose key was certainly not stored."""
        async with self._db.write() as session:
            row = await session.get(ConnectionRow, connection_id)
            if row is not None and row.phase == "storing":
                await self._requests.release(session, row.owner_id, row.request_key)
                await session.delete(row)

    async def _find(self, session: AsyncSession, owner: UserId, connection_id: str) -> repository.Pair:
        found = await repository.find(session, owner, connection_id)
        if found is None:
            raise NotFound("connection.not_found", "You have no such connection.", "GET /connections lists yours.")
        return found

    def _request_test(self, session: AsyncSession, row: ConnectionRow) -> None:
        row.test_id = new_id("tst")
        row.test_requested_ms = row.updated_ms = self._clock.now_ms()
        self._outbox.to_connector(
            session,
            TestConnection(
                connection_id=ConnectionId(row.id),
                owner=UserId(row.owner_id),
                exchange=ExchangeId(row.exchange),
                test_id=row.test_id,
                credential_version=row.credential_version,
                requested_ms=row.test_requested_ms,
            ),
        )
        self._changes.note(session, Change("connection", row.id))

    def _destroy(self, session: AsyncSession, row: ConnectionRow, after_ms: int) -> None:
        row.phase = "destroying"
        row.destroy_after_ms = after_ms
        row.destroy_attempts = 0
        self._changes.note(session, Change("connection", row.id))
        event.listen(session.sync_session, "after_commit", lambda _session: self.to_destroy.set(), once=True)


def _passphrase(exchange: Exchange, wanted: ConnectionCreate) -> str | None:
    if exchange.needs_passphrase and wanted.passphrase is None:
        raise Invalid(
            "connection.passphrase_missing",
            f"A key of {exchange.name} has a passphrase, too.",
            "It is the one you chose when you made the key.",
        )
    if not exchange.needs_passphrase and wanted.passphrase is not None:
        raise Invalid(
            "connection.passphrase_unwanted", f"A key of {exchange.name} has no passphrase.", "Leave the field out."
        )
    return wanted.passphrase.get_secret_value() if wanted.passphrase else None


def _same_key(same: ConnectionRow, owner: UserId) -> Conflict:
    if same.owner_id != owner:
        return Conflict("connection.key_in_use", "This API key is in use already.", "Make a new key at the exchange.")
    if same.removing:
        return Conflict(
            "connection.key_in_use", "An earlier attempt with this API key is just being cleaned up.",
            "Try again in a minute.", retryable=True, retry_after_s=60,
        )  # fmt: skip
    return Conflict(
        "connection.key_in_use", f"Your connection “{same.name}” uses this API key.",
        "Test that one again, or remove it first.",
    )  # fmt: skip


def _unknown_outcome() -> OutcomeUnknown:
    return OutcomeUnknown(
        "connection.outcome_unknown",
        "The key store did not say in time whether the key was stored.",
        "The platform cleans up by itself; add the connection again in two minutes.",
        retryable=True,
        retry_after_s=120,
    )
