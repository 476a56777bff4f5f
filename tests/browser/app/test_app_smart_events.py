"""Smart events: put together with what they would mean in view, changed, archived, deleted."""

import time
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, event


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("rowheader")


def clicks(api: Api) -> None:
    now = round(time.time() * 1000)
    buy = {"$elements": [{"tag": "button", "id": "buy", "text": "Buy now"}, {"tag": "form"}]}
    api.send(
        event("$pageview", "ann", now - 3000, properties={"$current_url": "https://shop.example/pricing?x=1"}),
        event("$pageview", "bob", now - 2000, properties={"$current_url": "https://shop.example/docs/a"}),
        event("$click", "ann", now - 1000, properties={"$current_url": "https://shop.example/pricing", **buy}),
    )


def smart_events(api: Api) -> list[dict[str, object]]:
    answer = api.http.get(api.path("action_definitions"), params={"include_archived": True})
    found: list[dict[str, object]] = answer.json()["data"]
    return found


def make(api: Api, name: str, **rule: object) -> str:
    made = api.http.post(api.path("action_definitions"), json={"name": name, "rules": [rule]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_smart_event_is_put_together_from_rules_and_counted_before_it_is_saved(own: Visit, api: Api) -> None:
    clicks(api)
    page = own.open("/smart-events")
    expect(page.get_by_role("heading", name="No smart events yet")).to_be_visible()
    page.get_by_role("link", name="New smart event").click()
    own.heading("New smart event")
    preview = page.get_by_role("region", name="Preview")
    first = page.get_by_role("group", name="Rule 1", exact=True)
    first.get_by_label("URL", exact=True).fill("/pricing")
    first.get_by_label("URL", exact=True).press("Tab")
    expect(preview).to_contain_text("2 events, last 7 days")
    own.choose(first.get_by_label("Event"), "view", "Page view")
    expect(preview).to_contain_text("1 event, last 7 days")
    page.get_by_role("button", name="Or: another rule").click()
    second = page.get_by_role("group", name="Rule 2", exact=True)
    second.get_by_label("Clicked element").fill("form > #buy")
    second.get_by_label("Text of the element").fill("Buy now")
    second.get_by_label("Text of the element").press("Tab")
    expect(preview).to_contain_text("2 events, last 7 days")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Name", exact=True)).to_have_accessible_description("Give it a name.")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("Wants to buy")
    page.get_by_role("button", name="Save").click()
    own.heading("Wants to buy")
    (made,) = smart_events(api)
    said = {"filters": [], "url_match": None, "url": None, "selector": None, "text": None, "event": None}
    assert made["rules"] == [
        {**said, "event": "$pageview", "url": "/pricing", "url_match": "exact"},
        {**said, "selector": "form > #buy", "text": "Buy now"},
    ]
    own.shows(lambda: page.url.split("?")[0].endswith(f"/smart-events/{made['id']}"), True)


def test_one_is_made_of_a_click_by_whoever_may(own: Visit, viewer: Visit, api: Api) -> None:
    elements = [{"tag": "b"}, {"tag": "a", "classes": ["w-1/2", "2x"], "text": 'Say "hi"'}, {"tag": "div", "id": ":r1:"}]
    now = round(time.time() * 1000)
    first, last = ({"sessionId": "s", "properties": {"$elements": each}} for each in (elements, elements[:2]))
    api.send(event("$click", "ann", now - 1000, **first), event("$click", "ann", now, **last))
    for visit in (own, viewer):
        visit.open("/sessions/s").get_by_role("button", name="Click").first.click()
    made_of = own.page.get_by_role("link", name="Make a smart event of it")
    href = made_of.get_attribute("href")
    expect(viewer.page.get_by_role("definition").first).to_be_visible()
    expect(viewer.page.get_by_role("link", name="Make a smart event of it")).to_have_count(0)
    own.open("/events").get_by_role("button", name="Click").last.click()
    expect(made_of).to_have_attribute("href", str(href))
    made_of.click()
    expect(own.page.get_by_label("Clicked element")).to_have_value(r"#\:r1\: a.w-1\/2.\32 x")
    expect(own.page.get_by_label("Text of the element")).to_have_value('Say "hi"')
    expect(own.page.get_by_role("region", name="Preview")).to_contain_text("1 event, last 7 days")


def test_what_is_not_saved_yet_is_in_the_address_until_it_is(own: Visit, viewer: Visit, api: Api) -> None:
    clicks(api)
    page = own.open("/smart-events/new")
    page.get_by_label("Name", exact=True).fill("Wants to buy")
    page.get_by_label("URL", exact=True).fill("/pricing")
    page.get_by_label("Clicked element").fill("#buy")
    page.get_by_label("Clicked element").press("Tab")
    own.shows(own.parameters, {"name": ["Wants to buy"], "r": ['{"url":"/pricing","url_match":"exact","selector":"#buy"}']})
    shared = page.url.removeprefix(own.url)
    viewer.open(shared)
    expect(viewer.page.get_by_text("any event at /pricing on #buy")).to_be_visible()
    expect(viewer.page.get_by_role("region", name="Preview")).to_contain_text("1 event, last 7 days")
    page.reload()
    expect(page.get_by_label("Clicked element")).to_have_value("#buy")
    page.get_by_role("button", name="Save").click()
    own.heading("Wants to buy")
    assert own.parameters() == {}
    page.get_by_label("URL", exact=True).fill("/docs/a")
    page.get_by_label("URL", exact=True).press("Tab")
    own.shows(own.parameters, {"r": ['{"url":"/docs/a","url_match":"exact","selector":"#buy"}']})
    page.get_by_role("button", name="Save").click()
    own.shows(own.parameters, {})
    (made,) = smart_events(api)
    (rule,) = made["rules"]  # type: ignore[misc]
    assert rule["url"] == "/docs/a"


def test_what_is_wrong_with_a_rule_is_said_at_its_field(own: Visit, api: Api) -> None:
    page = own.open("/smart-events/new")
    page.get_by_label("Clicked element").fill("a:hover")
    page.get_by_label("Clicked element").press("Tab")
    expect(page.get_by_label("Clicked element")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("group", name="Rule 1", exact=True)).to_contain_text("pseudo-class")
    own.faults = [fault for fault in own.faults if "status of 422" not in fault]


def test_what_was_refused_of_a_rule_goes_with_it(own: Visit) -> None:
    own.foresee("status of 422")
    details = [{"field": "rules[0].url", "message": "not this one"}]
    answer = {"error": "a rule is wrong", "code": "VALIDATION_ERROR", "details": details}
    own.page.route("**/action_definitions", lambda route: route.fulfill(status=422, json=answer))
    page = own.open("/smart-events/new", name="Buys", r=['{"url":"/a"}', '{"url":"/b"}'])
    page.get_by_role("button", name="Save").click()
    url = page.get_by_role("group", name="Rule 1", exact=True).get_by_label("URL", exact=True)
    expect(url).to_have_accessible_description("not this one")
    page.get_by_role("button", name="Remove rule 1").click()
    expect(url).to_have_value("/b")
    expect(page.get_by_text("not this one")).to_have_count(0)


def test_one_is_changed_archived_and_brought_back(own: Visit, api: Api) -> None:
    clicks(api)
    make(api, "Docs", url="/docs/", url_match="contains")
    page = own.open("/smart-events")
    expect(page.get_by_role("row").last).to_contain_text("any event at a URL with /docs/")
    page.get_by_role("link", name="Docs").press("Enter")
    own.heading("Docs")
    page.get_by_label("Name", exact=True).fill("Reads the docs")
    page.get_by_role("button", name="Save").click()
    own.heading("Reads the docs")
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("It is archived")).to_be_visible()
    page.get_by_role("link", name="All smart events").click()
    expect(page.get_by_role("heading", name="No smart events yet")).to_be_visible()
    page.get_by_label("Archived ones").select_option("Archived ones too")
    expect(rows(own)).to_contain_text(["Archived"])
    page.get_by_role("link", name="Reads the docs").click()
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("It is archived")).to_have_count(0)
    assert [(each["name"], each["archived"]) for each in smart_events(api)] == [("Reads the docs", False)]


def test_what_others_changed_of_one_meanwhile_is_not_taken_back_and_is_shown(own: Visit, api: Api) -> None:
    smart = make(api, "Docs", url="/docs/")
    one = api.path(f"action_definitions/{smart}")
    page = own.open(f"/smart-events/{smart}")
    page.get_by_label("Name", exact=True).fill("Reads")
    api.http.patch(one, json={"description": "Hers", "rules": [{"event": "view"}]}).raise_for_status()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("It is archived")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Hers")
    expect(page.get_by_label("URL", exact=True)).to_have_value("")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Reads")
    api.http.patch(one, json={"rules": [{"event": "view", "url": "/docs/"}]}).raise_for_status()
    page.get_by_role("button", name="Save").click()
    own.heading("Reads")
    expect(page.get_by_label("URL", exact=True)).to_have_value("/docs/")
    own.shows(own.parameters, {})
    (kept,) = smart_events(api)
    assert (kept["name"], kept["description"], kept["archived"]) == ("Reads", "Hers", True)
    rules: Any = kept["rules"]
    assert [(rule["event"], rule["url"]) for rule in rules] == [("view", "/docs/")]


def test_one_in_use_is_not_deleted_and_the_user_is_named(own: Visit, api: Api) -> None:
    used, unused = make(api, "Used", event="view"), make(api, "Unused", event="view")
    query = {"events": [{"action_id": used}]}
    assert api.http.post(api.path("insights"), json={"name": "Weekly", "kind": "trends", "query": query}).status_code == 201
    page = own.open(f"/smart-events/{used}")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete Used?")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Weekly")
    dialog.get_by_role("button", name="Archive it instead").click()
    expect(page.get_by_text("It is archived")).to_be_visible()
    own.open(f"/smart-events/{unused}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    own.heading("Smart events")
    assert [each["name"] for each in smart_events(api)] == ["Used"]
    own.faults = [fault for fault in own.faults if "status of 409" not in fault]


def test_who_may_only_look_sees_what_it_means_and_no_button(viewer: Visit, api: Api) -> None:
    clicks(api)
    made = make(api, "Buys", event="$click", selector="#buy")
    page = viewer.open("/smart-events")
    expect(rows(viewer)).to_have_text(["Buys"])
    expect(page.get_by_role("link", name="New smart event")).to_have_count(0)
    viewer.open("/smart-events/new")
    expect(page.get_by_role("heading", name="Who may edit this project can make one.")).to_be_visible()
    viewer.open(f"/smart-events/{made}")
    expect(page.get_by_text("Click on #buy")).to_be_visible()
    expect(page.get_by_role("region", name="Preview")).to_contain_text("1 event, last 7 days")
    for name in ("Save", "Archive", "Delete"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_smart_events_look_well(own: Visit, api: Api) -> None:
    clicks(api)
    make(api, "Wants to buy", event="$click", selector="form > button#buy", text="Buy now")
    made = make(api, "Looks at prices", url="/pricing", filters=[{"property": "plan", "operator": "is_not_set"}])
    own.open("/smart-events")
    expect(rows(own)).to_have_count(2)
    own.look("smart-events")
    page = own.open(f"/smart-events/{made}")
    expect(page.get_by_text("2 events, last 7 days")).to_be_visible()
    own.look("smart-event")
