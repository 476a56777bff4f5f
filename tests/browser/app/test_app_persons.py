"""Persons: found, looked at with what they did, taken along, and erased by who may."""

import json
import time
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.app.app_rig import PHONE, Visit
from tests.browser.app.recorded import Tree, change, lived, picture, upload
from tests.http.http_rig import HOUR, NOON, Api, event, story


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("rowheader")


def people(api: Api) -> None:
    chrome = {"$browser": "Chrome", "$device_type": "Desktop", "$country": "DE"}
    api.send(
        *story("ann: $pageview@0m, cart@12m", sessionId="first", properties={"$current_url": "https://shop.example/a", **chrome}),
        *story("ann: buy@2h", sessionId="second", properties=chrome),
        event("$identify", "ann-device", properties={"name": "Ann B.", "email": "ann@example.com"}, userId="user-1"),
        *story("bob: $pageview@1m", properties={"$browser": "Safari", "$country": "FR"}),
    )


def test_persons_are_found_by_trait_country_and_whether_they_are_known(own: Visit, api: Api) -> None:
    people(api)
    page = own.open("/persons")
    expect(rows(own)).to_have_count(3)
    own.columns_have_room()
    page.get_by_role("searchbox").fill("ann@")
    expect(rows(own)).to_have_text(["Ann B.user-1"])
    assert own.parameters() == {"q": ["ann@"]}
    page.get_by_role("button", name="Clear").click()
    own.choose(page.get_by_label("Country"), "Fr", "France")
    expect(rows(own)).to_have_text(["bob"])
    own.open("/persons", identified="false", browser="Chrome")
    expect(rows(own)).to_have_text(["ann"])
    page.get_by_label("Identified").select_option("Identified")
    expect(page.get_by_role("heading", name="No person meets this")).to_be_visible()
    page.go_back()
    expect(rows(own)).to_have_text(["ann"])


def test_a_person_is_shown_with_traits_and_what_they_did_by_session(own: Visit, api: Api) -> None:
    people(api)
    page = own.open("/persons")
    page.get_by_role("link", name="Ann B.").click()
    own.heading("Ann B.")
    expect(page.get_by_role("region", name="Traits")).to_contain_text("ann@example.com")
    own.open("/persons/ann")
    own.heading("ann")
    did = page.get_by_role("region", name="What they did")
    expect(did.get_by_role("heading", level=3)).to_have_text(
        ["Session of Jun 15, 2025, 14:00:00", "Session of Jun 15, 2025, 12:00:00"]
    )
    expect(did.get_by_role("button")).to_have_text(["buy", "cart /a", "Page view /a"])
    did.get_by_role("button", name="cart").press("Enter")
    expect(did.get_by_label("Properties of cart")).to_contain_text("https://shop.example/a")
    page.get_by_role("link", name="All their sessions").click()
    own.heading("Sessions")
    expect(rows(own)).to_have_text(["ann", "ann"])


def test_a_persons_recording_is_one_click_away_from_a_funnels_drop_off(own: Visit, api: Api) -> None:
    lived(api, "s-1")
    tree = Tree()
    upload(api, "s-1", picture(tree.document(tree.element("p", {}, "Seen"))), [change(1000, 4, width=800, height=600)])
    page = own.open("/funnels", e=['{"event":"purchase"}', '{"event":"never"}'], who='["dropped_off",2]')
    page.get_by_role("dialog").get_by_role("link", name="ann", exact=True).click()
    own.heading("ann")
    page.get_by_role("link", name="Watch the recording").click()
    own.heading("Session")
    expect(page.get_by_role("region", name="Recording")).to_be_visible()


def test_all_that_is_kept_of_a_person_is_a_file_away(own: Visit, api: Api, tmp_path: Path) -> None:
    people(api)
    page = own.open("/persons/user-1")
    with page.expect_download() as got:
        page.get_by_role("link", name="Export").click()
    got.value.save_as(tmp_path / "person.ndjson")
    lines = [json.loads(line) for line in (tmp_path / "person.ndjson").read_text("utf-8").splitlines()]
    assert lines[-1] == {"type": "end", "events": 1}


def test_a_person_is_erased_once_that_was_confirmed_and_nobody_else_is(own: Visit, api: Api) -> None:
    people(api)
    page = own.open("/persons/ann")
    page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog", name="Erase ann?")
    expect(dialog).to_contain_text("3 events, out of every file")
    expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Erase").click()
    dialog.get_by_label("I know that this can’t be undone").check()
    own.look("person-erase")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog).to_contain_text("3 events were erased.")
    dialog.get_by_role("button", name="Back to persons").click()
    own.heading("Persons")
    own.shows(lambda: sorted(rows(own).all_text_contents()), ["Ann B.user-1", "bob"])
    own.open("/persons/ann")
    expect(page.get_by_role("heading", name="There is no such person")).to_be_visible()
    own.faults = [fault for fault in own.faults if "status of 404" not in fault]


def test_who_may_only_look_has_no_button_to_erase_or_export(viewer: Visit, api: Api) -> None:
    people(api)
    page = viewer.open("/persons/ann")
    expect(page.get_by_role("region", name="What they did").get_by_role("listitem")).not_to_have_count(0)
    expect(page.get_by_role("button", name="Erase")).to_have_count(0)
    expect(page.get_by_role("link", name="Export")).to_have_count(0)


def test_more_persons_and_more_events_are_shown_when_asked_for(shop: Visit) -> None:
    page = shop.open("/persons")
    expect(rows(shop)).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(rows(shop)).to_have_count(200)


def test_on_a_phone_they_are_in_the_order_of_the_dates_that_are_shown(shop: Visit) -> None:
    shop.resize(PHONE)
    page = shop.open("/persons")
    expect(rows(shop)).to_have_count(100)
    dates = "(them) => them.filter((it) => it.checkVisibility()).map((it) => it.dateTime)"
    shown = page.locator("tbody time").evaluate_all(dates)
    assert len(shown) == 100
    assert shown == sorted(shown, reverse=True)


def test_persons_that_cannot_be_had_or_take_long_say_so(own: Visit, api: Api) -> None:
    page = own.page
    page.route("**/persons?*", lambda route: None)
    own.open("/persons")
    expect(page.get_by_text("Still working")).to_be_visible()
    page.get_by_role("button", name="Stop waiting").click()
    page.unroute("**/persons?*")
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("heading", name="Nobody yet")).to_be_visible()
    page.route("**/persons?*", lambda route: route.abort("connectionrefused"))
    page.get_by_role("searchbox").fill("x")
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    own.faults = [fault for fault in own.faults if "ERR_CONNECTION_REFUSED" not in fault]


def test_a_person_looks_well(shop: Visit) -> None:
    page = shop.open("/persons", identified="true", country="DE", browser="Safari")
    expect(rows(shop).first).to_be_visible()
    shop.look("persons")
    rows(shop).first.get_by_role("link").click()
    expect(page.get_by_role("region", name="What they did").get_by_role("listitem").first).to_be_visible()
    shop.look("person")


def test_all_sessions_of_a_person_are_those_since_the_day_that_it_then_was_there(own: Visit, api: Api) -> None:
    api.http.patch("/api/v1/projects/dev", json={"timezone": "America/New_York"}).raise_for_status()
    api.send(*story("ann: view@0m", NOON - 10 * HOUR))
    page = own.open("/persons/ann")
    page.get_by_role("link", name="All their sessions").click()
    own.heading("Sessions")
    expect(rows(own)).to_have_text(["ann"])
    assert own.parameters() == {"person": ["ann"], "from": ["2025-06-14"]}
    own.settle()
    page.goto("about:blank")
    api.http.patch("/api/v1/projects/dev", json={"timezone": "UTC"}).raise_for_status()


def test_a_person_a_session_and_names_that_are_dots_are_opened_like_any_other(own: Visit, api: Api) -> None:
    now = round(time.time() * 1000)
    api.send(event("..", "..", now, sessionId=".", properties={".": 1}), event("view", "=..", now - 1000))
    page = own.open("/persons")
    page.get_by_role("link", name="..", exact=True).click()
    own.heading("..")
    expect(page.get_by_role("region", name="Their latest sessions").get_by_role("link").first).to_be_visible()
    page.reload()
    own.heading("..")
    page.get_by_role("region", name="Their latest sessions").get_by_role("listitem").get_by_role("link").click()
    own.heading("Session")
    expect(page.get_by_role("region", name="What happened")).to_contain_text("..")
    own.open("/definitions")
    page.get_by_role("button", name="Edit ..").click()
    page.get_by_label("Description").fill("Dots")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("rowheader").filter(has_text="Dots")).to_be_visible()
    own.open("/persons/%3D..")
    own.heading("=..")
