"""Recordings on a server: of a real visit, and of whatever somebody sends."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser

from tests.browser.client.client_rig import Site, Visitor, serving
from tests.http.http_rig import Api, event

DOCUMENT, DOCTYPE, ELEMENT, TEXT = 0, 1, 2, 3
FULL, CHANGE, META = 2, 3, 4
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
"""Of a person's browser: one without a head is taken for a bot, and an overview leaves bots out."""
START = int(time.time()) * 1000 - 3_600_000


@contextmanager
def visitor_of(browser: Browser, api: Api) -> Iterator[Visitor]:
    """Somebody on the demo site, recorded."""
    changed = api.http.patch("/api/v1/projects/dev", json={"settings": {"recording_sample_rate": 1}})
    assert changed.status_code == 200, changed.text
    site = Site(api.server.url, "sv_pub_dev")
    with serving(site):
        context = browser.new_context(viewport={"width": 1000, "height": 700}, user_agent=CHROME)
        visitor = Visitor(context, site, api)
        yield visitor
        context.close()
    assert visitor.faults == []


def upload(api: Api, session: str, *chunks: Any, first: int = 0) -> None:
    """Chunks of a session, each as JSON unless it is bytes already. first: the first one's index."""
    for index, chunk in enumerate(chunks, first):
        content = chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode()
        asked = {
            "projectToken": "sv_pub_dev",
            "sessionId": session,
            "chunkIndex": index,
            "sizeBytes": len(content),
            "anonymousId": "ann",
        }
        place = api.http.post("/api/v1/ingest/recordings", json=asked).json()
        assert api.http.put(place["uploadUrl"], content=content, headers=place["headers"]).status_code == 200


def lived(api: Api, session: str, seconds: int = 60) -> None:
    """Events of the session, over that time."""
    moments = (("$pageview", 0), ("$click", seconds / 2), ("purchase", seconds))
    api.send(
        *(
            event(name, "ann", START + at * 1000, sessionId=session, properties={"$current_url": "https://shop.example/a"})
            for name, at in moments
        )
    )


class Tree:
    """A page as rrweb describes it; each node has a number of its own."""

    def __init__(self) -> None:
        self._last = 0

    def _number(self) -> int:
        self._last += 1
        return self._last

    def text(self, content: str) -> dict[str, Any]:
        return {"type": TEXT, "id": self._number(), "textContent": content}

    def element(self, tag: str, attributes: dict[str, Any] | None = None, *children: Any, **more: Any) -> dict[str, Any]:
        nodes = [self.text(child) if isinstance(child, str) else child for child in children]
        return {
            "type": ELEMENT,
            "id": self._number(),
            "tagName": tag,
            "attributes": attributes or {},
            "childNodes": nodes,
            **more,
        }

    def document(self, *body: Any, head: tuple[Any, ...] = ()) -> dict[str, Any]:
        whole = self.element("html", {}, self.element("head", {}, *head), self.element("body", {}, *body))
        return {
            "type": DOCUMENT,
            "id": self._number(),
            "childNodes": [{"type": DOCTYPE, "id": self._number(), "name": "html", "publicId": "", "systemId": ""}, whole],
        }


def picture(document: dict[str, Any], at: float = 0) -> list[dict[str, Any]]:
    """The two events with which a recording begins."""
    size = {"href": "https://shop.example/", "width": 800, "height": 600}
    return [
        {"type": META, "timestamp": START + at, "data": size},
        {"type": FULL, "timestamp": START + at, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
    ]


def change(at: float, source: int, **data: Any) -> dict[str, Any]:
    return {"type": CHANGE, "timestamp": START + at, "data": {"source": source, **data}}
