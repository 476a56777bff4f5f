"""The overview: figures of the API, rows that are filters, and what a project without an event shows in its place."""

import re
import subprocess
import time

from playwright.sync_api import Page, Route, expect

from tests.browser.app.app_rig import KEEP_DRAWN, TWO_FRAMES, Visit
from tests.http.http_rig import NOON, Api, event

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}
MINUTE = 60_000
SHOP = "https://shop.example"


def view(person: str, at: float, path: str, **properties: object) -> dict[str, object]:
    return event("$pageview", person, at, sessionId=f"s-{person}", properties={"$current_url": SHOP + path, **properties})


def visits(api: Api) -> None:
    api.send(
        *(
            view("ann", NOON + number * MINUTE, path, **{"$referring_domain": "news.example", "$country": "CH"})
            for number, path in enumerate(("/", "/a", "/b"))
        ),
        view("bob", NOON, "/a", **{"$country": "DE"}),
        view("cat", NOON, "/a", **{"$referring_domain": "news.example", "$country": "DE"}),
        view("old", NOON - 7 * 24 * 60 * MINUTE, "/"),
    )


def figures(visit: Visit) -> list[str]:
    found: list[str] = visit.page.locator(".figure strong").all_inner_texts()
    return found


def rows(visit: Visit, card: str) -> list[str]:
    """Of a card: what of and how many, with a space between."""
    found = visit.page.get_by_role("region", name=card, exact=True).get_by_role("listitem").all_inner_texts()
    return [" ".join(each.split()) for each in found]


def axis(page: Page) -> set[str]:
    """Numbers that the chart has drawn."""
    page.evaluate(TWO_FRAMES)
    return {each for each in page.evaluate("drawn") if re.fullmatch(r"[\d.,]+", each)}


def test_figures_and_tables_are_those_of_the_period_and_rows_are_filters(own: Visit, api: Api) -> None:
    visits(api)
    page = own.open("/overview", **WEEK)
    own.shows(lambda: figures(own), ["3", "3", "5", "67%", "40s"])
    own.shows(lambda: rows(own, "Pages"), ["/a 3", "/ 1", "/b 1"])
    own.shows(lambda: rows(own, "Countries"), ["Germany 2", "Switzerland 1"])
    own.shows(lambda: rows(own, "Sources"), ["news.example 2", "Direct, or not known 1"])
    expect(page.get_by_role("button", name="Visitors 3")).to_contain_text("+200%")
    page.get_by_role("region", name="Sources").get_by_role("button", name="news.example").click()
    own.shows(lambda: figures(own)[:3], ["2", "2", "4"])
    own.shows(lambda: sorted(rows(own, "Countries")), ["Germany 1", "Switzerland 1"])
    page.get_by_role("region", name="Countries").get_by_role("button", name="Germany").click()
    own.shows(lambda: figures(own)[:3], ["1", "1", "1"])
    assert own.parameters()["f"] == ['["$referring_domain","exact","news.example"]', '["$country","exact","DE"]']
    page.reload()
    own.shows(lambda: figures(own)[:3], ["1", "1", "1"])
    page.get_by_role("region", name="Countries").get_by_role("button", name="Germany").click()
    page.get_by_role("region", name="Sources").get_by_role("button", name="news.example").click()
    page.get_by_role("region", name="Sources").get_by_role("button", name="Direct").click()
    own.shows(lambda: figures(own)[:3], ["1", "1", "1"])


def test_the_chart_shows_the_figure_that_was_chosen_and_reads_itself_out(own: Visit, api: Api) -> None:
    visits(api)
    page = own.open("/overview", **WEEK)
    page.get_by_role("button", name="Page views").click()
    chart = page.get_by_role("img", name="Page views over time")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Sun, Jun 15, 2025: Page views 5, Page views, period before 1")).to_be_attached()
    page.get_by_text("Show as a table").click()
    expect(page.get_by_role("region", name="Page views over time").get_by_role("row")).to_have_count(8)
    page.get_by_role("button", name="Jun 9, 2025").click()
    page.get_by_label("Compare with the period before").uncheck()
    expect(page.get_by_role("columnheader", name="Page views, period before")).to_have_count(0)
    assert (own.parameters()["show"], own.parameters()["compare"]) == (["pageviews"], ["0"])


def test_where_somebody_was_and_with_what_is_not_known_rather_than_none(own: Visit, api: Api) -> None:
    visits(api)
    own.open("/overview", **WEEK)
    own.shows(lambda: rows(own, "Devices"), ["Not known 3"])
    own.page.get_by_role("region", name="Devices").get_by_role("button", name="Not known 3").click()
    own.shows(lambda: own.parameters()["f"], ['["$device_type","is_not_set"]'])


def test_the_last_24_hours_are_beside_the_24_before(own: Visit, api: Api) -> None:
    now = time.time() * 1000
    api.send(*(view(f"p{hours}", now - hours * 60 * MINUTE, "/") for hours in (1, 2, 26, 30, 49.5, 60)))
    page = own.open("/overview", **{"from": "-24h"})
    visitors = page.get_by_role("group", name="Figures").get_by_role("button", name="Visitors")
    expect(visitors).to_contain_text("as in the period before")
    assert figures(own)[0] == "2"
    page.get_by_text("Show as a table").click()
    assert len(own.cells("Visitors over time")) in (25, 26)


def test_the_axis_of_visitors_has_whole_numbers_alone_and_that_of_seconds_may_have_others(alone: Visit, api: Api) -> None:
    api.send(view("ann", NOON, "/"), view("ann", NOON + 800, "/a"))
    page = alone.page
    page.add_init_script(KEEP_DRAWN)
    alone.open("/overview", compare="0", **WEEK)
    alone.shows(lambda: figures(alone)[:3], ["1", "1", "2"])
    page.get_by_role("img", name="Visitors over time").locator("canvas").wait_for()
    assert axis(page) == {"0", "1"}
    page.evaluate("drawn.length = 0")
    page.get_by_role("button", name="Duration").click()
    page.get_by_role("img", name="Duration over time").locator("canvas").wait_for()
    alone.shows(lambda: any(re.fullmatch(r"0\.\ds", each) for each in page.evaluate("drawn")), True)


def test_a_card_turns_to_its_other_tables(own: Visit, api: Api) -> None:
    visits(api)
    page = own.open("/overview", **WEEK)
    own.shows(lambda: rows(own, "Pages"), ["/a 3", "/ 1", "/b 1"])
    page.get_by_role("button", name="Entered by").click()
    own.shows(lambda: rows(own, "Pages"), ["/a 2", "/ 1"])
    page.get_by_role("region", name="Pages").get_by_role("button", name="/a").click()
    own.shows(lambda: figures(own)[:3], ["2", "2", "2"])
    assert (own.parameters()["pages"], own.parameters()["f"]) == (["entry_pages"], ['["$entry_page","exact","/a"]'])


TABLES = {
    "Pages": {"Pages": "/a", "Entered by": "/", "Left by": "/b"},
    "Sources": {"Sites": "news.example", "UTM source": "mail", "UTM medium": "letter", "UTM campaign": "June"},
    "Countries": {"": "Switzerland"},
    "Devices": {"Kinds": "Mobile", "Browsers": "Firefox", "Systems": "Android"},
}


def test_a_row_of_each_table_keeps_the_page_to_it(own: Visit, api: Api) -> None:
    """Ann alone has what the row says."""
    hers = {
        "$referring_domain": "news.example", "$country": "CH", "utm_source": "mail", "utm_medium": "letter", "utm_campaign": "June",
        "$device_type": "Mobile", "$browser": "Firefox", "$os": "Android",
    }  # fmt: skip
    api.send(
        *(view("ann", NOON + number * MINUTE, path, **hers) for number, path in enumerate(("/", "/a", "/b"))),
        view("bob", NOON, "/c", **{"$country": "DE"}),
        view("cat", NOON, "/c"),
    )
    page = own.open("/overview", compare="0", **WEEK)
    own.shows(lambda: figures(own)[:2], ["3", "3"])
    for card, tabs in TABLES.items():
        table = page.get_by_role("region", name=card, exact=True)
        for tab, named in tabs.items():
            if tab:
                table.get_by_role("button", name=tab, exact=True).click()
            row = table.get_by_role("button", name=f"{named} 1", exact=True)
            row.click()
            own.shows(lambda tab=tab: (tab, figures(own)[:2]), (tab, ["1", "1"]))
            expect(row).to_have_attribute("aria-pressed", "true")
            own.settle()  # what a slow table says above its rows moves them under the pointer
            row.click()
            own.shows(lambda tab=tab: (tab, figures(own)[:2], "f" in own.parameters()), (tab, ["3", "3"], False))
            own.settle()


def test_an_empty_project_says_how_to_send_the_first_event_and_shows_it_arrive(own: Visit, api: Api) -> None:
    page = own.open("/")
    own.heading("Waiting for the first event")
    snippet = page.get_by_label("Snippet for your pages")
    expect(snippet).to_contain_text(f's.src = "{own.url}/sv.js";')
    expect(snippet).to_contain_text('sessionvision.init("sv_pub_dev"')
    import_command = page.get_by_label("Command that imports a file")
    expect(import_command).to_have_text(f"sv import events.csv --project dev --url {own.url}")
    expect(page.get_by_text("SV_API_TOKEN")).to_be_visible()
    expect(page.get_by_role("link", name="API tokens are made in the settings")).to_have_attribute(
        "href", re.compile(r"^/settings/tokens\?project=dev$")
    )
    own.look("start")
    command = page.get_by_label("Command that sends an event").inner_text()
    subprocess.run(["bash", "-c", f"{command} --silent --fail --noproxy '*'"], check=True, capture_output=True, timeout=30)
    own.heading("The first event has arrived")
    expect(page.get_by_role("status").filter(has_text="from me")).to_contain_text("hello")
    own.look("start-arrived")
    page.get_by_role("button", name="Go to the overview").click()
    own.heading("Overview")
    expect(page.get_by_text("1 visitor now")).to_be_visible()


def test_an_answer_that_takes_long_says_so_and_need_not_be_waited_for(own: Visit, api: Api) -> None:
    visits(api)
    page = own.page
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    page.route("**/insights/overview", lambda route: None)
    own.open("/overview", **WEEK)
    expect(page.get_by_text("Still working").first).to_be_visible()
    page.get_by_role("button", name="Stop waiting").first.click()
    expect(page.get_by_text("You stopped waiting for the answer.")).to_be_visible()
    own.shows(lambda: any(url.endswith("/insights/overview") for url in given_up), True)  # so that the server stops, too
    page.unroute("**/insights/overview")
    page.get_by_role("button", name="Ask again").first.click()
    own.shows(lambda: figures(own)[:3], ["3", "3", "5"])


def test_tables_are_asked_for_once_the_chart_is_there(own: Visit, api: Api) -> None:
    visits(api)
    page = own.page
    asked: list[list[str]] = []
    held: list[Route] = []

    def come(route: Route) -> None:
        body = route.request.post_data_json or {}
        if body["date_from"] == "-5min":  # who is here now
            route.continue_()
            return
        asked.append(body["breakdowns"])
        held.append(route)

    page.route("**/insights/overview", come)
    own.open("/overview", **WEEK)
    expect(page.locator(".overview-card .skeleton").first).to_be_visible()
    own.shows(lambda: asked, [[]])
    page.evaluate(TWO_FRAMES)
    held.pop().continue_()
    own.shows(lambda: figures(own)[:3], ["3", "3", "5"])
    own.shows(lambda: asked, [[], ["pages", "referrers", "countries", "devices"]])
    held.pop().continue_()
    own.shows(lambda: rows(own, "Pages"), ["/a 3", "/ 1", "/b 1"])
    page.unroute("**/insights/overview")


def test_a_server_that_is_gone_is_said_to_be_gone(own: Visit, api: Api) -> None:
    own.foresee("ERR_CONNECTION_REFUSED")
    api.send(event("view", "ann", time.time() * 1000))
    page = own.page
    page.route("**/insights/overview", lambda route: route.abort("connectionrefused"))
    own.open("/overview")
    expect(page.get_by_role("alert").first).to_contain_text("can’t be reached")


def test_the_overview_looks_well(shop: Visit) -> None:
    page = shop.open("/overview")
    for card in ("Pages", "Sources", "Countries", "Devices"):
        expect(page.get_by_role("region", name=card, exact=True).get_by_role("listitem").first).to_be_visible()
    expect(page.locator(".chart canvas")).to_be_visible()
    shop.look("overview")
    page.get_by_role("region", name="Countries").get_by_role("button", name="Germany").click()
    expect(page.get_by_role("button", name="Change the filter: Country is")).to_be_visible()
