"""What happens, newest first: decisions with their reasons, orders with what became of them, results of groups."""

from typing import Any

from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.figures import clock, signed
from backfuture_dashboard.session import Session
from backfuture_dashboard.words import VERDICTS, order_line, reasons

_SHOWN = 40


def build(session: Session) -> None:
    lines = sorted(_lines(session), key=lambda line: line[0], reverse=True)[:_SHOWN]
    with ui.column().classes("bf-card gap-1"):
        ui.label("Live").classes("bf-title")
        if not lines:
            theme.empty("bolt", "Nothing has happened yet", "Decisions and orders appear here as they are made.")
        with ui.element("div").classes("bf-feed").props('role="log" aria-label="what happens" tabindex="0"'):
            for at_ms, icon, colour, title, text in lines:
                with ui.row().classes("bf-row no-wrap !items-start"):
                    ui.icon(icon, size="19px", color=colour)
                    with ui.column().classes("gap-0 min-w-0 flex-1"):
                        ui.label(title).classes("text-sm font-medium")
                        if text:
                            ui.label(text).classes("bf-soft")
                    ui.label(clock(at_ms)).classes("bf-soft bf-num")


Line = tuple[int, str, str, str, str]


def _lines(session: Session) -> list[Line]:
    rows = session.view.rows
    names = {bot["id"]: bot["name"] for bot in rows.get("bots", [])}
    return [
        *(_decision(d, names) for d in rows.get("decisions", [])),
        *(_order(o, names) for o in rows.get("orders", [])),
        *(_closed(g, names) for g in rows.get("closed", []) if g.get("closed_ms")),
    ]


def _decision(decision: dict[str, Any], names: dict[str, str]) -> Line:
    word, icon, colour = VERDICTS.get(decision["verdict"], (decision["verdict"], "circle", "grey"))
    title = f"{word} · {decision['symbol']} · {names.get(decision['bot_id'], decision['bot_id'])}"
    return decision["at_ms"], icon, colour, title, reasons(decision)


def _order(order: dict[str, Any], names: dict[str, str]) -> Line:
    colour = "negative" if order["status"] in {"rejected", "needs_operator", "unknown"} else "primary"
    return order["updated_ms"], "receipt_long", colour, order_line(order), names.get(order["bot_id"], order["bot_id"])


def _closed(group: dict[str, Any], names: dict[str, str]) -> Line:
    _, _, quote = str(group["symbol"]).partition("/")
    result = group.get("realised_quote") or "0"
    colour = "negative" if str(result).startswith("-") else "positive"
    why = str(group.get("close_reason") or "").replace("_", " ")
    title = f"Group closed · {group['symbol']} · {signed(result, 4)} {quote}"
    return group["closed_ms"], "task_alt", colour, title, f"{names.get(group['bot_id'], '')} · {why}"
