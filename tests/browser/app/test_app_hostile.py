"""Whatever strangers send, pages show it as text: nothing runs, nobody else is asked, nothing breaks out of its place."""

import json
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.app.app_rig import DESK, PHONE, Visit
from tests.browser.app.recorded import START, Tree, change, picture, upload
from tests.http.http_rig import Api, event

STRINGS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "<svg/onload=alert(3)>",
    "javascript:alert(4)",
    "</title><iframe srcdoc='<script>alert(5)</script>'>",
    "{{constructor.constructor('alert(6)')()}}${alert(7)}",
    "' onmouseover='alert(8)' x='",
    "\u202egnp.exe\u2066",
    "data:text/html,<script>alert(9)</script>",
    "https://elsewhere.example/x.png",
    "w" * 200,
)
"""Each at most as long as an event's name may be."""

SHOWN_BY_NAME = (
    *("$referrer", "$title", "$country", "$browser", "$browser_version", "$os", "$os_version", "$device_type", "$language"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
)
"""Properties that some page knows."""

SILENT = ("/trends", "/funnels", "/settings/install")
"""Addresses that show nothing of what strangers or colleagues write."""


def elements(name: str) -> list[dict[str, object]]:
    """Of a click, as the client says it."""
    return [{"tag": "a", "id": name, "classes": [name], "text": name, "attributes": {"href": name, "title": name}}, {"tag": name}]


def hostile_events(api: Api) -> None:
    now = round(time.time() * 1000)
    api.send(
        *(
            event(
                name,
                name,
                now - place * 1000,
                sessionId=name,
                groups=[name],
                properties={
                    "$current_url": name,
                    **dict.fromkeys(SHOWN_BY_NAME, name),
                    "$elements": elements(name),
                    name: name,
                    "nested": {name: [name]},
                },
            )
            for place, name in enumerate(STRINGS)
        ),
        *(
            event(
                "$pageview",
                name,
                now,
                sessionId=name,
                properties={"$current_url": f"https://a.example/{name}", "$referring_domain": name, "$country": name},
            )
            for name in STRINGS
        ),
        *(event("$identify", ..., now, userId=name, properties={"email": name, "name": name}) for name in STRINGS),
    )


def hostile_recording(api: Api) -> None:
    """Of a session whose events are as hostile, from before them until after."""
    tree, before = Tree(), time.time() * 1000 - START - 60_000
    page = tree.document(*(tree.element("a", {"href": name, "title": name, "onclick": name}, name) for name in STRINGS))
    first, whole = picture(page, before)
    first["data"]["href"] = STRINGS[0]
    upload(api, STRINGS[0], [first, whole], [change(before + 90_000, 4, href=STRINGS[1], width=800, height=600)])


@pytest.fixture
def hostile_names(api: Api) -> Iterator[None]:
    """Of what people make here themselves: projects, tokens, users, members and logins. The trail of changes repeats them."""
    kept = api.http.get("/api/v1/projects/dev").json()["name"]
    api.http.patch("/api/v1/projects/dev", json={"name": STRINGS[0]}).raise_for_status()
    made = []
    for name in STRINGS[:5]:
        emails = {"email": f"{name.replace(' ', '')}@{len(made)}", "memberships": [{"project_id": "dev", "role": "viewer"}]}
        token = {"name": name, "scopes": ["read"], "project_id": "dev"}
        for place, body in (("projects", {"name": name, "timezone": "UTC"}), ("users", emails), ("api_tokens", token)):
            answer = api.http.post(f"/api/v1/{place}", json=body)
            assert answer.status_code == 201, answer.text
            made.append(f"/api/v1/{place}/{answer.json()['id']}")
        with httpx.Client(base_url=api.server.url, trust_env=False, headers={"User-Agent": name}) as client:
            client.post("/api/v1/auth/login", json={"email": "dev@localhost", "password": "dev"}).raise_for_status()
    yield
    for place in made:
        api.http.delete(place).raise_for_status()
    api.http.patch("/api/v1/projects/dev", json={"name": kept}).raise_for_status()


def hostile_board(api: Api) -> str:
    """A dashboard of saved insights of each kind, all with such names; its id."""
    tiles: list[dict[str, str]] = []
    for place, name in enumerate(STRINGS[:6]):
        query = {"breakdown": name, "filters": [{"property": name, "operator": "is_not", "value": name}]}
        parts = {"steps": [{"event": name}, {"event": "$pageview"}]} if place % 2 else {"events": [{"name": name}]}
        told = {"name": name, "description": name, "kind": "funnel" if place % 2 else "trends", "query": {**query, **parts}}
        made = api.http.post(api.path("insights"), json=told)
        assert made.status_code == 201, made.text
        tiles.append({"insight_id": made.json()["id"], "title": name})
    board = api.http.post(api.path("dashboards"), json={"name": STRINGS[0], "description": STRINGS[1], "tiles": tiles})
    assert board.status_code == 201, board.text
    return str(board.json()["id"])


def hostile_rules(api: Api) -> list[str]:
    """Smart events of such names and rules, and descriptions of such names; the ids of the first ones."""
    made = []
    for name in STRINGS[:4]:
        rule = {"event": name, "url": name, "text": name, "filters": [{"property": name, "operator": "exact", "value": name}]}
        rule["selector"] = f"[title={json.dumps(name)}]"
        answer = api.http.post(api.path("action_definitions"), json={"name": name, "description": name, "rules": [rule]})
        made.append(answer.json()["id"])
        for kind in ("event_definitions", "property_definitions"):
            told = {"description": name, "is_verified": True}
            assert api.http.patch(api.path(f"{kind}/{quote(name, safe='')}"), json=told).status_code == 200
    return made


def addresses(visit: Visit, smart: list[str]) -> list[str]:
    """Every page of the navigation, and those with more to show of what was sent."""
    wanted = [json.dumps({"event": name, "filters": [[name, "exact", name]]}) for name in STRINGS[:3]]
    visit.open("/events", project="dev")
    visit.heading("Events")
    linked = (
        visit.page.get_by_role("navigation").get_by_role("link").evaluate_all("(links) => links.map((link) => link.pathname)")
    )
    assert len(linked) >= 4
    parts = ("project", "install", "tokens", "members", "audit", "projects", "users", "trail", "account")
    narrowed = {"breakdown": STRINGS[0], "f": json.dumps([STRINGS[1], "is_not", STRINGS[2]])}
    return [
        *(path for path in linked if path != "/settings"),
        *(f"/settings/{part}" for part in parts),
        *(visit.address(path, e=wanted, **narrowed) for path in ("/trends", "/funnels")),
        visit.address("/trends", e=[json.dumps({"event": name}) for name in STRINGS[:2]], chart="bar"),
        visit.address(
            "/funnels", e=[json.dumps({"event": "$pageview"}), json.dumps({"event": STRINGS[0]})], who='["dropped_off",2]'
        ),
        visit.address("/events", event=STRINGS[1], f=[json.dumps([name, "exact", name]) for name in STRINGS[:2]]),
        *(f"/persons/{quote(name, safe='')}" for name in (STRINGS[0], STRINGS[-1])),
        visit.address("/persons", q=STRINGS[0], country=STRINGS[0], browser=STRINGS[0]),
        f"/sessions/{quote(STRINGS[0], safe='')}",
        visit.address("/definitions", show="properties", of=STRINGS[0]),
        visit.address("/definitions", show="properties", q=STRINGS[-1]),
        *(f"/smart-events/{each}" for each in smart[:2]),
        visit.address("/overview", f=json.dumps(["$country", "exact", STRINGS[0]]), show=STRINGS[1], pages=STRINGS[0]),
    ]


def shown(visit: Visit, address: str) -> str:
    """What somebody reads there: of the settings the part, for their navigation names the project."""
    part = visit.page.locator(".settings-part" if address.startswith("/settings") else "main")
    if address == "/settings/project":
        return part.get_by_label("Name", exact=True).input_value()
    if address == "/settings/account":
        return "\n".join(part.get_by_role("rowheader").evaluate_all("(them) => them.map((it) => it.title)"))
    return part.inner_text()


@pytest.mark.usefixtures("hostile_names")
def test_hostile_text_does_nothing_on_any_page(own: Visit, api: Api) -> None:
    hostile_events(api)
    hostile_recording(api)
    smart, board = hostile_rules(api), hostile_board(api)
    silent: list[str] = []
    for address in [*addresses(own, smart), f"/dashboards/{board}"]:
        own.turn_to(f"{address}{'&' if '?' in address else '?'}project=dev")
        expect(own.page.get_by_role("heading", level=1)).to_be_visible()
        own.settle()
        opened = own.page.get_by_role("rowheader").get_by_role("button").or_(own.page.locator(".event-line .expander"))
        for button in opened.all()[:3]:
            button.click()
        seen = shown(own, address)
        if not any(name in seen for name in STRINGS):
            silent.append(address)
        own.resize(PHONE)
        width = own.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{address}: {width} pixels wide"
        own.resize(DESK)
        foreign = own.page.locator("iframe:not(.stage > iframe), main img, main script")
        assert foreign.count() == 0, address
        assert own.faults == [], address
    assert silent == list(SILENT)
