"""Saves and questions that are held back: one at a time, nothing typed is lost, and the newest question wins."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.test_app_keyboard import come_to, press
from tests.http.http_rig import NOON, Api, event

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}


def saved(api: Api) -> list[str]:
    return [each["name"] for each in api.http.get(api.path("insights")).json()["data"]]


def begin(own: Visit) -> Any:
    """The dialog that saves, come to and filled in by the keyboard alone."""
    page = own.open("/trends", **WEEK, e='{"event":"buy"}')
    button = page.get_by_role("button", name="Save", exact=True)
    own.settle()
    press(own, button)
    dialog = page.get_by_role("dialog")
    come_to(own, dialog.get_by_label("Name", exact=True))
    page.keyboard.type("Buyers")
    return dialog


def test_a_save_that_is_held_back_is_sent_once_and_a_refused_one_keeps_what_was_typed(own: Visit, api: Api) -> None:
    api.send(event("buy", "p1", NOON))
    held: list[Route] = []
    own.foresee("503")
    own.page.route("**/insights", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    dialog = begin(own)
    page = own.page
    page.keyboard.press("Enter")
    submit = dialog.locator("button[type=submit]")
    expect(submit).to_be_disabled()
    page.keyboard.press("Enter")
    own.shows(lambda: len(held), 1)
    held[0].fulfill(status=503, json={"error": "busy", "code": "OVERLOADED"})
    expect(dialog.get_by_role("alert")).to_contain_text("busy")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Buyers")
    assert len(held) == 1
    assert saved(api) == []
    page.unroute("**/insights")
    come_to(own, dialog.get_by_label("Name", exact=True), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert saved(api) == ["Buyers"]


def test_bars_that_were_saved_are_bars_again(own: Visit, api: Api) -> None:
    api.send(event("buy", "p1", NOON))
    page = own.open("/trends", **WEEK, e='{"event":"buy"}', chart="bar")
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Buyers")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    (made,) = api.http.get(api.path("insights")).json()["data"]
    assert (made["kind"], made["chart"]) == ("trends", "bar")
    own.open("/dashboards")
    page.get_by_role("link", name="Buyers").click()
    own.heading("Trends")
    expect(page.get_by_role("group", name="Drawn as").get_by_role("button", name="Bars")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_an_insight_whose_dashboard_was_refused_is_not_made_a_second_time(own: Visit, api: Api) -> None:
    board = api.http.post(api.path("dashboards"), json={"name": "Monday"}).json()
    place = f"**/dashboards/{board['id']}"
    own.foresee("503")
    own.page.route(
        place,
        lambda route: (
            route.fulfill(status=503, json={"error": "busy", "code": "OVERLOADED"})
            if route.request.method == "PATCH"
            else route.continue_()
        ),
    )
    dialog = begin(own)
    dialog.get_by_role("combobox").select_option("Monday")
    dialog.get_by_label("Name", exact=True).press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("busy")
    own.page.unroute(place)
    dialog.get_by_label("Name", exact=True).fill("Buyers of the week")
    dialog.get_by_label("Name", exact=True).press("Enter")
    own.heading("Monday")
    assert saved(api) == ["Buyers of the week"]
    tiles = api.http.get(api.path(f"dashboards/{board['id']}")).json()["tiles"]
    assert len(tiles) == 1


def test_escape_closes_a_dialog_and_gives_the_focus_back(own: Visit) -> None:
    dialog = begin(own)
    page = own.page
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_focused()


def test_the_answer_to_an_earlier_question_is_not_shown_after_a_later_one(own: Visit, api: Api) -> None:
    api.send(event("buy", "p1", NOON), event("look", "p1", NOON), event("look", "p2", NOON))
    held: list[Route] = []
    own.page.route(
        "**/insights/trends", lambda route: held.append(route) if "buy" in (route.request.post_data or "") else route.continue_()
    )
    page = own.open("/trends", **WEEK, e='{"event":"buy"}')
    own.shows(lambda: len(held) > 0, True)
    own.choose(page.get_by_label("Event A", exact=True), "lo", "look")
    own.shows(lambda: [row[1] for row in own.cells("Series with their totals")], ["2"])
    held[0].fulfill(status=200, json={"error": "late", "code": "LATE"})
    own.settle()
    assert [row[1] for row in own.cells("Series with their totals")] == ["2"]


@pytest.mark.parametrize(
    "address", ["/trends?e={%22event%22:%22buy%22}", "/funnels?e={%22event%22:%22buy%22}&e={%22event%22:%22pay%22}"]
)
def test_nothing_moves_under_the_pointer_when_the_answer_comes(own: Visit, api: Api, address: str) -> None:
    api.send(event("buy", "p1", NOON))
    held: list[Route] = []
    own.page.route(re.compile(r"/insights/(trends|funnel)$"), lambda route: held.append(route))
    page = own.open(f"{address}&from=2025-06-09&to=2025-06-15")
    save, take = (page.get_by_role("button", name=name, exact=True) for name in ("Save", "Export"))
    own.shows(lambda: len(held) > 0, True)
    before = [each.bounding_box() for each in (save, take)]
    take.click()
    expect(page.get_by_role("button", name="Copy as curl")).to_be_enabled()
    expect(page.get_by_role("button", name="Download as CSV")).to_be_disabled()
    for route in held:
        route.continue_()
    expect(page.get_by_role("button", name="Download as CSV")).to_be_enabled()
    assert [each.bounding_box() for each in (save, take)] == before
