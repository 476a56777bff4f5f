"""Pages that are open while a day ends: "Today" and "Last 7 days" are worked out anew, days of the calendar stay as they are.

The page's clock is moved by a day, or the server's answers say that it is another; the server itself, which works out the dates, stays where
it is.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, event

A_DAY = "24:00:00"
NOW_S = round(time.time())
TOMORROW = datetime.fromtimestamp(NOW_S, UTC) + timedelta(days=1)
TRENDS = {"e": '{"event":"view"}'}
FUNNEL = {"e": ['{"event":"view"}', '{"event":"buy"}']}
PAGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "overview": ("/overview", {}, "insights/overview"),
    "trends": ("/trends", TRENDS, "insights/trends"),
    "funnels": ("/funnels", FUNNEL, "insights/funnel"),
    "persons of a funnel": ("/funnels", {**FUNNEL, "who": '["converted",1]'}, "funnel/persons"),
    "sessions": ("/sessions", {}, "dev/sessions?"),
    "a smart event": ("/smart-events/new", {"r": '{"event":"view"}'}, "action_definitions/preview"),
}
FIXED = {"from": "2025-06-09", "to": "2025-06-15"}
HIDE = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); document.dispatchEvent(new Event('visibilitychange')); }"


@pytest.fixture
def clocked(alone: Visit, api: Api) -> Visit:
    api.send(event("view", "ann", NOW_S * 1000), event("buy", "ann", NOW_S * 1000 + 1))
    alone.page.clock.install()
    return alone


def questions(page: Page, of: str) -> list[str]:
    """What is asked from now on, and grows: but for who is there now."""
    asked: list[str] = []

    def see(request: Request) -> None:
        body = request.post_data or ""
        if of in request.url and "-5min" not in body:
            asked.append(f"{request.url} {body}")

    page.on("request", see)
    return asked


@pytest.mark.parametrize("name", PAGES)
def test_dates_that_are_so_long_ago_are_asked_for_anew_on_another_day_and_days_of_the_calendar_are_not(
    clocked: Visit, name: str
) -> None:
    path, query, of = PAGES[name]
    page = clocked.page
    asked = questions(page, of)
    clocked.open(path, **query, **{"from": "-0d"})
    clocked.settle()
    first = sorted(set(asked))
    asked.clear()
    page.clock.fast_forward(A_DAY)
    clocked.shows(lambda: sorted(set(asked)), first)
    clocked.settle()
    asked.clear()
    clocked.open(path, **query, **FIXED)
    clocked.settle()
    assert asked
    asked.clear()
    page.clock.fast_forward(A_DAY)
    clocked.settle()
    assert asked == []


def test_a_page_that_nobody_looks_at_asks_once_somebody_does(clocked: Visit) -> None:
    page = clocked.page
    asked = questions(page, "insights/trends")
    clocked.open("/trends", **TRENDS, **{"from": "-0d"})
    clocked.settle()
    page.evaluate(HIDE, True)
    asked.clear()
    page.clock.fast_forward(A_DAY)
    clocked.settle()
    assert asked == []
    page.evaluate(HIDE, False)
    clocked.shows(lambda: len(asked) > 0, True)


def test_the_list_of_events_lets_go_of_the_day_before_unless_it_is_paused(clocked: Visit) -> None:
    page = clocked.page
    shown = "yesterday"

    def answer(route: Route) -> None:
        row = {
            "id": shown, "event": shown, "timestamp": "2025-06-09T12:00:00.000Z", "received_at": "2025-06-09T12:00:00.000Z",
            "distinct_id": "ann", "session_id": "s", "groups": [], "properties": {},
        }  # fmt: skip
        route.fulfill(json={"data": [row], "meta": {"next_cursor": None, "has_more": False}})

    page.route("**/dev/events?*", answer)
    clocked.open("/events", **{"from": "-0d"})
    rows = page.get_by_role("rowheader")
    expect(rows).to_have_text(["yesterday"])
    page.get_by_role("button", name="Pause").click()
    shown = "today"
    page.clock.fast_forward(A_DAY)
    expect(page.get_by_role("button", name="1 new event")).to_be_visible()
    expect(rows).to_have_text(["yesterday"])
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_text(["today"])


def test_whose_clock_is_slow_is_told_the_day_by_the_server(clocked: Visit) -> None:
    page = clocked.page
    asked = questions(page, "insights/overview")
    clocked.open("/overview", **{"from": "-0d"})
    clocked.settle()
    asked.clear()

    def answer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, headers={**found.headers, "date": format_datetime(TOMORROW, usegmt=True)})

    page.route("**/insights/overview", answer)
    page.clock.fast_forward("01:00")  # who is there now is asked for, whose answer has the time
    clocked.settle()
    page.clock.fast_forward("01:00")
    clocked.shows(lambda: len(asked) > 0, True)
    clocked.settle()


def test_a_dashboard_is_as_of_the_new_day(clocked: Visit, api: Api) -> None:
    query = {"events": [{"name": "view"}], "interval": "hour", "date_from": "-0d"}
    made = api.http.post(api.path("insights"), json={"name": "Sales", "kind": "trends", "query": query}).json()
    tiles = [{"insight_id": made["id"], "layout": {"x": 0, "y": 0, "w": 12, "h": 4}}]
    board = api.http.post(api.path("dashboards"), json={"name": "Monday", "tiles": tiles}).json()
    page = clocked.page
    asked = questions(page, "insights/trends")
    clocked.open(f"/dashboards/{board['id']}")
    clocked.settle()
    before = page.get_by_text("As of").inner_text()
    assert [json.loads(each.partition(" ")[2])["date_from"] for each in asked] == ["-0d"]
    page.clock.fast_forward("24:01:00")
    clocked.shows(lambda: len(asked) > 1, True)
    expect(page.get_by_text("As of")).not_to_have_text(before)
