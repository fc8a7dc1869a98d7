"""The parts of the platform: which are ready, and what those that are not say."""

from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.session import Session


def build(session: Session) -> None:
    parts = session.view.rows.get("health", [])
    with ui.column().classes("bf-card gap-1"):
        ui.label("Parts of the platform").classes("bf-title")
        if not parts:
            theme.empty("monitor_heart", "Not known yet", "The gateway asks every part every few seconds.")
        for part in parts:
            with ui.row().classes("bf-row no-wrap"):
                ui.icon("check_circle" if part["ready"] else "warning", size="18px").classes(
                    "bf-up" if part["ready"] else "bf-warn"
                )
                ui.label(part["name"]).classes("text-sm")
                ui.space()
                ui.label(part.get("detail") or ("ready" if part["ready"] else "not ready")).classes("bf-soft bf-clip")
