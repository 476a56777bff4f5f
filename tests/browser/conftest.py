"""One Chromium for each worker, as long as its tests are in a browser. Each test has a context of its own, or a page that was emptied after the
last one (`Window`), so nothing is kept between them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent

CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The first is the same browser without windows, and takes half the processor's time."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--no-opt --no-maglev",
)
"""No page here lives for as long as it takes for its scripts, once optimised, to win back what that cost: a tenth of the pages' processor time."""


class Opened:
    """The browser, started when it is asked for first, or after an end."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._browser: Browser | None = None
        self.windows: dict[str, Any] = {}
        """Pages that one test after the other visits, which end with the browser."""

    def browser(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self.close()
            found = next((path for path in CHROMIUMS if path.exists()), None)
            assert found is not None, "browser tests need Chromium: .ci/install-system-packages"
            playwright = self._stack.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
            self._stack.callback(self._browser.close)
        return self._browser

    def close(self) -> None:
        self._browser = None
        self.windows.clear()
        self._stack.close()


OPENED = Opened()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    started = OPENED.browser()
    yield started
    kept = [window.context for window in OPENED.windows.values()]
    for context in started.contexts:  # of tests that failed
        if context not in kept:
            context.close()


@pytest.fixture(scope="module")
def windows(browser: Browser) -> dict[str, Any]:
    """By who looks, of this browser."""
    assert browser.is_connected()
    return OPENED.windows


# TRICKY: while Playwright is open, its event loop counts as the running one of this thread, and other files run loops of their own.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if nextitem is None or HERE not in nextitem.path.parents:
            OPENED.close()


def pytest_sessionfinish() -> None:
    OPENED.close()  # where the run was cut short
