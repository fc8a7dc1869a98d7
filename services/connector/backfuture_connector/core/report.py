"""A connection test as it is told: one whole :class:`ConnectionState` after each step."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import msgspec
from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.messages.connections import (
    ConnectionState,
    ConnectionStatus,
    TestCode,
    TestStep,
    TestStepName,
)

from backfuture_connector.core.guidance import guidance
from backfuture_connector.core.key_verdict import OK_CODES, KeyVerdict

STEPS: tuple[TestStepName, ...] = get_args(TestStepName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which connection is tested, with which stored credential."""

    connection_id: ConnectionId
    owner: UserId
    exchange: ExchangeId
    test_id: str
    credential_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A test under way; every method returns the next report. ``started_ms`` is the start of the running step."""

    subject: Subject
    steps: tuple[TestStep, ...]
    started_ms: int
    rights: tuple[str, ...] = ()
    ip_restricted: bool | None = None
    key_expires_ms: int | None = None

    @classmethod
    def start(cls, subject: Subject, now_ms: int) -> "Report":
        """Return the report of a test that has done nothing yet."""
        return cls(
            subject=subject, steps=tuple(TestStep(name=name, status="pending") for name in STEPS), started_ms=now_ms
        )

    def begin(self, name: TestStepName, now_ms: int) -> "Report":
        """Return the report with a step running."""
        return replace(self, steps=self._with(TestStep(name=name, status="running")), started_ms=now_ms)

    def end(
        self,
        name: TestStepName,
        status: Literal["passed", "warned", "failed", "skipped"],
        now_ms: int,
        detail: str = "",
    ) -> "Report":
        """Return the report with the running step ended."""
        step = TestStep(name=name, status=status, detail=detail, took_ms=max(0, now_ms - self.started_ms))
        return replace(self, steps=self._with(step), started_ms=now_ms)

    def with_version(self, version: int) -> "Report":
        """Return the report of the credential that is really there: it may be newer than the one asked about."""
        return replace(self, subject=replace(self.subject, credential_version=version))

    def with_key(self, rights: tuple[str, ...], ip_restricted: bool | None, expires_ms: int | None) -> "Report":
        """Return the report with what the exchange told about the key."""
        return replace(self, rights=rights, ip_restricted=ip_restricted, key_expires_ms=expires_ms)

    def running(self, now_ms: int) -> ConnectionState:
        """Return the state to publish while the test runs."""
        subject = self.subject
        told = guidance(subject.exchange, None)
        return ConnectionState(
            connection_id=subject.connection_id,
            owner=subject.owner,
            exchange=subject.exchange,
            status="testing",
            trade_allowed=False,
            code=None,
            message=told.message,
            hint=told.hint,
            steps=self.steps,
            rights=self.rights,
            ip_restricted=self.ip_restricted,
            key_expires_ms=self.key_expires_ms,
            test_id=subject.test_id,
            credential_version=subject.credential_version,
            updated_ms=now_ms,
        )

    def finished(self, code: TestCode, now_ms: int, *, why: str = "", address: str | None = None) -> ConnectionState:
        """Return the state the test ends in. Steps that did not run are skipped."""
        steps = tuple(
            TestStep(name=step.name, status="skipped") if step.status in {"pending", "running"} else step
            for step in self.steps
        )
        state = replace(self, steps=steps).running(now_ms)
        return with_code(state, code, now_ms, why=why, address=address)

    def _with(self, new: TestStep) -> tuple[TestStep, ...]:
        return tuple(new if step.name == new.name else step for step in self.steps)


def status_of(code: TestCode) -> ConnectionStatus:
    """Return the status that a test's code means."""
    if code in OK_CODES:
        return "online"
    return "refused" if code == "WITHDRAW_ENABLED" else "attention"


def with_code(
    state: ConnectionState, code: TestCode, now_ms: int, *, why: str = "", address: str | None = None
) -> ConnectionState:
    """Return the state with the end of a test, or of a check outside one (a repeated check, a lost lease)."""
    told = guidance(state.exchange, code, why=why, address=address)
    status = status_of(code)
    return msgspec.structs.replace(
        state,
        status=status,
        trade_allowed=status == "online",
        code=code,
        message=told.message,
        hint=told.hint,
        updated_ms=now_ms,
    )


def with_verdict(state: ConnectionState, verdict: KeyVerdict, now_ms: int) -> ConnectionState:
    """Return the state of an online connection whose key still is trade-only, with its rights as they are now."""
    told = with_code(state, verdict.code, now_ms, why=verdict.why)
    return msgspec.structs.replace(
        told, rights=verdict.rights, ip_restricted=verdict.ip_restricted, key_expires_ms=verdict.expires_ms
    )


def removed(state: ConnectionState, now_ms: int) -> ConnectionState:
    """Return the last state of a connection that its user revoked."""
    return msgspec.structs.replace(
        state,
        status="removed",
        trade_allowed=False,
        code=None,
        message="The connection was removed.",
        hint="",
        steps=(),
        rights=(),
        ip_restricted=None,
        key_expires_ms=None,
        updated_ms=now_ms,
    )
