"""The bots: what they do and what they earned, with their switch."""

from typing import Any

from backfuture_common.errors import PlatformError
from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.figures import number, signed
from backfuture_dashboard.session import Session
from backfuture_dashboard.words import exchange_name

_KINDS = {"running": "good", "faulted": "bad", "refused": "bad"}


def build(session: Session) -> None:
    bots = session.view.rows.get("bots", [])
    with ui.column().classes("bf-card gap-1"):
        ui.label("Bots").classes("bf-title")
        if not bots:
            theme.empty("smart_toy", "No bots yet", "Make one: backfuture bots create")
        for bot in bots:
            _row(session, bot)


def _row(session: Session, bot: dict[str, Any]) -> None:
    with ui.row().classes("bf-row no-wrap"):
        with ui.column().classes("gap-0 min-w-0 flex-1"):
            with ui.row().classes("items-center gap-2 no-wrap"):
                ui.label(bot["name"]).classes("font-semibold bf-clip")
                theme.chip(bot["status"], _KINDS.get(bot["status"], ""))
            ui.label(bot["fault"] or bot.get("last_refusal") or _about(bot)).classes(
                f"bf-soft {'bf-down' if bot['fault'] else ''}"
            )
        with ui.column().classes("gap-0 items-end bf-wide"):
            ui.label(signed(bot["realised_quote"], 4)).classes("bf-num font-semibold")
            ui.label(f"{bot['groups_closed']} closed · {bot['groups_open']} open").classes("bf-soft bf-num")
        if bot["status"] in {"running", "stopped"}:
            _switch(session, bot)


def _about(bot: dict[str, Any]) -> str:
    strategy = bot["strategy"]
    step, target = number(strategy["step_percent"]), number(strategy["take_profit_percent"])
    where = f"{', '.join(bot['symbols'])} on {exchange_name(bot['exchange'])}"
    return f"{where} · every {step} %, {strategy['max_add_ons']} add-ons, target {target} %"


def _switch(session: Session, bot: dict[str, Any]) -> None:
    action = "stop" if bot["status"] == "running" else "start"

    async def act() -> None:
        try:
            await session.gateway.post(f"/bots/{bot['id']}/{action}")
        except PlatformError as error:
            ui.notify(f"{error.info.message} {error.info.hint}", type="negative", multi_line=True)
            return
        session.refresh_all()
        said = "opens no more groups; open ones still close at their targets" if action == "stop" else "starts"
        ui.notify(f"{bot['name']} {said}", type="positive")

    icon = "pause" if action == "stop" else "play_arrow"
    ui.button(icon=icon, on_click=act).props(f'flat round dense color=primary aria-label="{action} this bot"').tooltip(
        action
    )
