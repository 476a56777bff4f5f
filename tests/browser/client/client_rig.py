"""The demo site on an origin of its own, with a strict Content-Security-Policy, and a visitor's browser on it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, Route

from tests.http.http_rig import Api

PAGES = Path(__file__).resolve().parents[1] / "demo_site"
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
INGEST = "/api/v1/ingest/events"
CONFIG = "/api/v1/ingest/config"
CORS = {"Access-Control-Allow-Origin": "*"}
PATIENCE_S = 45.0
FIRST_PAUSE_MS = 20.0
LONGEST_PAUSE_MS = 150.0
"""Between two looks at what is waited for."""
SLOW_S = 3.0
"""After which a page whose clock stands is given time, to try again what a slow machine has had it give up."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


class Site:
    """The demo site. options: what its pages give to `init`, a JavaScript expression. head: put into each page's head."""

    def __init__(self, server: str, token: str) -> None:
        self.server = server
        self.token = token
        self.options = "{}"
        self.head = ""
        self.policy = (
            f"default-src 'none'; script-src 'self' {server}; connect-src {server}; img-src 'self'; style-src 'self'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        self.url = ""

    def answer(self, path: str) -> tuple[int, str, bytes]:
        name = path.partition("?")[0].lstrip("/") or "index.html"
        if name.startswith("products/"):
            name = "products.html"
        file = PAGES / name
        if not file.is_file():
            return 404, "text/plain", b"not here"
        text = file.read_text("utf-8")
        text = (
            text.replace("{{home}}", self.url + "/")
            .replace("{{server}}", self.server)
            .replace("{{token}}", self.token)
            .replace("{{options}}", self.options)
        )
        if self.head:
            text = text.replace('<script src="/start.js"></script>', self.head)
        return 200, KINDS[file.suffix], text.encode()


@contextmanager
def serving(site: Site) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = site.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Visitor:
    """A browser with nothing kept, at first on no page.

    faults: what pages complained of. asked: every request to the server. script: how the next requests to ingest fare, see `_fare`.
    """

    def __init__(self, context: BrowserContext, site: Site, api: Api) -> None:
        self.context = context
        self.site = site
        self.api = api
        self.faults: list[str] = []
        self.asked: list[Request] = []
        self.script: list[int | str] = []
        self.is_still = False
        context.on("request", self._note)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        context.on("console", lambda message: self._hear(message.type, message.text))
        self.page: Page = context.new_page()

    def _note(self, request: Request) -> None:
        if request.url.startswith(self.site.server):
            self.asked.append(request)

    def _hear(self, kind: str, text: str) -> None:
        if "Content Security Policy" in text or (kind == "error" and "Failed to load resource" not in text):
            self.faults.append(text)

    def leave(self) -> None:
        """Close everything. What pages send when they are closed would reach the server in the middle of the next test: they send nothing."""
        for page in self.context.pages:
            page.evaluate("window.sessionvision?.optOut?.()")
        self.context.close()

    def plan(self, *script: int | str) -> None:
        """How the next requests to ingest fare; those after them reach the server. The rest of an earlier plan is forgotten."""
        if not self.script:
            self.context.route("**" + INGEST, self._fare)
        self.script = list(script)

    def _fare(self, route: Route) -> None:
        """A status is answered in the server's place. "down": no connection. "lost": the server takes it, and the answer is a 500.
        "silent": nothing ever comes."""
        match self.script.pop(0) if self.script else "up":
            case int(status):
                route.fulfill(status=status, headers=CORS, body="{}")
            case "down":
                route.abort("connectionrefused")
            case "lost":
                route.fetch()
                route.fulfill(status=500, headers=CORS, body="{}")
            case "silent":
                pass
            case _:
                route.continue_()

    def still(self) -> None:
        """From now on, pages' clocks stand, two days ago, but for what `later` adds."""
        start = datetime.now(UTC) - timedelta(days=2)
        self.is_still = True
        self.context.clock.install(time=start)
        self.context.clock.pause_at(start + timedelta(seconds=1))

    def later(self, seconds: float) -> None:
        """Let that much time pass for pages whose clocks stand."""
        self.context.clock.run_for(round(seconds * 1000))

    def open(self, path: str = "/") -> None:
        """A page, with the client on it and started."""
        self.page.goto(self.site.url + path)
        self.page.wait_for_function("typeof sessionvision.q?.length !== 'number'", polling=20)

    def run(self, script: str, given: Any = None) -> Any:
        return self.page.evaluate(script, given)

    def storage(self) -> dict[str, str]:
        found: dict[str, str] = self.run("({...localStorage})")
        return found

    def bodies(self) -> list[str]:
        """What went to ingest, in order."""
        return [request.post_data or "" for request in self.asked if request.url.endswith(INGEST)]

    def sent(self) -> list[list[str]]:
        """The names of the events in each request to ingest."""
        return [[event["event"] for event in json.loads(body)["events"]] for body in self.bodies()]

    def hide(self) -> None:
        """What a page sees when its tab is left."""
        self.run(
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    def eventually(self, found: Callable[[], Any], expected: Any) -> None:
        """Fail unless what is found is, before patience ends, what is expected. Meanwhile the browser is listened to."""
        until = time.monotonic() + PATIENCE_S
        pause_ms = FIRST_PAUSE_MS
        while (got := found()) != expected:
            if time.monotonic() > until:
                raise AssertionError(f"expected {expected!r}, got {got!r}")
            if self.page.is_closed():
                self.page = self.context.new_page()
            self.page.wait_for_timeout(pause_ms)
            pause_ms = min(pause_ms * 1.5, LONGEST_PAUSE_MS)

    def stored(self) -> list[dict[str, Any]]:
        """The events of this visitor's site, oldest first. What an earlier test's pages sent to the last may still come in."""
        port = urlsplit(self.site.url).port

        def is_here(event: dict[str, Any]) -> bool:
            url = event["properties"].get("$current_url")
            return url is None or urlsplit(url).port == port

        return [event for event in self.api.listed()[::-1] if is_here(event)]

    def expect(self, *names: str) -> list[dict[str, Any]]:
        """Exactly these events are stored, once each, in the order of their times; and they are returned."""
        slow_at = time.monotonic() + SLOW_S
        found: list[dict[str, Any]] = []

        def come_in() -> list[str]:
            nonlocal found
            if self.is_still and time.monotonic() > slow_at:
                self.later(1)
            found = self.stored()
            return sorted(event["event"] for event in found)

        self.eventually(come_in, sorted(names))
        in_order = [event["event"] for event in found]
        assert in_order == list(names), in_order
        return found


def path_of(site: Site, event: dict[str, Any]) -> str:
    """Of an event's page, on the demo site."""
    return str(event["properties"]["$current_url"]).removeprefix(site.url)
