"""How a connection looks from outside: what its owner made, and what its exchange says."""

from backfuture_gateway.connections.schemas import ConnectionOut, SecretState, StepOut
from backfuture_gateway.db.tables import ConnectionPhase, ConnectionRow
from backfuture_gateway.read_model.tables import ConnectionView

_SECRET_STATES: dict[ConnectionPhase, SecretState] = {
    "storing": "storing",
    "kept": "stored",
    "destroying": "destroying",
    "destroyed": "destroyed",
    "removed": "destroyed",
}


def present(row: ConnectionRow, view: ConnectionView | None) -> ConnectionOut:
    """Return the connection for its owner. A test that was asked for and not begun shows as testing."""
    told = view if view is not None and _is_current(row, view) else None
    base = ConnectionOut(
        id=row.id,
        name=row.name,
        exchange=row.exchange,
        status="testing",
        trade_allowed=False,
        code=None,
        message="Waiting for the exchange's connector." if row.phase != "storing" else "Storing the key.",
        hint="",
        steps=[],
        rights=[],
        ip_restricted=None,
        key_expires_ms=None,
        key_hint=row.hint,
        secret_state=_SECRET_STATES[row.phase],
        credential_version=row.credential_version,
        test_id=row.test_id,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )
    if row.removing or row.phase == "removed":
        return base.model_copy(update={"status": "removed", "message": "The connection is removed."})
    if told is None:
        return base
    return base.model_copy(
        update={
            "status": told.status,
            "trade_allowed": told.trade_allowed,
            "code": told.code,
            "message": told.message,
            "hint": told.hint,
            "steps": [StepOut.model_validate(step) for step in told.steps],
            "rights": [str(right) for right in told.rights],
            "ip_restricted": told.ip_restricted,
            "key_expires_ms": told.key_expires_ms,
            "test_id": told.test_id,
            "updated_ms": max(told.updated_ms, row.updated_ms),
        }
    )


def is_online(row: ConnectionRow, view: ConnectionView | None) -> bool:
    """Say whether new orders are allowed on the connection."""
    return row.phase == "kept" and view is not None and view.trade_allowed and view.status == "online"


def _is_current(row: ConnectionRow, view: ConnectionView) -> bool:
    """Say whether the connector has spoken since the last test was asked for, or has spoken the last word."""
    return (
        row.phase in {"destroying", "destroyed"}
        or view.test_id == row.test_id
        or view.updated_ms >= row.test_requested_ms
    )
