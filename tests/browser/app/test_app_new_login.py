"""What a page was refused because the login had ended is asked again by itself once there is a new one."""

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import NOON, Api, event, story

DAYS = {"from": "2025-06-01", "to": "2025-06-30"}
STEPS = ['{"event":"view"}', '{"event":"buy"}']
PERSONS = 60
PAGE = 50
"""Persons that the list behind a bar shows at once."""


def log_in_over(visit: Visit) -> None:
    over = visit.page.get_by_role("dialog", name="Your login has ended")
    expect(over).to_be_visible()
    visit.log_in()
    expect(over).to_have_count(0)


def no_fault(page: Page) -> None:
    expect(page.get_by_text("This did not work")).to_have_count(0)


def test_the_persons_behind_a_bar_of_a_funnel(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(*(event("view", f"p{number:02}", NOON + number) for number in range(PERSONS)))
    page = own.open("/funnels", **DAYS, e=STEPS)
    bar = page.get_by_role("button", name=f"{PERSONS} persons")
    expect(bar).to_be_visible()
    own.end_login()
    bar.click()
    log_in_over(own)
    dialog = page.get_by_role("dialog", name="Reached step 1")
    expect(dialog.get_by_role("rowheader")).to_have_count(PAGE)
    no_fault(page)
    own.end_login()
    dialog.get_by_role("button", name="Show more").click()
    log_in_over(own)
    expect(dialog.get_by_role("rowheader")).to_have_count(PERSONS)
    no_fault(page)


def test_the_next_page_of_the_list_of_events(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(*(event("view", "ann", NOON + number) for number in range(120)))
    page = own.open("/events", **DAYS)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("rowheader")).to_have_count(100)
    own.end_login()
    page.get_by_role("button", name="Show older ones").click()
    log_in_over(own)
    expect(page.get_by_role("rowheader")).to_have_count(120)
    no_fault(page)


def test_tiles_that_were_arranged_meanwhile(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(*story("ann: view@0m"))
    query = {"events": [{"name": "view"}], "interval": "day", "date_from": DAYS["from"], "date_to": DAYS["to"]}
    kept = [
        api.http.post(api.path("insights"), json={"name": name, "kind": "trends", "query": query}).json()["id"]
        for name in ("One", "Two")
    ]
    tiles = [{"insight_id": each, "layout": {"x": 0, "y": at * 4, "w": 12, "h": 4}} for at, each in enumerate(kept)]
    board = api.http.post(api.path("dashboards"), json={"name": "Monday", "tiles": tiles}).json()
    page = own.open(f"/dashboards/{board['id']}")
    page.get_by_role("button", name="Arrange").click()
    own.end_login()
    page.get_by_role("button", name="Move One after").click()
    log_in_over(own)
    own.shows(
        lambda: [tile["insight"]["name"] for tile in api.http.get(api.path(f"dashboards/{board['id']}")).json()["tiles"]],
        ["Two", "One"],
    )
    titles = page.get_by_role("list", name="Insights").get_by_role("heading", level=2)
    expect(titles).to_have_text(["Two", "One"])
    expect(page.get_by_role("alert").filter(has_text="credentials")).to_have_count(0)


def test_a_smart_event_is_saved_at_the_next_try_and_nothing_is_said_of_the_login_before(own: Visit) -> None:
    own.foresee("status of 401")
    page = own.open("/smart-events/new")
    page.get_by_label("Name", exact=True).fill("Buys")
    page.get_by_label("Text of the element").fill("Buy now")
    own.end_login()
    page.get_by_role("button", name="Save").click()
    log_in_over(own)
    no_fault(page)
    page.get_by_role("button", name="Save").click()
    own.heading("Buys")


def test_the_erasure_that_is_followed(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(event("view", "ann", NOON, userId="ann"))
    page = own.open("/persons/ann")
    page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("checkbox").check()
    is_refused = True

    def follow(route: Route) -> None:
        if is_refused:
            route.fulfill(status=401, json={"error": "no credentials", "code": "NOT_AUTHENTICATED"})
        else:
            route.continue_()

    page.route("**/jobs/*", follow)
    dialog.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("dialog", name="Your login has ended")).to_be_visible()
    is_refused = False
    log_in_over(own)
    expect(page.get_by_role("dialog")).to_contain_text("Erased")
    no_fault(page)


def test_a_new_login_in_the_window_beside_it(own: Visit, api: Api, empty_login: dict[str, Any]) -> None:
    own.foresee("status of 401")
    api.send(event("view", "ann", NOON))
    page = own.open("/events", **DAYS)
    page.get_by_role("button", name="Pause").click()
    own.end_login()
    over = page.get_by_role("dialog", name="Your login has ended")
    expect(over).to_be_visible()
    own.context.add_cookies(empty_login["cookies"])
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(over).to_have_count(0)
    no_fault(page)


def test_a_refusal_that_comes_only_after_the_new_login(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(event("view", "ann", NOON))
    held: list[Route] = []
    own.page.route("**/persons?*", lambda route: route.continue_() if held else held.append(route))
    page = own.open("/persons")
    own.shows(lambda: len(held), 1)
    own.context.clear_cookies()
    page.get_by_label("Country").click()  # what is suggested there is asked for
    log_in_over(own)
    held[0].fulfill(status=401, json={"error": "no credentials", "code": "NOT_AUTHENTICATED"})
    expect(page.get_by_role("rowheader")).to_have_text(["ann"])
    no_fault(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
