"""The list of sessions: filtered, paged, and on the way from a funnel to what its people did."""

import time

from playwright.sync_api import Locator, expect

from tests.browser.app.app_rig import PHONE, Visit
from tests.browser.app.recorded import Tree, change, lived, picture, upload
from tests.http.http_rig import NOON, Api, event, story

IS_CUT = """(it) => [...it.querySelectorAll('.truncate')].map((part) => {
  const all = document.createRange();
  all.selectNodeContents(part);
  return all.getBoundingClientRect().width > part.getBoundingClientRect().width;
})"""
DAYS = {"from": "2025-06-01", "to": "2025-06-30"}


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("rowheader")


def visits(api: Api) -> None:
    chrome = {"$browser": "Chrome", "$device_type": "Desktop", "$country": "DE"}
    api.send(
        *story(
            "ann: $pageview@0m, buy@12m", sessionId="long", properties={"$current_url": "https://shop.example/a?x=1", **chrome}
        ),
        *story(
            "bob: $pageview@1m", sessionId="short", properties={"$current_url": "https://shop.example/b", "$browser": "Safari"}
        ),
        event("$identify", "ann", properties={"email": "ann@example.com"}, userId="user-1", sessionId="long"),
    )


def test_sessions_are_listed_filtered_and_opened(own: Visit, api: Api) -> None:
    visits(api)
    page = own.open("/sessions", **DAYS)
    expect(rows(own)).to_have_text(["bob", "user-1"])
    expect(page.get_by_role("row").nth(2)).to_contain_text("/a?x=1")
    own.columns_have_room()
    expect(page.get_by_role("row").nth(2)).to_contain_text("12m 0s")
    own.choose(page.get_by_label("Browser"), "Sa", "Safari")
    expect(rows(own)).to_have_text(["bob"])
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Bounces").select_option("Without bounces")
    expect(rows(own)).to_have_text(["user-1"])
    assert own.parameters() == {"from": [DAYS["from"]], "to": [DAYS["to"]], "bounce": ["false"]}
    page.get_by_label("Duration").select_option("Half an hour and more")
    expect(page.get_by_role("heading", name="No session meets this")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="user-1").click()
    own.heading("Session")
    expect(
        page.get_by_text("https://shop.example/a?x=1").or_(page.get_by_title("https://shop.example/a?x=1")).first
    ).to_be_visible()


def test_a_person_is_found_by_a_trait_and_their_sessions_are_those_in_which_they_are(own: Visit, api: Api) -> None:
    visits(api)
    page = own.open("/sessions", **DAYS)
    expect(rows(own)).to_have_count(2)
    own.choose(page.get_by_label("Person"), "ann@", "user-1")
    expect(rows(own)).to_have_text(["user-1"])


def test_a_recorded_session_is_marked(own: Visit, api: Api) -> None:
    lived(api, "s-1", 90)
    lived(api, "s-2", 10)
    tree = Tree()
    upload(api, "s-1", picture(tree.document(tree.element("p", {}, "Seen"))), [change(1000, 4, width=800, height=600)])
    page = own.open("/sessions")
    expect(rows(own)).to_have_count(2)
    expect(page.get_by_role("link", name="Recorded")).to_have_count(1)


def test_from_who_dropped_off_in_a_funnel_it_is_two_clicks_to_what_they_did(own: Visit, api: Api) -> None:
    api.send(*story("ann: view@0m, buy@5m; bob: view@0m, leave@1m"))
    page = own.open("/funnels", **DAYS, e=['{"event":"view"}', '{"event":"buy"}'])
    page.get_by_role("button", name="1 dropped off (50%)").click()
    page.get_by_role("link", name="1: sessions of bob, to watch").click()
    own.heading("Sessions")
    assert own.parameters() == {"person": ["bob"], "from": [DAYS["from"]], "to": [DAYS["to"]]}
    expect(rows(own)).to_have_text(["bob"])
    rows(own).get_by_role("link").press("Enter")
    own.heading("Session")
    expect(page.get_by_role("region", name="What happened").get_by_role("listitem")).to_have_count(2)


def test_sessions_of_who_dropped_off_are_those_of_the_funnels_dates_also_where_nobody_chose_them(own: Visit, api: Api) -> None:
    api.send(event("view", "bob", (time.time() - 20 * 86_400) * 1000))
    page = own.open("/funnels", e=['{"event":"view"}', '{"event":"buy"}'])
    page.get_by_role("button", name="1 dropped off (100%)").click()
    page.get_by_role("link", name="1: sessions of bob, to watch").click()
    own.heading("Sessions")
    expect(rows(own)).to_have_text(["bob"])


def test_more_sessions_than_a_page_are_shown_when_asked_for(shop: Visit) -> None:
    shop.open("/sessions", **{"from": "-29d"})
    expect(rows(shop)).to_have_count(100)
    shop.page.get_by_role("button", name="Show earlier ones").click()
    expect(rows(shop)).to_have_count(200)


def test_what_happened_keeps_its_name_beside_a_long_place_on_a_phone(own: Visit, api: Api) -> None:
    url = "https://shop.example/magazine/caf%C3%A9-%C3%A0-la-maison-et-plus-encore?page=1"
    api.send(event("$pageview", "ann", sessionId="s", properties={"$current_url": url}))
    own.resize(PHONE)
    line = own.open("/sessions/s").get_by_role("button", name="Page view")
    expect(line).to_be_visible()
    assert line.evaluate(IS_CUT) == [False, True]


def test_the_list_and_a_session_look_well(shop: Visit) -> None:
    shop.open("/sessions", country="DE", browser="Safari", **{"from": "-1d"})
    expect(rows(shop).first).to_be_visible()
    assert rows(shop).count() < 50
    shop.look("sessions")
    rows(shop).first.get_by_role("link").click()
    shop.heading("Session")
    shop.page.get_by_role("list").last.get_by_role("button").first.click()
    shop.look("session-unrecorded")


def test_of_a_session_of_thousands_of_events_the_latest_are_shown_and_the_others_to_be_had(own: Visit, api: Api) -> None:
    for first in range(0, 5001, 1667):
        api.send(*(event("tick", "ann", NOON + first + number, sessionId="long") for number in range(1667)))
    page = own.open("/sessions/long")
    earlier = page.locator(".timeline > .row")  # by roles and names it would be sought among thousands of lines
    expect(earlier).to_contain_text("The latest 5,000 of 5,001 events.")
    earlier.locator("button").click()
    expect(earlier).to_have_count(0)
    assert page.locator(".timeline > ol > li").count() == 5001
