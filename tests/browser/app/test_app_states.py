"""Each page while its answer is held back, after it was given up, once the server was too busy, and at last with it. No time is measured:
the page's clock is moved, so that what takes long is what the page takes for long."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.app.app_rig import TWO_FRAMES, Visit, visiting
from tests.http.http_rig import Api, Running, story

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}
SPAN = {"date_from": "2025-06-09", "date_to": "2025-06-15"}
SLOW_MS = 1300
BUSY = {"error": "The server is busy.", "code": "overloaded"}


class Gate:
    """Before what pages ask of the server, but for who is logged in: open, closed, or answering for a server that is too busy."""

    def __init__(self, page: Page) -> None:
        self.state: Literal["open", "closed", "busy"] = "open"
        self._held: list[Route] = []
        page.route(re.compile("/api/v1/(?!auth/me$)"), self._come)

    def _come(self, route: Route) -> None:
        if self.state == "open":
            route.continue_()
        elif self.state == "busy":
            route.fulfill(status=503, json=BUSY, headers={"retry-after": "1"})
        else:
            self._held.append(route)

    def open(self) -> None:
        """What was held goes on its way, or nowhere where nobody waits for it any more."""
        self.state = "open"
        for route in self._held:
            route.continue_()
        self._held.clear()


@pytest.fixture(scope="module")
def story_api(empty_server: Running) -> Iterator[Api]:
    """A server that has a little of everything, sent once for all tests here."""
    with Api(empty_server) as api:
        api.reset()
        api.send(*story("ann: view@0m, buy@12m; bob: view@3m"))
        yield api
        for kind in ("action_definitions", "dashboards"):
            for made in api.http.get(api.path(kind)).json()["data"]:
                api.http.delete(api.path(f"{kind}/{made['id']}")).raise_for_status()


@pytest.fixture(scope="module")
def smart_id(story_api: Api) -> str:
    made = story_api.http.post(story_api.path("action_definitions"), json={"name": "Buys", "rules": [{"event": "buy"}]})
    return str(made.json()["id"])


@pytest.fixture(scope="module")
def shared(
    browser: Browser, empty_server: Running, empty_login: dict[str, Any], story_api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Visit, Gate]]:
    assert story_api.server is empty_server
    with visiting(browser, empty_server.url, tmp_path_factory.mktemp("unseen"), empty_login) as visit:
        visit.foresee("status of 503")
        visit.page.clock.install()
        yield visit, Gate(visit.page)
    empty_server.take_faults()


@pytest.fixture(scope="module")
def board_id(story_api: Api) -> str:
    made = story_api.http.post(story_api.path("dashboards"), json={"name": "Monday", "description": "First of all."})
    return str(made.json()["id"])


def trends(visit: Visit) -> str:
    return visit.address("/trends", **WEEK, e=json.dumps({"event": "buy"}))


def funnels(visit: Visit) -> str:
    return visit.address("/funnels", **WEEK, e=[json.dumps({"event": "view"}), json.dumps({"event": "buy"})])


PAGES: dict[str, tuple[str | Callable[[Visit], str], str]] = {
    "overview": ("/overview?from=2025-06-09&to=2025-06-15", "Page views"),
    "trends": (trends, "Answered in"),
    "funnels": (funnels, "went through all 2 steps"),
    "dashboards": ("/dashboards", "Monday"),
    "a dashboard": ("BOARD", "First of all."),
    "events": ("/events?from=2025-06-09", "buy"),
    "persons": ("/persons", "ann"),
    "a person": ("/persons/ann", "What they did"),
    "sessions": ("/sessions?from=2025-06-09&bounces=true", "ann"),
    "a session": ("SESSION", "What happened"),
    "smart events": ("/smart-events", "Buys"),
    "a smart event": ("SMART", "Means an event"),
    "a new smart event": ('/smart-events/new?from=2025-06-09&r={"event":"buy"}', "1 event, since"),
    "events that are known": ("/definitions", "view"),
    "properties that are known": ("/definitions?show=properties", "Nothing is defined yet"),
    "settings of the project": ("/settings/project", "Name and dates"),
    "the snippet": ("/settings/install", "sessionvision.init"),
    "tokens": ("/settings/tokens", "all projects"),
    "members": ("/settings/members", "Members"),
    "the trail of changes": ("/settings/audit", "Audit trail"),
    "projects": ("/settings/projects", "dev"),
    "users": ("/settings/users", "Administers the server"),
    "the trail of all": ("/settings/trail", "Audit trail"),
    "the account": ("/settings/account", "127.0.0.1"),
}


def click_all(buttons: Locator) -> None:
    """At one moment: parts of a page that wait for one answer lose theirs with the first."""
    buttons.evaluate_all("(buttons) => buttons.forEach((button) => button.click())")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_waits_says_so_lets_go_and_asks_again(
    shared: tuple[Visit, Gate], story_api: Api, smart_id: str, board_id: str, name: str
) -> None:
    visit, gate = shared
    address, shown = PAGES[name]
    page = visit.page
    main = page.get_by_role("main")
    gate.state = "closed"
    where = address if isinstance(address, str) else address(visit)
    session_id = story_api.http.get(story_api.path("sessions")).json()["data"][0]["id"]
    ids = {"SMART": f"/smart-events/{smart_id}", "BOARD": f"/dashboards/{board_id}", "SESSION": f"/sessions/{session_id}"}
    visit.open(ids.get(where, where))
    expect(main.get_by_role("status", name="Loading").or_(main.locator("[aria-busy=true]")).first).to_be_visible()
    page.clock.fast_forward(SLOW_MS)
    expect(main.get_by_text("Still working").first).to_be_visible()
    click_all(main.get_by_role("button", name="Stop waiting"))
    expect(main.get_by_text("You stopped waiting for the answer.").first).to_be_visible()
    gate.state = "busy"  # not before: a question may be on its way to the gate when its page already waits
    again = main.get_by_role("button", name="Ask again")
    click_all(again)
    broken = main.get_by_role("alert").filter(has_text="The server is busy")
    expect(broken.first).to_be_visible()
    gate.open()
    visit.shows(lambda: (click_all(again), again.count())[1], 0)
    expect(main).to_contain_text(shown)
    expect(broken).to_have_count(0)


def test_a_change_from_light_to_dark_is_whole_at_once_for_who_wants_no_motion(shop: Visit) -> None:
    """A colour that is inherited would come a step later on each level of the page if it took any time."""
    page = shop.open("/overview", **{"from": "-1d"})
    shop.heading("Overview")
    shop.settle()
    page.evaluate("window.moves = 0; document.addEventListener('transitionrun', () => { window.moves += 1; }, true)")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(TWO_FRAMES)
    assert page.evaluate("window.moves") == 0
