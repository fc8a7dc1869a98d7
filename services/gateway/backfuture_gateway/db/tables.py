"""Tables the gateway alone fills: users, sessions, connections, bots as configured, outbox, idempotency keys."""

from typing import Literal

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backfuture_gateway.db.types import Serial

NAMES = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Role = Literal["admin", "user"]
ConnectionPhase = Literal["storing", "kept", "destroying", "destroyed", "removed"]
"""Where a connection's secret is. ``storing``: on its way into the vault. ``kept``: there. ``destroying``: to be
destroyed, until the vault says so. ``destroyed``: gone, the connection is shown as refused. ``removed``: gone, and the
row is kept only for old references."""
Wanted = Literal["stopped", "running", "deleted"]


class Base(DeclarativeBase):
    metadata = NAMES


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[Role] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text)
    created_ms: Mapped[int] = mapped_column(BigInteger)


class SessionRow(Base):
    """One login: the family of refresh tokens that follow from it."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_ms: Mapped[int] = mapped_column(BigInteger)
    expires_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)
    ended_by: Mapped[str | None] = mapped_column(String(32))


class RefreshTokenRow(Base):
    """One refresh token, known by its SHA-256. Used once; used again, it ends its session."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    issued_ms: Mapped[int] = mapped_column(BigInteger)
    expires_ms: Mapped[int] = mapped_column(BigInteger)
    used_ms: Mapped[int | None] = mapped_column(BigInteger)


class ConnectionRow(Base):
    """A connection as its owner made it. Of the key only a hint and a keyed fingerprint are here."""

    __tablename__ = "connections"
    __table_args__ = (
        Index(
            "uq_connections_owner_name", "owner_id", "name", unique=True,
            sqlite_where=text("phase <> 'removed'"), postgresql_where=text("phase <> 'removed'"),
        ),
        Index(
            "uq_connections_fingerprint", "fingerprint", unique=True,
            sqlite_where=text("phase <> 'removed'"), postgresql_where=text("phase <> 'removed'"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    exchange: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    phase: Mapped[ConnectionPhase] = mapped_column(String(16), index=True)
    removing: Mapped[bool] = mapped_column(default=False)
    hint: Mapped[str] = mapped_column(String(64), default="")
    credential_version: Mapped[int] = mapped_column(default=0)
    test_id: Mapped[str] = mapped_column(String(64), default="")
    test_requested_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    created_ms: Mapped[int] = mapped_column(BigInteger)
    updated_ms: Mapped[int] = mapped_column(BigInteger)
    request_key: Mapped[str | None] = mapped_column(String(128))
    destroy_after_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    destroy_attempts: Mapped[int] = mapped_column(default=0)


class BotRow(Base):
    """A bot as its owner configured it, and what the owner last asked of it, by the command of ``command_id``.

    What it does is in the read model.
    """

    __tablename__ = "bots"
    __table_args__ = (
        Index(
            "uq_bots_owner_name", "owner_id", "name", unique=True,
            sqlite_where=text("wanted <> 'deleted'"), postgresql_where=text("wanted <> 'deleted'"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), index=True)
    spec: Mapped[dict[str, object]] = mapped_column(JSON)
    preset: Mapped[str | None] = mapped_column(String(32))
    wanted: Mapped[Wanted] = mapped_column(String(16))
    wanted_ms: Mapped[int] = mapped_column(BigInteger)
    command_id: Mapped[str] = mapped_column(String(64))
    created_ms: Mapped[int] = mapped_column(BigInteger)


class OutboxRow(Base):
    """A command on its way: to the connector of ``exchange``, or to the engine when that is NULL.

    ``attempted_ms`` is set before it is sent, ``sent_ms`` after: see the relay.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    exchange: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128))
    value: Mapped[bytes] = mapped_column(LargeBinary)
    created_ms: Mapped[int] = mapped_column(BigInteger)
    attempted_ms: Mapped[int | None] = mapped_column(BigInteger)
    sent_ms: Mapped[int | None] = mapped_column(BigInteger, index=True)


class RequestRow(Base):
    """A mutating request that carried an Idempotency-Key, and its answer once there is one."""

    __tablename__ = "requests"

    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    status: Mapped[int | None] = mapped_column()
    answer: Mapped[str | None] = mapped_column(Text)
