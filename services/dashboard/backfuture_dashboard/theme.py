"""Colours and type of the pages; light and dark from one set of rules. Nothing is fetched from elsewhere."""

from pathlib import Path

from nicegui import ui

_RULES = Path(__file__).with_name("theme.css")


def apply() -> None:
    """Put the rules on the page being built."""
    ui.add_css(_RULES)
    ui.colors(primary="#0f766e", positive="#15803d", negative="#b91c1c", warning="#b45309", info="#2563eb")


def chip(text: str, kind: str = "") -> ui.label:
    """Add a small rounded mark; ``kind`` is ``good``, ``bad``, ``warn`` or nothing."""
    return ui.label(text).classes(f"bf-chip {kind}")


def empty(icon: str, text: str, hint: str) -> None:
    """Say that there is nothing here yet, and what to do about it."""
    with ui.column().classes("w-full items-center py-6 gap-1"):
        ui.icon(icon, size="34px").style("color:var(--soft)")
        ui.label(text).classes("bf-title")
        ui.label(hint).classes("bf-soft text-center")
