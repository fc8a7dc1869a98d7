"""The connections: whether the exchange says that the key is safe, and what to do if not."""

from typing import Any

from backfuture_common.errors import PlatformError
from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.figures import number
from backfuture_dashboard.session import Session
from backfuture_dashboard.words import STEPS, exchange_name

_KINDS = {"online": "good", "attention": "warn", "refused": "bad", "testing": "", "removed": ""}
_ICONS = {
    "passed": ("check_circle", "bf-up"),
    "warned": ("error", "bf-warn"),
    "failed": ("cancel", "bf-down"),
    "running": ("pending", "bf-soft"),
    "pending": ("radio_button_unchecked", "bf-soft"),
    "skipped": ("remove_circle_outline", "bf-soft"),
}
_WORTH_SHOWING = 4


def build(session: Session) -> None:
    connections = [c for c in session.view.rows.get("connections", []) if c["status"] != "removed"]
    with ui.column().classes("bf-card gap-1"):
        ui.label("Connections").classes("bf-title")
        if not connections:
            theme.empty("key_off", "No exchange is connected", "Add one: backfuture connections add")
        for connection in connections:
            _row(session, connection)


def _row(session: Session, connection: dict[str, Any]) -> None:
    with ui.column().classes("bf-row !items-start !gap-1 flex-col"):
        with ui.row().classes("w-full items-center gap-2 no-wrap"):
            ui.label(connection["name"]).classes("font-semibold bf-clip")
            theme.chip(connection["status"], _KINDS.get(connection["status"], ""))
            if connection["exchange"].startswith("paper-"):
                theme.chip("paper", "warn")
            ui.space()
            _test_button(session, connection)
        hint = f"…{connection['key_hint']}"
        ui.label(f"{exchange_name(connection['exchange'])} · key {hint} · {_rights(connection)}").classes("bf-soft")
        with ui.row().classes("gap-1"):
            for step in connection["steps"]:
                icon, colour = _ICONS[step["status"]]
                name = STEPS.get(step["name"], step["name"])
                ui.icon(icon, size="17px").classes(colour).tooltip(f"{name}: {step['detail'] or step['status']}").props(
                    f'role="img" aria-label="{name}: {step["status"]}"'
                )
        if connection["status"] in {"attention", "refused"} and connection["message"]:
            ui.label(f"{connection['message']} {connection['hint']}").classes("text-sm bf-warn")
        ui.label(_money(session, connection["id"])).classes("bf-soft")


def _rights(connection: dict[str, Any]) -> str:
    names = ", ".join(str(right).lower().replace("_", " ") for right in connection["rights"])
    return names or "rights not read yet"


def _money(session: Session, connection_id: str) -> str:
    rows = [b for b in session.view.rows.get("balances", []) if b["connection_id"] == connection_id]
    shown = [f"{number(b['free'], 4)} {b['currency']}" for b in rows[:_WORTH_SHOWING]]
    return " · ".join(shown) or "no balances known"


def _test_button(session: Session, connection: dict[str, Any]) -> None:
    async def test() -> None:
        try:
            await session.gateway.post(f"/connections/{connection['id']}/test")
        except PlatformError as error:
            ui.notify(f"{error.info.message} {error.info.hint}", type="negative", multi_line=True)
            return
        session.refresh_all()

    ui.button("Test", on_click=test).props("flat dense no-caps size=sm color=primary")
