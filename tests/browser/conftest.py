"""One Chromium for each file of tests in a browser. Each test has a context of its own, so nothing is kept between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

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
)


# TRICKY: while Playwright is open, its event loop counts as the running one of this thread, and other files run loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for path in CHROMIUMS if path.exists()), None)
    assert found is not None, "browser tests need Chromium: .ci/install-system-packages"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Coverage doesn't look at these: what runs our code are other processes."""
    item.add_marker("no_cover")
