"""Whatever strangers send, pages show it as text: nothing runs, nobody else is asked, nothing breaks out of its place."""

import json
import time

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


def addresses(visit: Visit) -> list[str]:
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
        *(
            visit.address(path, e=wanted, breakdown=STRINGS[0], f=json.dumps([STRINGS[1], "is_not", STRINGS[2]]))
            for path in ("/trends", "/funnels")
        ),
        visit.address(
            "/funnels", e=[json.dumps({"event": "$pageview"}), json.dumps({"event": STRINGS[0]})], who='["dropped_off",2]'
        ),
        visit.address("/events", event=STRINGS[1], f=[json.dumps([name, "exact", name]) for name in STRINGS[:2]]),
        visit.address("/overview", f=json.dumps(["$country", "exact", STRINGS[0]]), show=STRINGS[1], pages=STRINGS[0]),
    ]


def test_hostile_text_does_nothing_on_any_page(own: Visit, api: Api) -> None:
    hostile_events(api)
    for address in addresses(own):
        own.open(address)
        expect(own.page.get_by_role("heading", level=1)).to_be_visible()
        own.page.wait_for_load_state("networkidle")
        for button in own.page.get_by_role("rowheader").get_by_role("button").all()[:3]:
            button.click()
        own.resize(PHONE)
        width = own.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{address}: {width} pixels wide"
        own.resize(DESK)
        assert own.page.evaluate("document.querySelectorAll('iframe, main img, main script').length") == 0, address
        assert own.faults == [], address
