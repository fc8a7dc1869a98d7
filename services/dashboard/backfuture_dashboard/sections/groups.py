"""The open groups: where the price stands between the next zone and the target."""

from decimal import Decimal
from typing import Any

from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.figures import clock, number, percent_from, price, signed
from backfuture_dashboard.session import Session
from backfuture_dashboard.words import STATUSES, exchange_name

_BELOW, _ABOVE = Decimal("0.985"), Decimal("1.005")
"""How much of the scale lies beyond the lowest and the highest mark."""


def build(session: Session) -> None:
    groups = session.view.rows.get("groups", [])
    ui.label("Open groups").classes("bf-title mb-2")
    if not groups:
        with ui.element("div").classes("bf-card"):
            theme.empty("layers_clear", "No group is open", "A running bot opens one when its rules allow.")
        return
    with ui.element("div").classes("bf-grid"):
        for group in groups:
            _card(session, group)


def _card(session: Session, group: dict[str, Any]) -> None:
    exchange = str(group["exchange"])
    market = session.view.price(exchange, group["symbol"])
    bid = market["bid"] if market else None
    with ui.column().classes("bf-card gap-2"):
        with ui.row().classes("w-full items-center gap-2 no-wrap"):
            ui.label(group["symbol"]).classes("text-base font-bold")
            theme.chip(exchange_name(exchange), "")
            if exchange.startswith("paper-"):
                theme.chip("paper", "warn")
            ui.space()
            theme.chip(
                STATUSES.get(group["status"], group["status"]), "good" if group["status"] == "active" else "warn"
            )
        ui.label(f"{group['bot_name']} · since {clock(group['opened_ms'])}").classes("bf-soft bf-clip")
        _scale(group, bid)
        with ui.element("div").classes("bf-facts"):
            _fact("Price now", price(bid) if bid else "–", _distance(bid, group.get("average")))
            _fact("Target", price(group.get("target")), "")
            _fact("Average", price(group.get("average")), "")
            _fact("Break-even", price(group.get("break_even")), "")
            _fact("Bound", number(group["bought_cost"], 2), "")
            _fact("Add-ons", f"{group['add_ons_done']} of {group['add_ons_max']}", "")


def _fact(name: str, value: str, beside: str) -> None:
    with ui.element("div"):
        ui.label(name).classes("bf-soft")
        with ui.row().classes("gap-1 no-wrap items-baseline"):
            ui.label(value).classes("bf-num font-medium")
            if beside:
                ui.label(beside).classes(f"bf-num text-xs {'bf-down' if beside.startswith('−') else 'bf-up'}")


def _distance(bid: object, average: object) -> str:
    change = percent_from(bid, average) if bid and average else None
    return "" if change is None else f"{signed(change)} %"


def _scale(group: dict[str, Any], bid: object) -> None:
    """Draw average, break-even, target and the price now on one line."""
    marks = {name: Decimal(str(group[name])) for name in ("average", "break_even", "target") if group.get(name)}
    now = Decimal(str(bid)) if bid else None
    values = [*marks.values(), *([now] if now else [])]
    if not marks:
        return
    low, high = min(values) * _BELOW, max(values) * _ABOVE
    spread = max(high - low, Decimal(1).scaleb(-12))

    def place(value: Decimal) -> str:
        return f"left:{(value - low) / spread * 100:.2f}%"

    kinds = {"average": "mark", "break_even": "mark even", "target": "mark goal"}
    with ui.element("div").classes("bf-ladder").props('role="img" aria-label="price between average and target"'):
        ui.element("div").classes("rail")
        for name, value in marks.items():
            ui.element("div").classes(kinds[name]).style(place(value)).tooltip(
                f"{name.replace('_', '-')} {price(value)}"
            )
        if now:
            ui.element("div").classes("mark now").style(place(now)).tooltip(f"now {price(now)}")
