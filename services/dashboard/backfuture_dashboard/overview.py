"""The first page: status of every part, connections, bots, open groups, and what happens."""

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import ui

from backfuture_dashboard import theme
from backfuture_dashboard.login import COOKIE_KEY
from backfuture_dashboard.sections import bots, connections, feed, groups, health, tiles
from backfuture_dashboard.session import Session, Sessions, Subject

_LOOK_EVERY_S = 0.4

SECTIONS: tuple[tuple[str, tuple[Subject, ...], Callable[[Session], None]], ...] = (
    ("tiles", ("groups", "closed", "bots", "balances", "health", "prices"), tiles.build),
    ("groups", ("groups", "prices"), groups.build),
    ("bots", ("bots", "connections"), bots.build),
    ("feed", ("decisions", "orders", "closed", "bots"), feed.build),
    ("connections", ("connections", "balances"), connections.build),
    ("health", ("health",), health.build),
)
"""Each section with what it shows, and how it is drawn."""


class LivePart:
    """One section of a page, drawn again when what it shows has changed."""

    def __init__(self, session: Session, subjects: tuple[Subject, ...], draw: Callable[[Session], None]) -> None:
        self._session = session
        self._subjects = subjects
        self._draw = draw
        self._seen: tuple[int, ...] = ()
        self._place = ui.element("div").classes("w-full")

    def look(self) -> None:
        """Draw again if something has changed."""
        now = tuple(self._session.view.versions.get(subject, 0) for subject in self._subjects)
        if now != self._seen:
            self._seen = now
            self._place.clear()
            with self._place:
                self._draw(self._session)


def register(sessions: Sessions) -> None:
    """Make the page known to NiceGUI."""

    @ui.page("/", title="BackFuture")
    def overview(request: Request) -> RedirectResponse | None:
        session = sessions.find(request.session.get(COOKIE_KEY))
        if session is None:
            return RedirectResponse("/login", status_code=303)
        _build(session)
        return None


def _build(session: Session) -> None:
    theme.apply()
    _header(session)
    with ui.column().classes("bf-page"):
        banner = ui.element("div").classes("w-full")
        parts = {}
        for name in ("tiles", "groups"):
            parts[name] = _part(session, name)
        with ui.element("div").classes("bf-columns"):
            with ui.column().classes("w-full gap-5"):
                for name in ("bots", "feed"):
                    parts[name] = _part(session, name)
            with ui.column().classes("w-full gap-5"):
                for name in ("connections", "health"):
                    parts[name] = _part(session, name)
        ui.label("Paper exchanges use play money. Averaging down can lose money; profit is not guaranteed.").classes(
            "bf-soft"
        )

    def look() -> None:
        if session.ended:
            ui.navigate.to("/login")
            return
        _show_problem(banner, session)
        for part in parts.values():
            part.look()

    look()
    ui.timer(_LOOK_EVERY_S, look)


def _part(session: Session, name: str) -> LivePart:
    _, subjects, draw = next(section for section in SECTIONS if section[0] == name)
    return LivePart(session, subjects, draw)


def _header(session: Session) -> None:
    dark = ui.dark_mode(value=None)
    with ui.header(elevated=False).classes("bf-head items-center px-5 py-2 gap-3"):
        ui.icon("all_inclusive", size="26px").style("color:var(--brand)")
        ui.label("BackFuture").classes("text-lg font-bold")
        ui.space()
        ui.label(session.user).classes("bf-soft bf-wide")
        ui.button(icon="contrast", on_click=lambda: dark.set_value(not dark.value)).props(
            'flat round dense color=primary aria-label="Light or dark"'
        )
        with ui.element("form").props('method="post" action="/logout"'):
            ui.button("Log out", icon="logout").props('flat dense no-caps color=primary type="submit"')


def _show_problem(banner: ui.element, session: Session) -> None:
    problem = session.view.problem
    text = f"{problem.info.message} {problem.info.hint}" if problem else ""
    if getattr(banner, "shown", "") == text:
        return
    banner.shown = text  # type: ignore[attr-defined]  # what this client sees now
    banner.clear()
    if problem:
        with banner, ui.row().classes("bf-banner items-center").props('role="alert"'):
            ui.icon("cloud_off").classes("bf-down")
            ui.label(text)
