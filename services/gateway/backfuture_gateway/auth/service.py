"""Login, refresh with reuse detection, logout, and who a token belongs to."""

from dataclasses import dataclass

from backfuture_common.domain.ids import UserId, new_id
from backfuture_common.runtime.clock import Clock
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.auth import repository
from backfuture_gateway.auth.passwords import Passwords
from backfuture_gateway.auth.schemas import TokensOut
from backfuture_gateway.auth.throttle import LoginThrottle
from backfuture_gateway.auth.tokens import AccessTokens, hash_of, new_refresh_token
from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import RefreshTokenRow, Role, SessionRow
from backfuture_gateway.http.errors import Unauthorised
from backfuture_gateway.users import repository as users


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request."""

    user_id: UserId
    name: str
    role: Role
    session_id: str
    expires_ms: int

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


class AuthService:
    """Sessions of users. Every request asks the database, so that a logout and a changed role hold at once."""

    def __init__(
        self,
        *,
        db: Database,
        tokens: AccessTokens,
        passwords: Passwords,
        throttle: LoginThrottle,
        clock: Clock,
        refresh_ttl_s: int,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._refresh_ttl_ms = refresh_ttl_s * 1000

    async def login(self, name: str, password: str, address: str) -> TokensOut:
        """Open a session; :class:`Unauthorised`, the same for a wrong name and a wrong password."""
        folded = users.folded(name)
        self._throttle.begin(folded, address)
        async with self._db.read() as session:
            user = await users.find_by_name(session, folded)
        if not await self._passwords.matches(user.password_hash if user else None, password) or user is None:
            raise Unauthorised(
                "auth.login_refused", "User name or password is wrong.", "Check both; capitals count in the password."
            )
        self._throttle.succeeded(folded, address)
        renewed = await self._passwords.hash(password) if self._passwords.is_outdated(user.password_hash) else None
        async with self._db.write() as session:
            await repository.delete_expired(session, self._clock.now_ms())
            if renewed:
                await users.set_password_hash(session, user.id, renewed)
            return await self._open(session, UserId(user.id))

    async def refresh(self, refresh_token: str) -> TokensOut:
        """Exchange a refresh token for a new pair. A token used before ends the whole session: it was stolen."""
        async with self._db.write() as session:
            tokens = await self._exchange(session, hash_of(refresh_token))
        if tokens is None:  # raised here, after the commit that may have ended the session
            raise Unauthorised("auth.refresh_refused", "The refresh token is not valid any more.", "Log in again.")
        return tokens

    async def logout(self, caller: Caller) -> None:
        """End the caller's session; its access and refresh tokens are worth nothing from now on."""
        async with self._db.write() as session:
            await repository.end_session(session, caller.session_id, by="logout", now_ms=self._clock.now_ms())

    async def caller_of(self, access_token: str) -> Caller:
        """Return who holds this access token; :class:`Unauthorised` when nobody does any more."""
        claims = self._tokens.read(access_token)
        async with self._db.read() as session:
            found = await repository.find_session(session, claims.session_id)
        if found is None or found[0].ended_ms is not None or found[1].id != claims.user_id:
            raise Unauthorised("auth.session_ended", "The session has ended.", "Log in again.")
        user = found[1]
        return Caller(
            user_id=UserId(user.id),
            name=user.name,
            role=user.role,
            session_id=claims.session_id,
            expires_ms=claims.expires_ms,
        )

    async def holds(self, caller: Caller) -> bool:
        """Say whether the caller's session and access token still hold."""
        if caller.expires_ms <= self._clock.now_ms():
            return False
        async with self._db.read() as session:
            found = await repository.find_session(session, caller.session_id)
        return found is not None and found[0].ended_ms is None

    async def _open(self, session: AsyncSession, user_id: UserId) -> TokensOut:
        now_ms = self._clock.now_ms()
        opened = SessionRow(
            id=new_id("ses"), user_id=user_id, created_ms=now_ms, expires_ms=now_ms + self._refresh_ttl_ms
        )
        session.add(opened)
        await session.flush()
        return self._issue(session, opened, user_id, now_ms)

    async def _exchange(self, session: AsyncSession, token_hash: str) -> TokensOut | None:
        token = await repository.find_token(session, token_hash)
        found = await repository.find_session(session, token.session_id) if token else None
        if token is None or found is None or found[0].ended_ms is not None:
            return None
        now_ms = self._clock.now_ms()
        if token.used_ms is not None:
            await repository.end_session(session, token.session_id, by="reuse", now_ms=now_ms)
            return None
        if token.expires_ms <= now_ms:
            return None
        token.used_ms = now_ms
        found[0].expires_ms = now_ms + self._refresh_ttl_ms
        return self._issue(session, found[0], UserId(found[1].id), now_ms)

    def _issue(self, session: AsyncSession, opened: SessionRow, user_id: UserId, now_ms: int) -> TokensOut:
        refresh_token = new_refresh_token()
        session.add(
            RefreshTokenRow(
                token_hash=hash_of(refresh_token),
                session_id=opened.id,
                issued_ms=now_ms,
                expires_ms=now_ms + self._refresh_ttl_ms,
            )
        )
        return TokensOut(
            access_token=self._tokens.issue(user_id, opened.id),
            refresh_token=refresh_token,
            expires_in_s=self._tokens.ttl_s,
        )
