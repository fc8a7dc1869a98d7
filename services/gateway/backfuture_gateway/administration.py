"""What an operator does beside the running gateway: make users, reset passwords, rebuild the read model."""

from backfuture_common.runtime.clock import Clock

from backfuture_gateway.auth import repository as sessions
from backfuture_gateway.auth.passwords import MAX_LENGTH, MIN_LENGTH, Passwords
from backfuture_gateway.db.engine import Database, open_database
from backfuture_gateway.db.migrate import downgrade, forget_read_model, migrate
from backfuture_gateway.db.move import move
from backfuture_gateway.db.tables import Role
from backfuture_gateway.http.errors import Invalid, NotFound
from backfuture_gateway.settings import GatewaySettings
from backfuture_gateway.users import repository, service


async def create_user(settings: GatewaySettings, *, name: str, role: Role, password: str) -> str:
    """Make a user and return ``created``; ``exists`` when there is one of that name, who is left as is."""
    _require_good(password)
    db = await _open(settings)
    try:
        async with db.read() as session:
            if await repository.find_by_name(session, repository.folded(name)) is not None:
                return "exists"
        password_hash = await Passwords().hash(password)
        async with db.write() as session:
            await service.create(session, Clock(), name=name, password_hash=password_hash, role=role)
        return "created"
    finally:
        await db.close()


async def set_password(settings: GatewaySettings, *, name: str, password: str) -> str:
    """Give a user a new password and end all of the user's sessions."""
    _require_good(password)
    db = await _open(settings)
    try:
        password_hash = await Passwords().hash(password)
        async with db.write() as session:
            user = await repository.find_by_name(session, repository.folded(name))
            if user is None:
                raise NotFound("user.not_found", "There is no user of that name.")
            user.password_hash = password_hash
            await sessions.end_sessions_of(session, user.id, by="password", now_ms=Clock().now_ms())
        return "changed"
    finally:
        await db.close()


async def rebuild(settings: GatewaySettings) -> str:
    """Empty the read model; the gateway fills it from the topics at its next start (a running one restarts itself)."""
    db = await _open(settings)
    try:
        await forget_read_model(db)
    finally:
        await db.close()
    return "emptied"


async def move_to(settings: GatewaySettings, target: GatewaySettings) -> str:
    """Copy everything to the target's database, which has to be empty. The gateway is not to run meanwhile."""
    source = await _open(settings)
    other = open_database(target.database_address())
    try:
        counts = await move(source, other)
    finally:
        await source.close()
        await other.close()
    return f"moved {sum(counts.values())} rows of {len(counts)} tables, {counts['users']} users among them"


async def go_back(settings: GatewaySettings, revision: str) -> str:
    """Give the database the shape of an older version, before that version is started on it."""
    db = open_database(settings.database_address())
    try:
        await downgrade(db, revision)
    finally:
        await db.close()
    return f"the database is at revision {revision}"


async def _open(settings: GatewaySettings) -> Database:
    db = open_database(settings.database_address())
    await migrate(db)
    return db


def _require_good(password: str) -> None:
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid("user.password_length", f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
