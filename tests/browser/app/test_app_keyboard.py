"""Every page with the Tab key alone: all that can be used is come to, in the order in which it is seen, and where one is can be seen."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.app.app_rig import DESK, PHONE, Visit
from tests.browser.app.recorded import Tree, change, lived, picture, upload
from tests.http.http_rig import Api, event

PAGES = (
    "overview", "trends", "funnels", "dashboards", "events?event=purchase_completed&from=-1d", "persons",
    "sessions?country=DE&browser=Safari&from=-1d", "smart-events", "definitions", "settings",
    "trends?breakdown=$browser", 'funnels?e={"event":"product_viewed"}&e={"event":"purchase_completed"}&breakdown=$device_type',
    "smart-events/new", "definitions?show=properties", "settings/install", "settings/tokens", "settings/users", "settings/account",
)  # fmt: skip
MOST_STOPS = 400

STOP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return null;
  const box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const hit = at.closest('main') ? 'main' : 'frame';
  at.dataset.stop = '1';
  return {
    name: (at.getAttribute('aria-label') || at.innerText || at.labels?.[0]?.innerText || at.tagName).trim().slice(0, 40),
    part: hit,
    hasRing: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
    isInView: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    top: box.top + scrollY,
  };
}"""

CAN_BE_USED = "a[href], button, input, select, textarea, summary, [tabindex='0'], [contenteditable]"

TOUR = f"""() => {{
  const stop = {STOP};
  const tour = {{found: [], isNoted: true, isOver: false}};
  tour.note = () => {{
    if (tour.isOver || tour.isNoted) return;
    const at = stop();
    tour.isNoted = true;
    if (at) tour.found.push(at);
    else tour.isOver = true;
  }};
  addEventListener('keydown', (event) => {{
    if (event.key !== 'Tab' || tour !== window.tour) return;
    tour.note();
    tour.isNoted = false;
    if (tour.isOver) event.preventDefault();
  }}, true);
  window.tour = tour;
  return document.querySelectorAll({CAN_BE_USED!r}).length;
}}"""
"""Notes each stop as the key that leads on from it is pressed, until there is none; from then on the key does nothing. How many there may be."""
TOLD = "() => { tour.note(); return [tour.isOver, tour.found]; }"

NOT_REACHED = (
    f"() => [...document.querySelectorAll({CAN_BE_USED!r})]"
    + """
  .filter((each) => !each.dataset.stop && !each.disabled && each.tabIndex >= 0 && each.checkVisibility({visibilityProperty: true}))
  .filter((each) => !(each.type === 'radio' && document.querySelector(`input[name="${each.name}"][data-stop]`)))
  .map((each) => each.outerHTML.slice(0, 160))"""
)


def stops(visit: Visit, key: str = "Tab") -> list[dict[str, Any]]:
    """Where the Tab key comes to, from the page's beginning to its end, or another key from where one is."""
    presses, pressed = 1 + visit.page.evaluate(TOUR), 0
    while pressed < MOST_STOPS:
        for _ in range(presses):
            visit.page.keyboard.press(key)
        pressed, presses = pressed + presses, 5
        is_over, found = visit.page.evaluate(TOLD)
        if is_over:
            told: list[dict[str, Any]] = found
            return told
    raise AssertionError(f"no end after {MOST_STOPS} stops")


def come_to(visit: Visit, wanted: Locator, key: str = "Tab") -> None:
    """By this key alone, from where one is, which is somewhere."""
    expect(wanted).to_be_visible()
    found = wanted.element_handle()
    for _ in range(MOST_STOPS):
        is_there = found.evaluate("(it) => it.isConnected ? it === document.activeElement : null")
        if is_there:
            return
        if is_there is None:  # another is drawn in its place
            found = wanted.element_handle()
        else:
            visit.page.keyboard.press(key)
    raise AssertionError(f"not come to in {MOST_STOPS} stops: {wanted}")


def press(visit: Visit, wanted: Locator, key: str = "Enter") -> None:
    come_to(visit, wanted)
    visit.page.keyboard.press(key)


def is_somewhere(visit: Visit) -> None:
    """The focus was not lost with what had it."""
    visit.shows(lambda: visit.page.evaluate("document.activeElement !== document.body"), True)


def some_events(api: Api) -> None:
    now = round(time.time() * 1000)
    pages = {"$current_url": "https://shop.example/a", "$country": "DE"}
    api.send(
        event("$pageview", ..., now - 9000, userId="ann", sessionId="s", properties=pages),
        event("buy", ..., now - 5000, userId="ann", sessionId="s", properties={"plan": "pro"}),
    )


@pytest.mark.parametrize("path", PAGES)
def test_all_of_a_page_is_come_to_by_the_tab_key_and_the_focus_is_seen(shop: Visit, path: str) -> None:
    shop.open(f"/{path}")
    expect(shop.page.get_by_role("heading", level=1)).to_be_visible()
    shop.settle()
    found = stops(shop)
    assert [stop for stop in found if not stop["hasRing"]] == []
    assert [stop for stop in found if not stop["isInView"]] == []
    assert shop.page.evaluate(NOT_REACHED) == []
    parts = [stop["part"] for stop in found]
    assert parts == sorted(parts), "the frame, then the page"


def test_shift_and_tab_lead_back_the_same_way(shop: Visit) -> None:
    for path in ("trends", "settings"):
        shop.open(f"/{path}")
        expect(shop.page.get_by_role("heading", level=1)).to_be_visible()
        shop.settle()
        there = [(stop["name"], stop["part"]) for stop in stops(shop)]
        back = stops(shop, "Shift+Tab")
        assert [(stop["name"], stop["part"]) for stop in back] == there[::-1]
        assert [stop for stop in back if not stop["hasRing"] or not stop["isInView"]] == []


def test_a_login_by_keyboard_leads_to_the_page_from_its_beginning(stranger: Visit) -> None:
    stranger.foresee("status of 401")
    page, keyboard = stranger.open("/events"), stranger.page.keyboard
    expect(page.get_by_label("E-mail")).to_be_focused()
    keyboard.type("dev@localhost")
    keyboard.press("Tab")
    keyboard.type("wrong")
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Log in")).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don’t belong together")
    expect(page.get_by_role("button", name="Log in")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("ControlOrMeta+a")
    keyboard.type("dev")
    keyboard.press("Enter")
    stranger.heading("Events")
    keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_trends_are_put_together_and_saved(own: Visit, api: Api) -> None:
    some_events(api)
    page, keyboard = own.open("/trends"), own.page.keyboard
    own.heading("Trends")
    own.settle()
    come_to(own, page.get_by_label("Event A", exact=True))
    keyboard.type("bu")
    expect(page.get_by_role("option", name="buy")).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    come_to(own, page.get_by_label("What is measured of A"))
    keyboard.press("ArrowDown")
    press(own, page.get_by_role("button", name="Add an event"))
    own.shows(lambda: len(own.parameters()["e"]), 2)
    is_somewhere(own)
    come_to(own, page.get_by_label("Event B", exact=True), "Shift+Tab")
    keyboard.type("view")
    expect(page.get_by_role("option", name="Page view")).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    press(own, page.get_by_role("group", name="By").get_by_role("button", name="Week"), "Space")
    own.shows(lambda: [row[1] for row in own.cells("Series with their totals")], ["1", "1"])
    assert own.parameters() == {"e": ['{"event":"buy","math":"unique_persons"}', '{"event":"$pageview"}'], "interval": ["week"]}
    box = page.get_by_role("checkbox").first
    press(own, box, "Space")
    expect(box).not_to_be_checked()
    expect(box).to_be_focused()
    save = page.get_by_role("button", name="Save", exact=True)
    come_to(own, save, "Shift+Tab")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    come_to(own, page.get_by_role("dialog").get_by_label("Name", exact=True))
    keyboard.type("Sales")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(save).to_be_focused()
    assert [each["name"] for each in api.http.get(api.path("insights")).json()["data"]] == ["Sales"]


def test_the_skip_link_is_the_first_stop_and_leads_past_the_navigation(shop: Visit) -> None:
    for size in (DESK, PHONE):
        shop.open("/events")
        shop.heading("Events")
        shop.resize(size)
        shop.page.keyboard.press("Tab")
        expect(shop.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        shop.page.keyboard.press("Enter")
        shop.page.keyboard.press("Tab")
        stop = shop.page.evaluate(STOP)
        assert stop["part"] == "main", stop
        shop.heading("Events")


def test_a_row_of_the_overview_is_a_filter_and_is_taken_back(own: Visit, api: Api) -> None:
    some_events(api)
    page = own.open("/overview")
    row = page.get_by_role("region", name="Countries").get_by_role("button", name="Germany")
    press(own, row)
    own.shows(lambda: own.parameters().get("f"), ['["$country","exact","DE"]'])
    own.settle()
    is_somewhere(own)
    own.open("/overview", f=['["$country","exact","DE"]', '["$browser","is_not_set"]'])
    press(own, page.get_by_role("button", name="Remove the filter: Country is Germany"))
    expect(page.get_by_role("button", name=re.compile("Remove the filter: Browser"))).to_be_focused()
    page.keyboard.press("Enter")
    own.shows(lambda: own.parameters().get("f"), None)
    expect(page.get_by_role("group", name="Filters").get_by_role("button", name="Filter", exact=True)).to_be_focused()


def test_the_list_of_events_is_paused_and_one_is_opened(own: Visit, api: Api) -> None:
    some_events(api)
    page = own.open("/events")
    press(own, page.get_by_role("button", name="Pause"))
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    press(own, page.get_by_role("button", name="buy"))
    expect(page.get_by_label("Properties of buy")).to_contain_text("plan")


def test_from_the_list_of_persons_to_a_person_and_on_to_a_session(own: Visit, api: Api) -> None:
    some_events(api)
    page = own.open("/persons")
    press(own, page.get_by_role("rowheader").get_by_role("link", name="ann"))
    own.heading("ann")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.go_back()
    own.heading("Persons")
    page = own.open("/sessions")
    press(own, page.get_by_role("rowheader").get_by_role("link").first)
    own.heading("Session")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_recording_is_played_and_wound(own: Visit, api: Api) -> None:
    lived(api, "s-1")
    tree = Tree()
    upload(api, "s-1", picture(tree.document(tree.element("p", {}, "Seen"))), [change(9_000, 4, width=800, height=600)])
    page = own.open("/sessions/s-1")
    press(own, page.get_by_role("button", name="Play", exact=True), "Space")
    press(own, page.get_by_role("button", name="Pause", exact=True), "Space")
    place = page.get_by_label("Place in the recording")
    come_to(own, place)
    page.keyboard.press("Home")
    own.shows(place.input_value, "0")
    page.keyboard.press("End")
    own.shows(lambda: float(place.input_value()) > 8000, True)


def test_a_smart_event_is_made(own: Visit, api: Api) -> None:
    some_events(api)
    page = own.open("/smart-events")
    press(own, page.get_by_role("link", name="New smart event"))
    own.heading("New smart event")
    come_to(own, page.get_by_label("Name", exact=True))
    page.keyboard.type("Buys")
    rule = page.get_by_role("group", name="Rule 1", exact=True)
    come_to(own, rule.get_by_label("Event"))
    page.keyboard.type("buy")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("1 event")
    press(own, page.get_by_role("button", name="Save"))
    own.heading("Buys")
    (made,) = api.http.get(api.path("action_definitions")).json()["data"]
    assert [rule["event"] for rule in made["rules"]] == ["buy"]
    api.http.delete(api.path(f"action_definitions/{made['id']}")).raise_for_status()


def test_a_definition_is_described_and_the_focus_comes_back(own: Visit, api: Api) -> None:
    some_events(api)
    page = own.open("/definitions")
    edit = page.get_by_role("button", name="Edit buy")
    press(own, edit)
    dialog = page.get_by_role("dialog")
    come_to(own, dialog.get_by_label("Description"))
    page.keyboard.type("Paid.")
    press(own, dialog.get_by_label("Verified"), "Space")
    press(own, dialog.get_by_role("button", name="Save"))
    expect(page.get_by_role("row").filter(has_text="buy")).to_contain_text("Paid.")
    expect(edit).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(edit).to_be_focused()


def test_a_dashboard_is_made_and_removed(own: Visit, api: Api) -> None:
    page = own.open("/dashboards")
    press(own, page.get_by_role("button", name="New dashboard"))
    come_to(own, page.get_by_role("dialog").get_by_label("Name", exact=True))
    page.keyboard.type("Monday")
    page.keyboard.press("Enter")
    own.heading("Monday")
    is_somewhere(own)
    (made,) = api.http.get(api.path("dashboards")).json()["data"]
    api.http.delete(api.path(f"dashboards/{made['id']}")).raise_for_status()
