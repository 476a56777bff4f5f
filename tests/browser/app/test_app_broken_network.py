"""The app while the network breaks off: what was only read is asked for once more, a part of the app that didn't come is fetched with all the
rest, and neither goes on for ever."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page, Request, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, story

PART: Final = "**/assets/funnels-*.js"
REPORTED: Final = "ERR_CONNECTION_RESET"


def breaking_off(times: int) -> tuple[list[str], Callable[[Route], None]]:
    """What was asked for, by its method, and a route on which the first requests get no answer."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.method)
        if len(asked) <= times:
            route.abort("connectionreset")
        else:
            route.continue_()

    return asked, answer


def documents(page: Page) -> list[str]:
    """The address, each time that the whole app is loaded from now on."""
    found: list[str] = []

    def see(request: Request) -> None:
        if request.is_navigation_request():
            found.append(request.url)

    page.on("request", see)
    return found


def test_a_page_that_did_not_come_is_there_after_the_app_was_loaded_anew(alone: Visit) -> None:
    alone.foresee(REPORTED)
    page = alone.open("/trends")
    alone.heading("Trends")
    loaded = documents(page)
    page.route(PART, lambda route: route.continue_() if loaded else route.abort("connectionreset"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Funnels").click()
    alone.heading("Funnels")
    assert loaded == [page.url]


def test_a_page_that_never_comes_is_told_of_and_not_asked_for_without_end(alone: Visit) -> None:
    alone.foresee(REPORTED)
    page = alone.open("/trends")
    alone.heading("Trends")
    loaded = documents(page)
    page.route(PART, lambda route: route.abort("connectionreset"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Funnels").click()
    alone.heading("This page could not be loaded")
    alone.settle()
    assert loaded == [page.url]
    page.unroute(PART)
    page.get_by_role("button", name="Load it again").click()
    alone.heading("Funnels")


def test_a_page_is_not_loaded_anew_from_a_server_that_is_gone(alone: Visit) -> None:
    alone.foresee(REPORTED)
    page = alone.open("/trends")
    alone.heading("Trends")
    page.route("**/*", lambda route: route.abort("connectionreset"))
    loaded = documents(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Funnels").click()
    alone.heading("This page could not be loaded")
    assert loaded == []
    page.unroute("**/*")
    page.get_by_role("button", name="Load it again").click()
    alone.heading("Funnels")


def test_an_app_that_does_not_come_at_all_says_what_to_do_and_one_that_comes_shows_nothing_of_it(alone: Visit) -> None:
    alone.foresee(REPORTED)
    page = alone.page
    page.route("**/assets/index-*.js", lambda route: route.abort("connectionreset"))
    alone.open("/trends")
    told = page.get_by_text("load this page again")
    expect(told).to_have_css("animation-delay", "4s")
    expect(told).to_be_visible()
    page.unroute("**/assets/index-*.js")
    page.reload()
    alone.heading("Trends")
    expect(told).to_have_count(0)


def test_what_is_only_read_is_asked_once_more(alone: Visit, api: Api) -> None:
    alone.foresee(REPORTED)
    api.send(*story("ann: view@0m; bob: view@3m"))
    events, answer_events = breaking_off(1)
    trends, answer_trends = breaking_off(1)
    alone.page.route("**/api/v1/**/events?*", answer_events)
    alone.page.route("**/insights/trends", answer_trends)
    alone.open("/events", **{"from": "2025-06-09", "to": "2025-06-15"})
    expect(alone.page.get_by_role("row").filter(has_text="bob")).to_be_visible()
    alone.open("/trends", **{"from": "2025-06-09", "to": "2025-06-15", "event": "view"})
    alone.settle()
    expect(alone.page.get_by_role("alert")).to_have_count(0)
    assert events[:2] == ["GET", "GET"]
    assert trends[:2] == ["POST", "POST"]


def test_what_changes_something_is_sent_once(alone: Visit) -> None:
    alone.foresee(REPORTED)
    asked, answer = breaking_off(1)
    alone.page.route("**/api/v1/**/dashboards", answer)
    page = alone.open("/dashboards")
    alone.settle()
    asked.clear()
    page.get_by_role("button", name="New dashboard").first.click()
    page.get_by_label("Name").fill("Sales")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    assert asked == ["POST"]


def test_suggestions_that_could_not_be_had_are_asked_for_again_while_their_list_is_open(alone: Visit, api: Api) -> None:
    alone.foresee(REPORTED)
    api.send(*story("ann: view@0m; bob: look@3m"))
    page = alone.open("/trends", event="view")
    alone.settle()
    asked, answer = breaking_off(4)  # each try asks twice
    page.route("**/action_definitions?*", answer)
    field = page.get_by_role("combobox", name="Event A", exact=True)
    field.fill("loo")
    expect(page.get_by_role("option", name="Suggestions can’t be had now")).to_be_visible()
    expect(page.get_by_role("option", name="look")).to_be_visible()
    assert asked == ["GET"] * 5
    assert field.input_value() == "loo"
