"""Somebody at the web app: their browser, what it complained of and whom it asked, and looks at a page in every guise.

Nothing is waited for by time: Playwright's own waits end when what is expected is there.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    FloatRect,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
)

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
AXE_OF_COLOURS: Final = ("color-contrast", "link-in-text-block")
"""All that differs between light and dark."""

PATIENCE_MS: Final = 45_000
DESK: Final = ViewportSize(width=1280, height=900)
PHONE: Final = ViewportSize(width=390, height=844)
MAX_PICTURE_HEIGHT: Final = 3000
VISITS_MAX: Final = 50
"""Of one page, whose process keeps something of each."""
FIRST_PAUSE_MS: Final = 20.0
LONGEST_PAUSE_MS: Final = 150.0
"""Between two looks at what is waited for: on a machine that is busy, looking is what it is busy with."""
LOOKS: Final = {"light": ("light", DESK), "dark": ("dark", DESK), "phone": ("light", PHONE)}
NETWORK_CHANGED: Final = "net::ERR_NETWORK_CHANGED"
"""Chromium breaks off all that it is asking when an address of the machine comes or goes, which tests of the app say nothing about."""
EXPECTED: Final = re.compile(
    rf"Failed to load resource: (the server responded with a status of 401 .*/api/v1/auth/me$|{NETWORK_CHANGED})"
)
"""Who opens the app without a login is told so by the server, and Chromium logs it."""

expect.set_options(timeout=PATIENCE_MS)

IS_LOADING: Final = "document.querySelector('main [aria-busy=true], [role=status][aria-label=Loading]') !== null"
TWO_FRAMES: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

TURN_TO: Final = "(path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"
RUN_AXE: Final = """async (rules) =>
  (await axe.run({runOnly: rules, resultTypes: ['violations'], elementRef: false, preload: false})).violations"""
"""Only what is wrong is handed over, of some 50 kilobytes. No rule here looks into style sheets or media, which would be fetched once more."""
TELL_REPORTS: Final = (
    "addEventListener('securitypolicyviolation', (e) => console.error('CSP report', e.violatedDirective, e.blockedURI))"
)

KEEP_DRAWN: Final = """
window.drawn = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
  window.drawn.push(text);
  return fillText.call(this, text, ...where);
};
"""
"""A script for a page before it loads: every text that is drawn on a canvas is in `drawn`."""


class Visit:
    """A browser with the app open, or about to be. faults: all that should not have happened so far."""

    def __init__(self, context: BrowserContext, url: str, screenshots: Path | None, page: Page | None = None) -> None:
        """page: one that an earlier visit has left, of a context that tells of its reports."""
        self.context = context
        self.url = url
        self.faults: list[str] = []
        self._foreseen: list[str] = []
        self._unanswered: set[Request] = set()
        self._is_broken_off = False
        self._screenshots = screenshots
        if page is None:
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(TELL_REPORTS)
        self._listening: Final[dict[Any, Any]] = {
            "console": self._hear,
            "dialog": self._dismiss,
            "request": self._see,
            "requestfinished": self._see_end,
            "requestfailed": self._see_failure,
            "weberror": lambda error: self.faults.append(f"thrown: {error.error}"),
        }
        for event, hear in self._listening.items():
            context.on(event, hear)
        self.page: Page = page or context.new_page()

    def stop_listening(self) -> None:
        for event, hear in self._listening.items():
            self.context.remove_listener(event, hear)

    def foresee(self, text: str) -> None:
        """What the console says with such words in it is no fault, whenever it comes: the browser reports refused requests in its own time."""
        self._foreseen.append(text)

    def _hear(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location.get('url', '')}"
        is_foreseen = EXPECTED.search(said) or any(text in said for text in self._foreseen)
        if message.type in ("error", "warning") and not is_foreseen:
            self.faults.append(f"console: {said}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _see(self, request: Request) -> None:
        self._unanswered.add(request)
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.faults.append(f"asked elsewhere: {request.url}")

    def _see_end(self, request: Request) -> None:
        self._unanswered.discard(request)

    def _see_failure(self, request: Request) -> None:
        self._see_end(request)
        self._is_broken_off |= request.failure == NETWORK_CHANGED

    def address(self, path: str, **query: str | list[str]) -> str:
        return path + (f"?{urlencode(query, doseq=True)}" if query else "")

    def open(self, path: str = "/", **query: str | list[str]) -> Page:
        """A page of the app, by its address."""
        for is_last in (False, False, True):
            self._is_broken_off = False
            try:
                self.page.goto(self.url + self.address(path, **query))
            except Error as failed:
                is_of_the_change = NETWORK_CHANGED in str(failed) or "is interrupted" in str(
                    failed
                )  # by the page that tells of it
                if is_last or not is_of_the_change:
                    raise
            else:
                if not self._is_broken_off:
                    break
        return self.page

    def turn_to(self, path: str) -> None:
        """Another page of the app that is open, as by a link in it: nothing is loaded anew but what only that page needs."""
        self.page.evaluate(TURN_TO, path)

    def log_in(self, email: str = "dev@localhost", password: str = "dev") -> None:
        """On the page that asks for it."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("navigation", name="Pages")).to_be_attached()

    def heading(self, name: str) -> Locator:
        """The page is there once its heading is."""
        found = self.page.get_by_role("heading", level=1, name=name, exact=True)
        expect(found).to_be_visible()
        return found

    def choose(self, field: Locator, typed: str, option: str) -> None:
        """Type into a field that suggests, and take one of what it suggests."""
        field.fill(typed)
        try:
            self.page.get_by_role("option", name=option).first.click()
        except Error as failed:
            suggested = self.page.get_by_role("option").all_inner_texts()
            failed.add_note(f"suggested of {field.first.input_value()!r}: {suggested}; faults: {self.faults}")
            raise

    def shows(self, found: Callable[[], Any], expected: Any) -> None:
        """Fail unless what is found is, before patience ends, what is expected."""
        until = time.monotonic() + PATIENCE_MS / 1000
        pause_ms = FIRST_PAUSE_MS
        while (got := found()) != expected:
            assert time.monotonic() < until, f"expected {expected!r}, got {got!r}"
            self.page.wait_for_timeout(pause_ms)
            pause_ms = min(pause_ms * 1.5, LONGEST_PAUSE_MS)

    def settle(self) -> None:
        """Wait until every request is answered and no part of the page says that it waits, and that is still so after two frames."""
        until = time.monotonic() + PATIENCE_MS / 1000
        still = 0
        while still < 2:
            is_loading = self.page.evaluate(f"{TWO_FRAMES}.then(() => {IS_LOADING})")
            still = 0 if is_loading or self._unanswered else still + 1
            assert time.monotonic() < until, f"it still waits for {[request.url for request in self._unanswered] or 'something'}"

    def end_login(self) -> None:
        """As when it expires. Nothing is on its way that would be refused before what the test does next."""
        self.settle()
        self.context.clear_cookies()

    def cells(self, table: str) -> list[list[str]]:
        """What is in the body of a table, as it is seen, at one moment."""
        rows = self.page.get_by_role("region", name=table, exact=True).locator("tbody tr")
        found: list[list[str]] = rows.evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
        )
        return found

    def parameters(self) -> dict[str, list[str]]:
        """Of the address, but for the project."""
        pairs = self.page.evaluate("[...new URLSearchParams(location.search)]")
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        found.pop("project", None)
        return found

    def resize(self, size: ViewportSize) -> None:
        """And let what follows the window's size follow it."""
        self.page.set_viewport_size(size)
        self.page.evaluate(TWO_FRAMES)

    def columns_have_room(self) -> None:
        """Between a phone and a desk each column of the page's table has its name on show, and nothing lies over its neighbour."""
        for width in (660, 768, 870, 1000, 1100):
            self.resize({"width": width, "height": 900})
            heads = self.page.get_by_role("columnheader").evaluate_all(
                "(them) => them.map((it) => it.clientWidth >= it.scrollWidth ? it.clientWidth : 0)"
            )
            assert min(heads) > 60, (width, heads)
        self.resize(DESK)

    def look(self, name: str) -> None:
        """The page in light, dark and on a phone: each has no finding of axe, and nothing juts out of the window. Pictures are kept where
        somebody wants them."""
        for look, (scheme, size) in LOOKS.items():
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            self.resize(size)
            wide, high = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            if self._screenshots is not None:
                seen = FloatRect(x=0, y=0, width=size["width"], height=min(high, MAX_PICTURE_HEIGHT))
                self.page.screenshot(path=self._screenshots / f"{name}-{look}.png", full_page=True, clip=seen)
            assert wide <= size["width"], f"{name}, {look}: {wide} of {size['width']} pixels wide"
            findings = self.axe(AXE_OF_COLOURS if look == "dark" else AXE_RULES)
            assert not findings, "\n".join([f"{name}, {look}", *findings])
        self.page.set_viewport_size(DESK)
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")

    def axe(self, rules: Sequence[str] = AXE_RULES) -> list[str]:
        """What axe-core finds, a line each. It is evaluated from outside, so the page's Content-Security-Policy stays as it is."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(axe_source())
        found: list[dict[str, Any]] = self.page.evaluate(RUN_AXE, list(rules))
        return [
            f"{violation['id']} ({violation['impact']}): {node['target']} {node['failureSummary']}"
            for violation in found
            for node in violation["nodes"]
        ]


@cache
def axe_source() -> str:
    return AXE.read_text("utf-8")


def new_context(browser: Browser, state: Any = None) -> BrowserContext:
    return browser.new_context(
        viewport=DESK, locale="en-GB", timezone_id="America/New_York", reduced_motion="reduce", storage_state=state
    )


@contextmanager
def visiting(browser: Browser, url: str, screenshots: Path | None, state: Any = None) -> Iterator[Visit]:
    """In a browser of its own. state: cookies of an earlier visit. Fails at the end where anything was amiss."""
    context = new_context(browser, state)
    visit = Visit(context, url, screenshots)
    try:
        yield visit
    finally:
        context.close()
    assert visit.faults == [], visit.faults


class Window:
    """A page that one test after the other visits: nothing is kept between them but what the browser has of the app's files.

    To begin with a process of its own, the app's scripts read anew, is half of what a visit costs. Not for visits that set the clock, or run
    scripts before the page's own, which holds for the page's life.
    """

    def __init__(self, browser: Browser, url: str, screenshots: Path | None, state: Any, session: pytest.Session) -> None:
        self._browser = browser
        self._url = url
        self._screenshots = screenshots
        self._state = state
        self._session = session
        self._page: Page | None = None
        self._visits = 0

    @property
    def context(self) -> BrowserContext | None:
        """While nobody visits."""
        return self._page and self._page.context

    @contextmanager
    def visit(self) -> Iterator[Visit]:
        """As `visiting`, and after a test that failed the next one has another page."""
        failed_before = self._session.testsfailed
        page, self._page = self._page, None
        visit = Visit(page.context if page else new_context(self._browser, self._state), self._url, self._screenshots, page)
        yield visit
        self._visits += 1
        if self._session.testsfailed > failed_before or self._visits % VISITS_MAX == 0 or visit.page.is_closed():
            visit.context.close()
        else:
            self._leave(visit)
            self._page = visit.page
        visit.stop_listening()
        assert visit.faults == [], visit.faults

    def _leave(self, visit: Visit) -> None:
        """Empty, on a page of the same server: on one of another it would be another process's."""
        page, context = visit.page, visit.context
        page.goto(f"{self._url}/healthz")  # what is held back on its way is given up before it is let through
        page.unroute_all(behavior="ignoreErrors")
        for other in context.pages:
            if other is not page:
                other.close()
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        context.clear_permissions()
        context.clear_cookies()
        context.add_cookies(self._state["cookies"] if self._state else [])
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")


def screenshot_folder() -> Path | None:
    """SV_SCREENSHOTS: kept after the tests, to be looked at. None where it isn't set: a picture costs as much as a test."""
    named = os.environ.get("SV_SCREENSHOTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
