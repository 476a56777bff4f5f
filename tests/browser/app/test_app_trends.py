"""Trends: what is asked is in the address, what is shown is the API's answer, and it can be taken elsewhere."""

import base64
import csv
import json
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.app.app_rig import KEEP_DRAWN, Visit
from tests.http.http_rig import NOON, Api, event

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}


def purchases(api: Api) -> None:
    api.send(
        *(
            event(
                "buy",
                f"p{number}",
                NOON - number * 86_400_000,
                properties={"amount": number, "plan": "pro" if number % 2 else "free"},
            )
            for number in range(5)
        ),
        *(event("=look", f"p{number}", NOON, properties={"plan": None}) for number in range(3)),
    )


def totals(visit: Visit) -> dict[str, str]:
    """Of the table beneath the chart, by series."""
    return {row[0]: row[1] for row in visit.cells("Series with their totals")}


def ground_of(page: Page, png: bytes) -> list[int]:
    """Red, green and blue of a picture's corner; the browser decodes it."""
    found: list[int] = page.evaluate(
        """async (bytes) => {
          const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0))], {type: 'image/png'}));
          const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
          context.drawImage(picture, 0, 0);
          return [...context.getImageData(1, 1, 1, 1).data].slice(0, 3);
        }""",
        base64.b64encode(png).decode(),
    )
    return found


def test_a_question_is_put_together_and_is_in_the_address(own: Visit, api: Api) -> None:
    purchases(api)
    page = own.open("/trends", **WEEK)
    own.choose(page.get_by_label("Event A", exact=True), "bu", "buy")
    page.get_by_label("What is measured of A").select_option("Sum of")
    own.choose(page.get_by_label("Number measured of A"), "am", "amount")
    page.get_by_role("button", name="Add an event").click()
    own.choose(page.get_by_label("Event B", exact=True), "lo", "=look")
    own.shows(lambda: totals(own), {"buy · Sum of amount": "10", "=look · Events": "3"})
    assert [json.loads(each) for each in own.parameters()["e"]] == [
        {"event": "buy", "math": "sum", "of": "amount"},
        {"event": "=look"},
    ]
    page.reload()
    own.shows(lambda: totals(own), {"buy · Sum of amount": "10", "=look · Events": "3"})
    page.get_by_role("button", name="Remove Event A").click()
    expect(page.get_by_label("Event B", exact=True)).to_have_count(0)
    own.shows(lambda: totals(own), {"=look": "3"})


def test_a_breakdown_has_a_line_a_value_and_a_click_keeps_to_one(own: Visit, api: Api) -> None:
    purchases(api)
    page = own.open("/trends", **WEEK, e='{"event":"buy"}', breakdown="plan")
    own.shows(lambda: totals(own), {"free": "3", "pro": "2"})
    page.get_by_role("button", name="Only pro").click()
    expect(page.get_by_role("rowheader", name="free")).to_have_count(0)
    own.shows(lambda: totals(own), {"pro": "2"})
    assert own.parameters()["f"] == ['["plan","exact","pro"]']


def test_a_smart_event_can_be_chosen_by_its_name(own: Visit, api: Api) -> None:
    purchases(api)
    made = api.http.post(
        api.path("action_definitions"),
        json={"name": "Big buy", "rules": [{"event": "buy", "filters": [{"property": "amount", "operator": "gte", "value": 3}]}]},
    )
    assert made.status_code == 201
    page = own.open("/trends", **WEEK)
    own.choose(page.get_by_label("Event A", exact=True), "big", "Big buy")
    own.shows(lambda: totals(own), {"Big buy": "2"})
    page.reload()
    expect(page.get_by_label("Event A", exact=True)).to_have_value("Big buy")
    api.http.delete(api.path(f"action_definitions/{made.json()['id']}")).raise_for_status()


def test_an_answer_is_taken_elsewhere_as_a_command_a_table_and_a_picture(own: Visit, api: Api, tmp_path: Path) -> None:
    purchases(api)
    own.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own.url)
    page = own.open("/trends", **WEEK, e=['{"event":"buy"}', '{"event":"=look"}'], f='["plan","is_not","it\'s"]')
    own.shows(lambda: totals(own), {"buy": "5", "=look": "3"})

    def take(what: str) -> None:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name=what).click()

    take("Copy as curl")
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()").replace("YOUR_API_TOKEN", "sv_dev")
    answered: dict[str, Any] = json.loads(
        subprocess.run(["bash", "-c", f"{command} --silent --noproxy '*'"], check=True, capture_output=True, timeout=30).stdout
    )
    assert [each["total"] for each in answered["series"]] == [5, 3]
    with page.expect_download() as table:
        take("Download as CSV")
    table.value.save_as(tmp_path / "t.csv")
    rows = list(csv.reader((tmp_path / "t.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["time", "buy", "'=look"], "no formula for a spreadsheet"
    assert [row[1:] for row in rows[1:]] == [["0", "0"], ["0", "0"], *[["1", "0"]] * 4, ["1", "3"]]
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        with page.expect_download() as picture:
            take("Download as picture")
        picture.value.save_as(tmp_path / "t.png")
        grounds.append(ground_of(page, (tmp_path / "t.png").read_bytes()))
    light, dark = grounds
    assert min(light) > 200 and max(dark) < 80, "the colours that are on show"


def test_an_address_that_was_cut_off_or_made_up_shows_the_page(own: Visit, api: Api) -> None:
    purchases(api)
    page = own.open("/trends", e=['{"event":"bu', '{"event":7}', "[]"], interval="eon", f="[[", breakdown="", **{"from": "<b>"})
    own.heading("Trends")
    expect(page.get_by_role("heading", name="Choose an event")).to_be_visible()


def test_what_the_server_refuses_is_shown_with_its_words(own: Visit) -> None:
    own.foresee("422")
    page = own.open("/trends", e='{"event":"buy"}', interval="hour", **{"from": "1999-01-01"})
    expect(page.get_by_role("alert")).to_contain_text("10,000")


def test_an_event_of_which_none_ever_came_says_so_and_one_of_other_dates_does_not(own: Visit, api: Api) -> None:
    purchases(api)
    never = "No event of this name has come yet"
    page = own.open("/trends", **{"from": "2025-01-01", "to": "2025-01-07"}, e=['{"event":"buy"}', '{"event":"bye"}'])
    own.shows(lambda: totals(own), {"buy": "0", f"bye\n{never}": "0"})
    own.look("trends-zero")
    page = own.open("/trends", **WEEK, e='{"event":"bye"}', breakdown="plan")
    expect(page.get_by_text("No event of the name “bye” has come yet")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    own.open("/trends", **WEEK, e='{"event":"buy"}')
    own.shows(lambda: totals(own), {"buy": "5"})
    own.settle()
    assert not [url for url in asked if "event_definitions" in url], "nothing is asked where there is no 0"


def test_trends_look_well(shop: Visit) -> None:
    page = shop.open(
        "/trends", e=['{"event":"$pageview","math":"unique_persons"}', '{"event":"checkout_started","math":"unique_persons"}']
    )
    expect(page.get_by_role("region", name="Series with their totals").get_by_role("row")).to_have_count(3)
    shop.look("trends")
    page = shop.open("/trends", e='{"event":"$pageview"}', breakdown="$country", chart="bar")
    expect(page.get_by_role("region", name="Series with their totals")).to_be_visible()
    shop.look("trends-breakdown")


def test_figures_of_another_question_are_dimmed_and_not_to_be_taken_away(own: Visit, api: Api) -> None:
    own.foresee("503")
    purchases(api)
    page = own.open("/trends", **WEEK, e='{"event":"buy"}')
    own.shows(lambda: totals(own), {"buy": "5"})
    page.route("**/insights/trends", lambda route: route.fulfill(status=503, json={"error": "busy", "code": "UNAVAILABLE"}))
    page.get_by_role("button", name="Hour").click()
    expect(page.get_by_role("alert")).to_contain_text("The server is busy")
    expect(page.locator(".answer.is-stale")).to_have_count(1)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("button", name="Download as CSV")).to_be_disabled()
    expect(page.get_by_role("button", name="Download as picture")).to_be_disabled()


def test_a_picture_has_the_names_of_the_lines_that_are_in_it(alone: Visit, api: Api) -> None:
    purchases(api)
    alone.page.add_init_script(KEEP_DRAWN)
    page = alone.open("/trends", **WEEK, e=['{"event":"buy"}', '{"event":"=look"}'])
    alone.shows(lambda: totals(alone), {"buy": "5", "=look": "3"})
    page.get_by_label("Show buy in the chart").uncheck()
    page.evaluate("window.drawn = []")
    page.get_by_role("button", name="Export").click()
    with page.expect_download():
        page.get_by_role("button", name="Download as picture").click()
    names = page.evaluate("window.drawn.filter((text) => ['buy', '=look'].includes(text))")
    assert names == ["=look"]
