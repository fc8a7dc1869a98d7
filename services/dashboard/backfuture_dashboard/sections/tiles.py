"""Four numbers that say how it goes."""

from decimal import Decimal

from nicegui import ui

from backfuture_dashboard.figures import number, percent_from, signed
from backfuture_dashboard.session import Session


def build(session: Session) -> None:
    rows = session.view.rows
    groups, parts = rows.get("groups", []), rows.get("health", [])
    realised = sum((Decimal(str(bot["realised_quote"])) for bot in rows.get("bots", [])), Decimal(0))
    bound = sum((Decimal(str(g["bought_cost"])) - Decimal(str(g["sold_proceeds"])) for g in groups), Decimal(0))
    ready = sum(1 for part in parts if part["ready"])
    with ui.element("div").classes("bf-tiles"):
        _tile("Result of closed groups", f"{signed(realised)}", "quote currency, net of fees", _colour(realised))
        _tile("Open groups", str(len(groups)), f"{len(rows.get('closed', []))} closed lately")
        _tile("Bound in open groups", number(bound, 2), _unrealised(session))
        _tile(
            "Parts ready",
            f"{ready} of {len(parts)}",
            "all well" if ready == len(parts) else "see below",
            "" if ready == len(parts) else "bf-warn",
        )


def _tile(title: str, value: str, below: str, colour: str = "") -> None:
    with ui.column().classes("bf-card gap-1"):
        ui.label(title).classes("bf-soft")
        ui.label(value).classes(f"bf-big {colour}")
        ui.label(below).classes("bf-soft")


def _colour(value: Decimal) -> str:
    return "bf-up" if value > 0 else "bf-down" if value < 0 else ""


def _unrealised(session: Session) -> str:
    """Say how the open groups would stand at the newest prices, before the fee of selling."""
    worth = paid = Decimal(0)
    for group in session.view.rows.get("groups", []):
        price = session.view.price(group["exchange"], group["symbol"])
        if price is None or not group.get("average"):
            continue
        amount = Decimal(str(group["bought_amount"])) - Decimal(str(group["sold_amount"]))
        worth += amount * Decimal(str(price["bid"]))
        paid += amount * Decimal(str(group["average"]))
    change = percent_from(worth, paid) if paid else None
    return "nothing is bound" if change is None else f"{signed(worth - paid)} at the newest prices ({signed(change)} %)"
