"""Dashboards: what is saved stands on one, is arranged with or without a pointer, and no tile holds up another."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, story

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}
SPAN = {"date_from": "2025-06-09", "date_to": "2025-06-15"}
TRENDS = {"events": [{"name": "buy"}], "interval": "day", **SPAN}
FUNNEL = {"steps": [{"event": "view"}, {"event": "buy"}], **SPAN}


@pytest.fixture
def board(api: Api) -> dict[str, Any]:
    """With three insights, the second of them half as wide as the others."""
    api.send(*story("ann: view@0m, buy@12m; bob: view@3m; cid: view@4m, buy@5m"))
    kept = [
        api.http.post(api.path("insights"), json={"name": name, "kind": kind, "query": query}).json()["id"]
        for name, kind, query in (
            ("Sales", "trends", TRENDS),
            ("Way", "funnel", FUNNEL),
            ("Views", "trends", {**TRENDS, "events": [{"name": "view"}]}),
        )
    ]
    tiles = [{"insight_id": each, "layout": {"x": 0, "y": at * 4, "w": 12, "h": 4}} for at, each in enumerate(kept)]
    made = api.http.post(api.path("dashboards"), json={"name": "Monday", "description": "What we\nlook at.", "tiles": tiles})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def titles(visit: Visit) -> list[str]:
    return visit.page.get_by_role("list", name="Insights").get_by_role("heading", level=2).all_inner_texts()


def kept_tiles(api: Api, board: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    tiles = api.http.get(api.path(f"dashboards/{board['id']}")).json()["tiles"]
    return [(tile["insight"]["name"], tile["layout"]["x"], tile["layout"]["y"], tile["layout"]["w"]) for tile in tiles]


def test_what_trends_show_is_saved_on_a_new_dashboard_and_opened_from_it(own: Visit, api: Api) -> None:
    api.send(*story("ann: view@0m, buy@12m; bob: view@3m, buy@4m"))
    page = own.open(
        "/trends", **WEEK, e='{"event":"buy","math":"unique_persons"}', interval="week", f='["$browser","is_not_set"]'
    )
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Buyers")
    dialog.get_by_label("Description").fill("By week")
    dialog.get_by_label("On the dashboard").select_option("A new one")
    dialog.get_by_label("Name of the dashboard").fill("Monday")
    dialog.get_by_role("button", name="Save the insight").click()
    own.heading("Monday")
    tile = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Buyers"))
    expect(tile.get_by_role("listitem")).to_have_text(re.compile(r"buy · .*2$"))
    tile.get_by_role("link", name="Buyers").click()
    own.heading("Trends")
    own.shows(lambda: [row[1] for row in own.cells("Series with their totals")], ["2"])
    assert own.parameters() == {
        "e": ['{"event":"buy","math":"unique_persons"}'],
        "interval": ["week"],
        "f": ['["$browser","is_not_set"]'],
        **{name: [value] for name, value in WEEK.items()},
    }


def test_tiles_are_arranged_by_keyboard_and_by_dragging(own: Visit, api: Api, board: dict[str, Any]) -> None:
    page = own.open(f"/dashboards/{board['id']}")
    expect(page.get_by_text("67%").first).to_be_visible()
    page.get_by_role("button", name="Arrange").press("Enter")
    page.get_by_role("button", name="Move Sales after").press("Enter")
    own.shows(lambda: titles(own), ["Way", "Sales", "Views"])
    expect(page.get_by_text("Sales is at place 2 of 3")).to_be_visible()
    own.shows(lambda: kept_tiles(api, board), [("Way", 0, 0, 12), ("Sales", 0, 4, 12), ("Views", 0, 8, 12)])
    for name in ("Way", "Sales"):
        page.get_by_label(f"Width of {name}").select_option("Half")
        own.shows(lambda name=name: {row[0]: row[3] for row in kept_tiles(api, board)}[name], 6)
    own.shows(lambda: kept_tiles(api, board), [("Way", 0, 0, 6), ("Sales", 6, 0, 6), ("Views", 0, 4, 12)])
    page.get_by_role("heading", name="Sales").drag_to(page.get_by_role("heading", name="Way"))
    own.shows(lambda: kept_tiles(api, board), [("Sales", 0, 0, 6), ("Way", 6, 0, 6), ("Views", 0, 4, 12)])
    page.get_by_role("button", name="Take Views off the dashboard").press("Enter")
    own.shows(lambda: titles(own), ["Sales", "Way"])
    page.get_by_role("button", name="Done").press("Enter")
    page.get_by_role("button", name="Add an insight").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Views").press("Enter")
    own.shows(lambda: titles(own), ["Sales", "Way", "Views"])
    page.reload()
    own.shows(lambda: titles(own), ["Sales", "Way", "Views"])


def test_a_slow_tile_and_a_broken_one_hold_up_no_other(own: Visit, api: Api, board: dict[str, Any]) -> None:
    held: list[Route] = []

    def answer(route: Route) -> None:
        if "buy" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.fulfill(status=503, json={"error": "busy", "code": "OVERLOADED"})

    own.page.route("**/insights/trends", answer)
    page = own.open(f"/dashboards/{board['id']}")
    tiles = page.get_by_role("list", name="Insights").locator(":scope > li")
    expect(tiles.nth(1).get_by_role("list", name="Funnel")).to_be_visible()
    expect(tiles.nth(2).get_by_role("alert")).to_contain_text("busy")
    expect(tiles.nth(0).get_by_text("Still working")).to_be_visible()
    tiles.nth(0).get_by_role("button", name="Stop waiting").click()
    expect(tiles.nth(0)).to_contain_text("You stopped waiting")
    own.page.unroute("**/insights/trends")
    page.get_by_role("button", name="Refresh").click()
    for at in (0, 2):
        expect(tiles.nth(at).locator(".tile-legend")).to_contain_text("2" if at == 0 else "3")
    assert len(held) == 1
    own.faults = [fault for fault in own.faults if "503" not in fault]


def test_a_dashboard_is_named_described_and_deleted_and_its_insights_stay(own: Visit, api: Api, board: dict[str, Any]) -> None:
    page = own.open("/dashboards")
    page.get_by_role("button", name="Delete Sales").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("dashboard")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Monday").click()
    page.get_by_role("button", name="Rename").click()
    api.http.patch(api.path(f"dashboards/{board['id']}"), json={"description": "Another day"}).raise_for_status()
    page.get_by_role("dialog").get_by_label("Name").fill("Tuesday")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    own.heading("Tuesday")
    expect(page.get_by_text("Another day")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    own.heading("Dashboards")
    expect(page.get_by_role("heading", name="No dashboard yet")).to_be_visible()
    page.get_by_role("button", name="Delete Sales").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    own.shows(lambda: [row[0] for row in own.cells("Saved insights, the newest first")], ["Views", "Way"])
    own.open(f"/dashboards/{board['id']}")
    expect(page.get_by_role("heading", name="There is no such dashboard")).to_be_visible()
    own.faults = [fault for fault in own.faults if "404" not in fault and "409" not in fault]


def test_viewers_see_dashboards_without_what_changes_them(own: Visit, api: Api, board: dict[str, Any]) -> None:
    made = api.http.post(
        "/api/v1/users", json={"email": "v@example.com", "memberships": [{"project_id": "dev", "role": "viewer"}]}
    )
    own.end_login()
    page = own.open(f"/dashboards/{board['id']}")
    own.log_in("v@example.com", made.json()["password"])
    own.heading("Monday")
    own.shows(lambda: titles(own), ["Sales", "Way", "Views"])
    assert page.get_by_role("main").get_by_role("button").all_inner_texts()[:2] == ["Dates of each", "Refresh"]
    for name in ("Arrange", "Rename", "Delete", "Add an insight"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    own.open("/trends", **WEEK, e='{"event":"buy"}')
    own.shows(lambda: len(own.cells("Series with their totals")), 1)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    api.http.delete(f"/api/v1/users/{made.json()['id']}").raise_for_status()


def test_dashboards_look_well(own: Visit, api: Api, board: dict[str, Any]) -> None:
    page = own.open("/dashboards")
    expect(page.get_by_role("region", name="Saved insights, the newest first")).to_be_visible()
    own.look("dashboards")
    page = own.open(f"/dashboards/{board['id']}")
    page.get_by_role("button", name="Arrange").click()
    for name in ("Sales", "Way"):
        page.get_by_label(f"Width of {name}").select_option("Half")
        own.shows(lambda name=name: {row[0]: row[3] for row in kept_tiles(api, board)}[name], 6)
    expect(page.locator(".tile-legend")).to_have_count(2)
    own.look("dashboard-arranged")
    page.get_by_role("button", name="Done").click()
    own.look("dashboard")


def test_dates_of_the_dashboard_hold_for_all_its_insights_and_are_in_the_address(own: Visit, board: dict[str, Any]) -> None:
    page = own.open(f"/dashboards/{board['id']}")
    tiles = page.get_by_role("list", name="Insights").get_by_role("listitem").filter(has=page.get_by_role("heading"))
    expect(tiles.filter(has_text="Sales")).to_contain_text("buy 2")
    page.get_by_role("button", name="Dates").click()
    page.get_by_label("From", exact=True).fill("2025-06-01")
    page.get_by_label("To", exact=True).fill("2025-06-08")
    page.get_by_role("button", name="Apply").click()
    expect(tiles.filter(has_text="Sales")).to_contain_text("Jun 1, 2025 – Jun 8, 2025")
    expect(tiles.filter(has_text="Sales")).to_contain_text("buy 0")
    assert own.parameters() == {"from": ["2025-06-01"], "to": ["2025-06-08"]}
    page.reload()
    expect(tiles.filter(has_text="Views")).to_contain_text("view 0")
    page.get_by_role("link", name="Views").click()
    own.heading("Trends")
    found = own.parameters()
    assert (found["from"], found["to"]) == (["2025-06-01"], ["2025-06-08"])
    page.go_back()
    own.heading("Monday")
    page.get_by_role("button", name="Jun 1, 2025 – Jun 8, 2025").click()
    page.get_by_role("button", name="Dates of each").click()
    expect(tiles.filter(has_text="Views")).to_contain_text("view 3")
    assert own.parameters() == {}


def test_what_was_put_on_a_dashboard_or_taken_off_in_another_window_stays_so(own: Visit, api: Api, board: dict[str, Any]) -> None:
    page = own.open(f"/dashboards/{board['id']}")
    page.get_by_role("button", name="Arrange").click()
    told = {"name": "Later", "kind": "trends", "query": {"events": [{"name": "view"}]}}
    later = api.http.post(api.path("insights"), json=told).json()["id"]
    tiles = [{"insight_id": tile["insight_id"], "layout": tile["layout"]} for tile in board["tiles"][:2]]
    api.http.patch(api.path(f"dashboards/{board['id']}"), json={"tiles": [*tiles, {"insight_id": later}]}).raise_for_status()
    page.get_by_role("button", name="Move Sales after").click()
    own.shows(lambda: titles(own), ["Way", "Sales", "Later"])
    own.shows(lambda: [row[0] for row in kept_tiles(api, board)], ["Way", "Sales", "Later"])
