"""What the browser tests have in common: logging in, and watching what a page asks for and complains about."""

from playwright.sync_api import Page, Request, expect

from tests.support.platform import Platform


class Watcher:
    """Notes every request to somebody else and every script error of a page."""

    def __init__(self, page: Page, origin: str) -> None:
        self._origins = (f"{origin}/", origin.replace("http://", "ws://") + "/", "data:", "blob:")
        self.foreign: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def judge(self) -> None:
        """Fail when the page asked anybody but the dashboard, or when one of its scripts failed."""
        assert not self.foreign, f"asked somebody else: {self.foreign}"
        assert not self.errors, f"script errors: {self.errors}"

    def _note(self, request: Request) -> None:
        if not request.url.startswith(self._origins):
            self.foreign.append(request.url)


def log_in(page: Page, platform: Platform, user: str = "admin") -> None:
    """Log in as this user and wait for the first page."""
    page.goto("/login")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(platform.users[user])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Open groups").first).to_be_visible()
