"""The web app in Chromium on sample data: bytes of the first load, time until a page is there, and how soon a click shows anything.

Prints medians, and ratios to a bare page of the same server: the few words of `/healthz`, opened in the same browser. A page is there when
nothing of it is waited for any more. Of each click it says whether its answer, or that there is one to wait for, was seen within 100 ms.
Needs the app built (`./task ui`) and Chromium.

`SV_BENCH_FOLDER`: a folder that `sizing_bench` kept, of as many events as that one made, in the place of the sample.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.bench.lists_folder import PROJECT
from tests.bench.sizing_bench import DATES, serving

ROUNDS: Final = 5
CHROMIUMS: Final = (Path("/usr/bin/chromium"), Path("/usr/bin/chromium-headless-shell"))
SOON_MS: Final = 100
PAGES: Final = ("overview", "trends", "dashboards", "events", "persons", "sessions", "settings")
"""Of the navigation; clicked from one to the next."""

STEPS: Final = {"dev": ("product_viewed", "checkout_started", "purchase_completed"), PROJECT: ("viewed", "checkout", "paid")}
"""Events of the sample and of the kept folder, by project."""

ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")

SHOWN: Final = "main :is(canvas, table, form, .empty, .funnel, .timeline)"
WAITED_FOR: Final = '[aria-busy="true"], .skeleton'
IS_THERE: Final = f"() => document.querySelector('{SHOWN}') && !document.querySelector('{WAITED_FOR}')"
LOADED: Final = """() => {
  const entries = performance.getEntriesByType('resource');
  const own = entries.filter((each) => !each.name.includes('/api/')).map((each) => each.transferSize);
  const [page] = performance.getEntriesByType('navigation');
  return [page.transferSize + own.reduce((sum, each) => sum + each, 0), performance.now()];
}"""
CLICK: Final = """([what, shown, waitedFor, done]) => new Promise((tell) => {
  const it = document.querySelector(what);
  const began = performance.now();
  let first = null;
  it.click();
  const look = () => {
    const now = performance.now() - began;
    const isWaiting = document.querySelector(waitedFor) !== null;
    const isThere = !isWaiting && document.querySelector(done) !== null && document.querySelector(shown) !== null;
    if (first === null && (isWaiting || isThere)) first = now;
    if (isThere) tell([first, now]);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
"""Milliseconds until an element's click is answered or said to be waited for, and until its answer is there. done: what is on the page then only."""

ACTS: Final = (
    ("overview", "a filter", ".overview-row", ".overview-row[aria-pressed=true]"),
    ("trends", "a change of the builder", "[aria-label=By] button[aria-pressed=false]", "main canvas"),
    ("funnels", "who dropped off", "button.funnel-drop", "dialog table"),
)
"""On which page, what is done, by a click on what, and what shows that it was."""


def main() -> None:
    with _serving() as (url, login, query), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(path for path in CHROMIUMS if path.exists()), args=ARGUMENTS)
        try:
            _measure(browser, url, login, query)
        finally:
            browser.close()


@contextmanager
def _serving() -> Iterator[tuple[str, dict[str, str], str]]:
    """The address, a login, and what an address of the app asks of the events there."""
    if kept := os.environ.get("SV_BENCH_FOLDER"):
        login = {"email": f"bench-{time.time_ns()}@example.com", "password": "a password of the bench"}
        words = [
            sys.executable,
            "-m",
            "sv",
            "user",
            "create",
            login["email"],
            "--instance-admin",
            "--stdin",
            "--data",
            f"{kept}/data",
        ]
        subprocess.run(words, input=login["password"], text=True, check=True, stdout=subprocess.DEVNULL)
        with serving(Path(kept) / "data") as (server, _):
            yield server.url, login, f"?project={PROJECT}&from={DATES['date_from']}&to={DATES['date_to']}"
        return
    command = [sys.executable, "-m", "sv", "dev", "--sample", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"], {"email": "dev@localhost", "password": "dev"}, ""
        finally:
            process.terminate()


def _measure(browser: Browser, url: str, login: dict[str, str], query: str) -> None:
    state = _logged_in(browser, url, login)
    bare_ms = statistics.median(_opened(browser, url, "healthz", None)[1] for _ in range(ROUNDS))
    print(f"a bare page                   {bare_ms:7.1f} ms    1.00")
    bare = [_opened(browser, url, "", None, "() => document.querySelector('form')") for _ in range(ROUNDS)]
    _show("first load: the login", bare, bare_ms)
    context = browser.new_context(storage_state=state)
    try:
        addresses = _addresses(context, url, query)
        for name, address in addresses.items():
            _show(f"opened: {name}", [_opened(browser, url, address, state, IS_THERE) for _ in range(ROUNDS)], bare_ms)
        _clicks(context, f"{url}/{addresses[PAGES[0]]}")
        for page, act, what, done in ACTS:
            _acts(context, f"{url}/{addresses[page]}", act, (what, done))
    finally:
        context.close()


def _addresses(context: BrowserContext, url: str, query: str) -> dict[str, str]:
    """Of each page that is opened, below the server's: trends and funnels ask for events, and a session is one of those there."""
    project = PROJECT if query else "dev"
    pages = {page: page + query for page in PAGES}
    chosen = [quote(json.dumps({"event": name})) for name in STEPS[project]]
    more = query or "?from=-29d"
    pages["trends"] = f"trends{more}&interval=day&e={chosen[0]}&e={chosen[1]}"
    pages["funnels"] = f"funnels{more}&" + "&".join(f"e={each}" for each in chosen)
    dates = DATES if query else {}
    listed = context.request.get(f"{url}/api/v1/projects/{project}/sessions?{urlencode({'limit': 1, **dates})}").json()["data"]
    for session in listed:  # none where the bench's folder was made without lists
        pages["a session"] = f"sessions/{quote(session['id'], safe='')}{query}"
    return pages


def _show(name: str, found: list[tuple[int, float]], bare_ms: float) -> None:
    took_ms = statistics.median(ms for _, ms in found)
    print(
        f"{name:<28}  {took_ms:7.1f} ms  {took_ms / bare_ms:6.2f}   {statistics.median(size for size, _ in found) / 1000:6.1f} KB"
    )


def _opened(browser: Browser, url: str, path: str, state: Any, there: str | None = None) -> tuple[int, float]:
    """(bytes but for the API's answers, milliseconds) of a page in a browser that has nothing yet."""
    context = browser.new_context(storage_state=state)
    try:
        page = context.new_page()
        page.goto(f"{url}/{path}")
        if there is not None:
            page.wait_for_function(there)
        size, took_ms = page.evaluate(LOADED)
        return size, took_ms
    finally:
        context.close()


def _clicks(context: BrowserContext, address: str) -> None:
    """From page to page by the navigation: the second time round each is loaded already."""
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(IS_THERE)
    for which in ("first", "second"):
        for path in (*PAGES[1:], PAGES[0]):
            link = f'nav a[href^="/{path}"]'
            found = page.evaluate(CLICK, [link, SHOWN, WAITED_FOR, f'{link}[aria-current="page"]'])
            _tell(f"clicked, {which} time: {path}", found)
    page.close()


def _acts(context: BrowserContext, address: str, act: str, clicked: tuple[str, str]) -> None:
    """The first time on a page that was just opened, as often as there are rounds; the slowest is told."""
    found: list[list[float]] = []
    for _ in range(ROUNDS):
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(IS_THERE)
        found.append(page.evaluate(CLICK, [clicked[0], SHOWN, WAITED_FOR, clicked[1]]))
        page.close()
    _tell(f"clicked: {act}", max(found))


def _tell(name: str, found: list[float]) -> None:
    first_ms, whole_ms = found
    judged = f"within {SOON_MS} ms" if first_ms <= SOON_MS else f"LATER than {SOON_MS} ms"
    print(f"{name:<34}  answered or in progress after {first_ms:6.1f} ms: {judged}   there {whole_ms:7.1f} ms")


def _logged_in(browser: Browser, url: str, login: dict[str, str]) -> Any:
    context = browser.new_context()
    try:
        assert context.request.post(f"{url}/api/v1/auth/login", data=login).ok
        return context.storage_state()
    finally:
        context.close()


if __name__ == "__main__":
    main()
