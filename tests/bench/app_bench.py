"""The web app in Chromium on sample data: bytes of the first load, time until a page is there, and how soon a click shows anything.

Prints medians, and ratios to a bare page of the same server: the few words of `/healthz`, opened in the same browser. A page is there when
nothing of it is waited for any more. Needs the app built (`./task ui`) and Chromium.

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

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.bench.lists_folder import PROJECT
from tests.bench.sizing_bench import DATES, serving

ROUNDS: Final = 5
CHROMIUMS: Final = (Path("/usr/bin/chromium"), Path("/usr/bin/chromium-headless-shell"))
PAGES: Final = ("overview", "trends", "dashboards", "events", "sessions", "settings")
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")

IS_THERE: Final = """() => document.querySelector('main :is(canvas, table, form, .empty)') && !document.querySelector('[aria-busy="true"], .skeleton')"""
LOADED: Final = """() => {
  const entries = performance.getEntriesByType('resource');
  const own = entries.filter((each) => !each.name.includes('/api/')).map((each) => each.transferSize);
  const [page] = performance.getEntriesByType('navigation');
  return [page.transferSize + own.reduce((sum, each) => sum + each, 0), performance.now()];
}"""
CLICK: Final = """(path) => new Promise((done) => {
  const link = document.querySelector(`nav a[href^="/${path}"]`);
  const began = performance.now();
  let first = null;
  link.click();
  const look = () => {
    const now = performance.now() - began;
    if (first === null && link.getAttribute('aria-current') === 'page') first = now;
    const isThere = document.querySelector('main :is(canvas, table, form, .empty)') && !document.querySelector('[aria-busy="true"], .skeleton');
    if (first !== null && isThere) done([first, now]);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


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
    for page in PAGES:
        _show(f"opened: {page}", [_opened(browser, url, page + query, state, IS_THERE) for _ in range(ROUNDS)], bare_ms)
    context = browser.new_context(storage_state=state)
    try:
        _clicks(context, f"{url}/{PAGES[0]}{query}")
    finally:
        context.close()


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
            first_ms, whole_ms = page.evaluate(CLICK, path)
            print(f"clicked, {which} time: {path:<12}  answered {first_ms:6.1f} ms   there {whole_ms:7.1f} ms")


def _logged_in(browser: Browser, url: str, login: dict[str, str]) -> Any:
    context = browser.new_context()
    try:
        assert context.request.post(f"{url}/api/v1/auth/login", data=login).ok
        return context.storage_state()
    finally:
        context.close()


if __name__ == "__main__":
    main()
