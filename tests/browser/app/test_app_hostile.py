"""Whatever strangers send, pages show it as text: nothing runs, nobody else is asked, nothing breaks out of its place."""

import json
import time
from urllib.parse import quote

from playwright.sync_api import expect

from tests.browser.app.app_rig import DESK, PHONE, Visit
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
                    "$referrer": name,
                    "$title": name,
                    "$country": name,
                    "$browser": name,
                    "$os": name,
                    "utm_source": name,
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


def hostile_names(api: Api) -> None:
    """Of what people make here themselves; the trail of changes repeats them."""
    for name in STRINGS:
        made = api.http.post("/api/v1/api_tokens", json={"name": name[:100], "scopes": ["read"], "project_id": "dev"})
        assert made.status_code == 201, made.text
        api.http.delete(f"/api/v1/api_tokens/{made.json()['id']}").raise_for_status()


def hostile_board(api: Api) -> str:
    """A dashboard of saved insights, all with such names; its id."""
    tiles: list[dict[str, str]] = []
    for name in STRINGS[:6]:
        query = {
            "events": [{"name": name}],
            "breakdown": name,
            "filters": [{"property": name, "operator": "is_not", "value": name}],
        }
        made = api.http.post(api.path("insights"), json={"name": name, "description": name, "kind": "trends", "query": query})
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
        answer = api.http.post(api.path("action_definitions"), json={"name": name, "description": name, "rules": [rule]})
        made.append(answer.json()["id"])
        for kind in ("event_definitions", "property_definitions"):
            told = {"description": name, "is_verified": True}
            assert api.http.patch(api.path(f"{kind}/{quote(name, safe='')}"), json=told).status_code == 200
    return made


def addresses(visit: Visit, smart: list[str]) -> list[str]:
    """Every page of the navigation, and those with more to show of what was sent."""
    wanted = [json.dumps({"event": name, "filters": [[name, "exact", name]]}) for name in STRINGS[:3]]
    visit.open("/events")
    visit.heading("Events")
    linked = (
        visit.page.get_by_role("navigation").get_by_role("link").evaluate_all("(links) => links.map((link) => link.pathname)")
    )
    assert len(linked) >= 4
    return [
        *linked,
        *(f"/settings/{part}" for part in ("install", "tokens", "audit", "trail", "account")),
        *(
            visit.address(path, e=wanted, breakdown=STRINGS[0], f=json.dumps([STRINGS[1], "is_not", STRINGS[2]]))
            for path in ("/trends", "/funnels")
        ),
        visit.address(
            "/funnels", e=[json.dumps({"event": "$pageview"}), json.dumps({"event": STRINGS[0]})], who='["dropped_off",2]'
        ),
        visit.address("/events", event=STRINGS[1], f=[json.dumps([name, "exact", name]) for name in STRINGS[:2]]),
        *(f"/persons/{quote(name, safe='')}" for name in (STRINGS[0], STRINGS[-1])),
        visit.address("/persons", q=STRINGS[0], country=STRINGS[1], browser=STRINGS[2]),
        visit.address("/definitions", show="properties", of=STRINGS[0]),
        visit.address("/definitions", show="properties", q=STRINGS[-1]),
        *(f"/smart-events/{each}" for each in smart[:2]),
        visit.address("/overview", f=json.dumps(["$country", "exact", STRINGS[0]]), show=STRINGS[1], pages=STRINGS[0]),
    ]


def test_hostile_text_does_nothing_on_any_page(own: Visit, api: Api) -> None:
    hostile_events(api)
    hostile_names(api)
    smart = hostile_rules(api)
    for address in [*addresses(own, smart), f"/dashboards/{hostile_board(api)}"]:
        own.open(address)
        expect(own.page.get_by_role("heading", level=1)).to_be_visible()
        own.settle()
        for button in own.page.get_by_role("rowheader").get_by_role("button").all()[:3]:
            button.click()
        own.resize(PHONE)
        width = own.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{address}: {width} pixels wide"
        own.resize(DESK)
        assert own.page.evaluate("document.querySelectorAll('iframe, main img, main script').length") == 0, address
        assert own.faults == [], address
