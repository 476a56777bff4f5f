"""How pages are, whoever looks: by day or night, without motion, on a phone, and before there is anything to see."""

import json
import time

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.app.app_rig import DESK, PHONE, TWO_FRAMES, Visit
from tests.http.http_rig import NOON, Api, event, story

BACKGROUND = "getComputedStyle(document.body.parentElement).backgroundColor"
DAYS = {"from": "2025-06-09", "to": "2025-06-15"}
STEPS = ['{"event":"view"}', '{"event":"buy"}']
MOVING = "document.getAnimations().filter((each) => each.effect.getComputedTiming().activeDuration > 20).length"
WOUND = """() => [...document.querySelectorAll('main [role=region]:has(table)')]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth).map((each) => each.getAttribute('aria-label'))"""
COVERED = """() => {
  const at = document.activeElement.getBoundingClientRect(), hit = document.elementFromPoint(at.left + at.width / 2, at.top + 2);
  return Boolean(hit?.closest('.top')) && !document.activeElement.closest('.top');
}"""


def test_the_colours_that_were_chosen_hold_whatever_the_system_has_and_are_kept(shop: Visit) -> None:
    page = shop.open("/settings/account")
    choice = page.get_by_label("Colours")
    light = page.evaluate(BACKGROUND)
    choice.select_option("Dark")
    dark = page.evaluate(BACKGROUND)
    assert dark != light
    page.reload()
    expect(choice).to_have_value("dark")
    assert page.evaluate(BACKGROUND) == dark
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    choice.select_option("Light")
    assert page.evaluate(BACKGROUND) == light
    choice.select_option("As the system")
    assert page.evaluate(BACKGROUND) == dark
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert page.evaluate(BACKGROUND) == light


@pytest.mark.parametrize("wish", ["no-preference", "reduce"])
def test_a_page_that_waits_moves_unless_no_motion_is_wanted(own: Visit, api: Api, wish: str) -> None:
    api.send(*story("ann: view@0m, buy@12m"))
    page = own.page
    page.emulate_media(reduced_motion="reduce" if wish == "reduce" else "no-preference")
    page.route("**/insights/**", lambda route: None)
    own.open("/overview", **DAYS)
    expect(page.get_by_text("Still working").first).to_be_visible()
    own.shows(lambda: page.evaluate(MOVING) > 0, wish != "reduce")
    page.unroute_all()


LISTS = (
    "/dashboards",
    *(f"/settings/{part}" for part in ("install", "tokens", "audit", "projects", "users", "trail", "account")),
)


def test_no_list_is_wound_sideways_on_a_phone(own: Visit, api: Api) -> None:
    board = {"name": "Monday", "description": "What we look at on Mondays, before anything else is begun."}
    made = api.http.post(api.path("dashboards"), json=board).json()
    query = {"events": [{"name": "view"}]}
    saved = api.http.post(
        api.path("insights"), json={"name": "Views", "description": board["description"], "kind": "trends", "query": query}
    ).json()
    own.resize(PHONE)
    page = own.open("/events")
    own.heading("Events")
    for path in LISTS:
        own.turn_to(path)
        own.heading("Dashboards" if path == "/dashboards" else "Settings")
        own.settle()
        expect(page.get_by_role("main").get_by_role("table").first).to_be_attached()
        assert page.evaluate(WOUND) == [], path
        for button in page.get_by_role("table").get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], (path, box)
    api.http.delete(api.path(f"dashboards/{made['id']}")).raise_for_status()
    api.http.delete(api.path(f"insights/{saved['id']}")).raise_for_status()


def test_the_figures_of_a_funnel_are_beneath_each_other_on_a_phone(own: Visit, api: Api) -> None:
    api.send(*story("ann: view@0m, buy@12m; bob: view@3m", properties={"plan": "pro"}))
    own.resize(PHONE)
    page = own.open("/funnels", **DAYS, e=STEPS, breakdown="plan")
    expect(page.get_by_text("Answered in")).to_be_visible()
    assert page.evaluate(WOUND) == []
    expect(page.get_by_role("list", name="Funnel")).to_contain_text("1 person")
    expect(page.get_by_role("list", name="Funnel")).not_to_contain_text("1 persons")


def test_nothing_that_has_the_focus_is_behind_the_bar_at_the_top_of_a_phone(own: Visit, api: Api) -> None:
    api.send(*(event(f"event-{number:02}", at=time.time() * 1000) for number in range(40)))
    own.resize(PHONE)
    page = own.open("/definitions")
    edits = page.get_by_role("button", name="Edit event-")
    expect(edits).to_have_count(40)
    edits.last.focus()
    for _ in range(39):
        page.keyboard.press("Shift+Tab")
        assert not page.evaluate(f"{TWO_FRAMES}.then({COVERED})")


EMPTY = {
    "overview": ("/overview", "Waiting for the first event"),
    "trends": ("/trends", "Choose an event"),
    "funnels": ("/funnels", "Choose at least two steps"),
    "dashboards": ("/dashboards", "No dashboard yet"),
    "insights": ("/dashboards", "No insight is saved yet"),
    "events": ("/events", "No event meets this"),
    "persons": ("/persons", "Nobody yet"),
    "a person": ("/persons/nobody", "There is no such person"),
    "sessions": ("/sessions", "No session meets this"),
    "smart events": ("/smart-events", "No smart events yet"),
    "a smart event": ("/smart-events/none", "There is no such smart event"),
    "definitions": ("/definitions", "Nothing is defined yet"),
    "properties": ("/definitions?show=properties", "Nothing is defined yet"),
    "figures": ('/trends?e={"event":"never"}&breakdown=plan', "No events of this kind in these dates"),
}


def test_a_page_that_has_nothing_to_show_says_so(own: Visit) -> None:
    own.foresee("status of 404")
    page = own.open("/settings/account")
    own.heading("Settings")
    for name, (path, said) in EMPTY.items():
        own.turn_to(path)
        own.settle()
        expect(page.get_by_role("main").get_by_text(said).first, name).to_be_visible()
        assert own.axe() == [], name


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_long_names_leave_room_for_what_closes_or_removes_them(own: Visit, api: Api, size: ViewportSize) -> None:
    name = "w" * 200
    api.send(event(name, "ann", NOON))
    own.resize(size)
    page = own.open("/events", **{"from": "2025-06-15"}, f=json.dumps([name, "is_not", name]))
    text = page.locator(".chip .truncate").bounding_box()
    cross = page.get_by_role("button", name="Remove the filter").bounding_box()
    assert text and cross and text["x"] + text["width"] <= cross["x"]
    own.open("/funnels", **{"from": "2025-06-15"}, e=[json.dumps({"event": name})] * 2, who='["dropped_off",2]')
    close = page.get_by_role("dialog").get_by_role("button", name="Close").bounding_box()
    assert close and close["x"] + close["width"] <= size["width"]
