"""Recordings in the web app: a real visit is seen again, and one that was forged runs nothing and asks nobody."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Route, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.recorded import START, Tree, change, lived, picture, upload, visitor_of
from tests.http.http_rig import Api, event


def screen(visit: Visit) -> FrameLocator:
    """What the recording shows."""
    return visit.page.frame_locator(".stage iframe").frame_locator("iframe")


def watch(visit: Visit, session: str, **query: str) -> FrameLocator:
    visit.open(f"/sessions/{session}", **query)
    visit.heading("Session")
    expect(visit.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    return screen(visit)


def test_a_visit_to_a_site_with_the_client_on_it_is_seen_again(own: Visit, api: Api, browser: Browser) -> None:
    with visitor_of(browser, api) as visitor:
        visitor.open()
        session = visitor.run("sessionvision.getSessionId()")
        visitor.eventually(
            lambda: (visitor.run("sessionvision.flush()"), api.http.get(api.path(f"sessions/{session}/recording")).status_code)[
                1
            ],
            200,
        )
        visitor.page.click("#to-products")
        visitor.page.wait_for_url("**/products.html")
        visitor.page.click("text=Floor lamp")
        visitor.eventually(
            lambda: (
                (
                    visitor.run("sessionvision.flush()"),
                    sum(b"You look at the floor lamp" in chunk for chunk in chunks(api, session)),
                )[1]
                > 0
            ),
            True,
        )
    own.open("/sessions")
    own.page.get_by_role("link", name="Recorded").click()
    own.heading("Session")
    shown = screen(own)
    expect(shown.get_by_role("button", name="Buy now")).to_be_attached()
    expect(own.page.get_by_role("button", name="Page view at").first).to_be_visible()
    own.page.get_by_label("Place in the recording").press("End")
    expect(shown.locator("#view")).to_have_text("You look at the floor lamp.")
    own.look("session")


def chunks(api: Api, session: str) -> list[bytes]:
    listed = api.http.get(api.path(f"sessions/{session}/recording")).json()["chunks"]
    return [api.http.get(chunk["url"]).content for chunk in listed]


def two_scenes(api: Api, session: str) -> None:
    """A heading that says another thing half a minute later."""
    tree = Tree()
    text = tree.text("Before")
    document = tree.document({**tree.element("h1", {"style": "color: rgb(10, 20, 30)"}), "childNodes": [text]})
    lived(api, session)
    changed = change(30_000, 0, adds=[], removes=[], attributes=[], texts=[{"id": text["id"], "value": "After"}])
    upload(api, session, picture(document), [changed, change(60_000, 4, width=800, height=600)])


def test_a_link_leads_to_a_moment(own: Visit, api: Api) -> None:
    two_scenes(api, "s-1")
    shown = watch(own, "s-1", t="29")
    expect(shown.get_by_role("heading")).to_have_text("Before")
    expect(own.page.get_by_text("0:29 of 1:00")).to_be_visible()
    shown = watch(own, "s-1", t="31")
    expect(shown.get_by_role("heading")).to_have_text("After")
    assert shown.get_by_role("heading").evaluate("(heading) => getComputedStyle(heading).color") == "rgb(10, 20, 30)"


def test_an_event_in_the_list_leads_to_its_moment_and_the_address_says_so(own: Visit, api: Api) -> None:
    two_scenes(api, "s-1")
    shown = watch(own, "s-1")
    expect(shown.get_by_role("heading")).to_have_text("Before")
    own.page.get_by_role("button", name="Click at 0:30").click()
    expect(shown.get_by_role("heading")).to_have_text("After")
    assert own.parameters() == {"t": ["30"]}
    expect(own.page.get_by_role("listitem").filter(has_text="Click")).to_have_attribute("aria-current", "true")
    own.page.get_by_label("Place in the recording").press("ArrowLeft")
    expect(shown.get_by_role("heading")).to_have_text("Before")


def test_a_moment_that_is_chosen_before_the_player_is_there_is_shown_once_it_is(own: Visit, api: Api) -> None:
    two_scenes(api, "s-1")
    held: list[Route] = []
    own.page.route(re.compile(r"/assets/stage-[^/]*\.js$"), lambda route: held.append(route))
    shown = watch(own, "s-1")
    own.shows(lambda: len(held), 1)
    own.page.get_by_label("Place in the recording").press("End")
    expect(own.page.get_by_text("1:00 of 1:00")).to_be_visible()
    held[0].continue_()
    expect(shown.get_by_role("heading")).to_have_text("After")


def test_it_plays_to_its_end_and_faster_when_asked(own: Visit, api: Api) -> None:
    two_scenes(api, "s-1")
    shown = watch(own, "s-1", t="29.5")
    own.page.get_by_role("checkbox", name="Skip quiet stretches").uncheck()
    own.page.get_by_role("button", name="8×").click()
    own.page.get_by_role("button", name="Play", exact=True).click()
    expect(shown.get_by_role("heading")).to_have_text("After")
    expect(own.page.get_by_role("button", name="Play again")).to_be_visible()
    own.page.get_by_role("button", name="Play again").click()
    expect(shown.get_by_role("heading")).to_have_text("Before")


def test_a_recording_moves_on_without_looking_at_all_events_anew(own: Visit, api: Api) -> None:
    two_scenes(api, "s-1")
    api.send(*(event("tick", "ann", START + 20_000 + number, sessionId="s-1") for number in range(400)))
    watch(own, "s-1", t="25")
    counting = "const parse = Date.parse; window.parsed = 0; Date.parse = (text) => { window.parsed += 1; return parse(text); }"
    own.page.evaluate(f"() => {{ {counting} }}")
    for number in range(3):
        own.page.get_by_label("Place in the recording").press("ArrowRight")
        own.shows(own.parameters, {"t": [str(30 + 5 * number)]})
    expect(own.page.get_by_role("listitem").filter(has_text="Click")).to_have_attribute("aria-current", "true")
    assert own.page.evaluate("window.parsed") < 400


def test_quiet_stretches_are_skipped_unless_somebody_wants_to_see_them(own: Visit, api: Api) -> None:
    """Ten minutes in which nothing is done take as long as they took, or a moment."""
    tree = Tree()
    lived(api, "s-1", 600)
    upload(api, "s-1", picture(tree.document(tree.element("p", {}, "Quiet"))), [change(600_000, 4, width=800, height=600)])
    watch(own, "s-1")
    page = own.page
    skip = page.get_by_role("checkbox", name="Skip quiet stretches")
    skip.uncheck()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_text(re.compile("^0:0[1-9] of 10:00"))).to_be_visible()
    skip.check()
    expect(page.get_by_role("button", name="Play again")).to_be_visible()
    page.reload()
    expect(skip).to_be_checked()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Play again")).to_be_visible()


def test_play_that_is_pressed_before_the_player_is_there_plays(own: Visit, api: Api) -> None:
    held: list[Route] = []
    own.page.route("**/assets/stage-*.js", lambda route: held.append(route))
    two_scenes(api, "s-1")
    with own.page.expect_request("**/assets/stage-*.js"):
        own.open("/sessions/s-1")
    own.page.get_by_role("button", name="Play", exact=True).click()
    held[0].continue_()
    expect(own.page.get_by_role("button", name="Play again")).to_be_visible()


def test_the_link_that_is_copied_leads_to_the_moment_on_show(own: Visit, api: Api) -> None:
    own.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own.url)
    two_scenes(api, "s-1")
    watch(own, "s-1", t="31")
    own.page.get_by_role("button", name="Copy a link to this moment").click()
    expect(own.page.get_by_text("Copied", exact=True)).to_be_visible()
    own.page.goto(own.page.evaluate("navigator.clipboard.readText()"))
    expect(screen(own).get_by_role("heading")).to_have_text("After")
    expect(own.page.get_by_text("0:31 of 1:00")).to_be_visible()


def test_a_session_without_a_recording_shows_its_events(own: Visit, api: Api) -> None:
    lived(api, "s-1")
    own.open("/sessions/s-1")
    expect(own.page.get_by_role("heading", name="This session was not recorded")).to_be_visible()
    own.page.get_by_role("button", name="purchase /a").click()
    expect(own.page.get_by_label("Properties of purchase", exact=True)).to_contain_text("https://shop.example/a")


def test_a_recording_without_events_is_shown_and_an_unknown_session_is_said_to_be_none(own: Visit, api: Api) -> None:
    own.foresee("status of 404")
    tree = Tree()
    upload(api, "s-9", picture(tree.document(tree.element("p", {}, "Alone"))), [change(1000, 4, width=800, height=600)])
    expect(watch(own, "s-9").get_by_text("Alone")).to_be_attached()
    own.open("/sessions/s-8")
    expect(own.page.get_by_role("heading", name="There is no such session")).to_be_visible()


def test_what_is_no_recording_is_said_to_be_none(own: Visit, api: Api) -> None:
    lived(api, "s-1")
    upload(api, "s-1", b"no JSON at all", [1, None, {"type": 2}, {"type": 2, "timestamp": 1e18, "data": {"node": 7}}], {"a": 1})
    own.open("/sessions/s-1")
    expect(own.page.get_by_role("heading", name="Nothing of this recording can be shown")).to_be_visible()


class Elsewhere:
    """A server that nobody should ask. asked: who did."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Type", "text/javascript")
                self.end_headers()
                self.wfile.write(b"top.HARMED = 1; parent.HARMED = 1; HARMED = 1")

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


REFUSED = re.compile(r"console: Blocked (script execution|form submission)|/(escaped|imported|style-escaped)\b")
"""What Chromium tells of: what is pressed from outside, and styles that are spelled so that only the frame's own rules catch them."""

SANDBOXES = """(function within(page) {
  return [...page.querySelectorAll("iframe")].flatMap((frame) => [
    frame.getAttribute("sandbox"), ...(frame.contentDocument ? within(frame.contentDocument) : [])
  ]);
})(document)"""
HARM = "parent.HARMED = 1; top.HARMED = 1; alert(1)"


def harmful(tree: Tree, url: str) -> list[Any]:
    """Elements that would run something or ask somebody, if anything here let them."""
    e = tree.element
    page = f"<script>{HARM}</script><img src={url}/srcdoc>"
    handlers = dict.fromkeys(
        ("onload", "onerror", "onclick", "onmouseover", "onfocus", "onanimationstart", "ontoggle", "onpointerdown", "OnLoad"),
        HARM,
    )
    escaped = f"body {{ background: u\\72l({url}/escaped) }} @\\69mport '{url}/imported'; p {{ animation: x 1s }}"
    return [
        e("script", {"src": f"{url}/script"}, HARM),
        e("SCRIPT", {"type": "module"}, HARM),
        e("scr\u0131pt", {}, HARM),
        e("script", {"href": f"{url}/svg-script"}, HARM, isSVG=True),
        e("img", {**handlers, "src": f"{url}/img", "srcset": f"{url}/srcset 2x"}),
        e("img", {"src": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='" + HARM + "'/>"}),
        e(
            "svg",
            handlers,
            e("image", {"href": f"{url}/image", "xlink:href": f"{url}/xlink"}, isSVG=True),
            e("use", {"href": f"{url}/use#x"}, isSVG=True),
            isSVG=True,
        ),
        e("iframe", {"src": f"{url}/iframe"}),
        e("iframe", {"src": f"javascript:{HARM}"}),
        e("iframe", {"srcdoc": page, "sandbox": "allow-scripts allow-same-origin allow-top-navigation"}),
        e("frameset", {"onload": HARM}, e("frame", {"src": f"{url}/frame"})),
        e("object", {"data": f"{url}/object"}),
        e("embed", {"src": f"{url}/embed"}),
        e("a", {"href": f"javascript:{HARM}", "ping": f"{url}/ping", "id": "link"}, "press me"),
        e("form", {"action": f"{url}/form", "id": "form"}, e("button", {"formaction": f"javascript:{HARM}"}, "send")),
        e("link", {"rel": "stylesheet", "href": f"{url}/sheet"}),
        e("link", {"rel": "preconnect dns-prefetch prefetch preload modulepreload", "href": f"{url}/hint", "as": "script"}),
        e("link", {"_cssText": f"@import url({url}/link-css); p {{ background: url({url}/background) }} {escaped}"}),
        e("style", {"_cssText": f"@font-face {{ font-family: x; src: url({url}/font) }} p {{ font-family: x }} {escaped}"}),
        e("style", {}, f"@import '{url}/text'; p {{ list-style: url('{url}/list') }} {escaped}"),
        e("p", {"style": f"background: url({url}/style); cursor: image-set('{url}/set' 1x)"}, "styled"),
        e("p", {"style": f"background: u\\72l({url}/style-escaped)"}, "styled"),
        e("meta", {"http-equiv": "refresh", "content": f"0;url={url}/refresh"}),
        e("base", {"href": url}),
        e(
            "video",
            {"src": f"{url}/video", "poster": f"{url}/poster", "autoplay": True, "rr_mediaState": "played", **handlers},
            e("source", {"src": f"{url}/source"}),
            e("track", {"src": f"{url}/track"}),
        ),
        e("audio", {"src": f"{url}/audio"}),
        e("input", {"type": "image", "src": f"{url}/input", "autofocus": True, "onfocus": HARM}),
        e("canvas", {"rr_dataURL": f"{url}/canvas"}),
        e("img", {"rr_dataURL": f"{url}/data-url"}),
        e("x-element", {"is": "x"}, isCustom=True),
        e("details", {"open": True, "ontoggle": HARM}, e("summary", {}, "more")),
        e("template", {}, e("script", {}, HARM)),
        e("math", {"href": f"javascript:{HARM}"}, e("mtext", {}, "x")),
        e(
            "p",
            {"a b": "c", "<": ">", "__proto__": "x", "constructor": "y", "style": None},
            "</script><script>" + HARM + "</script>",
        ),
        *(e("img", {"name": name}) for name in ("body", "querySelectorAll", "getElementsByTagName", "createElement")),
        e("form", {}, *(e("input", {key: name}) for name in HIDING for key in ("name", "id"))),
    ]


HIDING = ("parentElement", "classList", "childNodes", "getRootNode", "dispatchEvent", "insertBefore")
"""Of a form with fields of such names these are the fields."""


def forged(url: str) -> list[Any]:
    """Chunks of a recording that tries everything, and then goes on."""
    tree = Tree()
    marker = tree.element("h1", {}, "Still here")
    elements = harmful(tree, url)
    document = tree.document(*elements, marker, head=tuple(harmful(tree, url)))
    body = document["childNodes"][1]["childNodes"][1]["id"]
    adds = [{"parentId": body, "nextId": None, "node": node} for node in harmful(tree, url)]
    attributes = [
        {
            "id": element["id"],
            "attributes": {
                "onclick": HARM,
                "src": f"{url}/change",
                "href": f"javascript:{HARM}",
                "srcdoc": "<p>",
                "style": {"background": f"url({url}/change-style)"},
            },
        }
        for element in elements
    ]
    changes = [
        change(100, 0, adds=adds, removes=[], texts=[], attributes=attributes),
        change(
            200,
            0,
            adds=[],
            removes=[{"id": 10**9, "parentId": "x"}],
            texts=[{"id": 1}],
            attributes=[{"id": None}],
        ),
        change(300, 8, id=elements[18]["id"], adds=[{"rule": f"p {{ background: url({url}/rule) }}", "index": 0}, {"rule": 7}]),
        change(400, 15, id=body, styles=[{"styleId": 1, "rules": [{"rule": f"@import url({url}/adopted)"}]}], styleIds=[1]),
        change(
            500,
            9,
            id=elements[27]["id"],
            type=0,
            commands=[{"property": "drawImage", "args": [{"rr_type": "HTMLImageElement", "src": f"{url}/canvas-image"}]}],
        ),
        change(600, 10, family="x", fontSource=f"url({url}/font-source)", buffer=False),
        change(700, 2, type=2, id=elements[13]["id"], x=1, y=1),
        change(800, 5, id=body, text=HARM, isChecked=True),
        change(900, 1, positions=[{"x": "1", "y": None}]),
        change(910, 1, positions=[{"x": 1, "y": 1, "id": elements[-1]["id"], "timeOffset": 0}]),
        change(920, 15, id=body, styles=[]),
        change(1000, 99, anything="at all"),
        {"type": 5, "timestamp": START + 1100, "data": {"tag": "x", "payload": HARM}},
        {"type": 6, "timestamp": START + 1200, "data": {"plugin": "x", "payload": HARM}},
        change(2000, 4, width=1e9, height=-1),
    ]
    return [picture(document), changes, deep(body)]


def deep(parent: int, levels: int = 5000) -> bytes:
    """A change that adds elements within elements within elements."""
    around = "".join(
        f'{{"type":2,"id":{10_000 + level},"tagName":"i","attributes":{{}},"childNodes":[' for level in range(levels)
    )
    node = around + "]}" * levels
    add = f'{{"parentId":{parent},"nextId":null,"node":{node}}}'
    data = f'{{"source":0,"adds":[{add}],"removes":[],"texts":[],"attributes":[]}}'
    return f'[{{"type":3,"timestamp":{START + 1500},"data":{data}}}]'.encode()


def test_a_forged_recording_runs_nothing_and_asks_nobody(own: Visit, api: Api, elsewhere: Elsewhere) -> None:
    lived(api, "s-1", 2)
    upload(api, "s-1", *forged(elsewhere.url))
    shown = watch(own, "s-1")
    expect(shown.get_by_role("heading", name="Still here")).to_be_attached()
    own.page.get_by_role("button", name="Play", exact=True).click()
    expect(own.page.get_by_role("button", name="Play again")).to_be_visible()
    own.page.get_by_label("Place in the recording").press("Home")
    own.page.get_by_label("Place in the recording").press("End")
    expect(shown.get_by_text("press me").first).to_be_attached()
    shown.get_by_text("press me").first.evaluate("(link) => link.click()")
    shown.locator("#form").first.evaluate("(form) => form.submit()")
    own.page.wait_for_load_state("networkidle")
    assert own.page.evaluate("[typeof HARMED, typeof frames[0].HARMED]") == ["undefined", "undefined"]
    assert elsewhere.asked == []
    sandboxes = own.page.evaluate(SANDBOXES)
    assert sandboxes[:2] == ["allow-same-origin", "allow-same-origin"]
    told = [fault for fault in own.faults if not REFUSED.search(fault)]
    own.faults = []
    assert told == [], json.dumps(told, indent=1)
