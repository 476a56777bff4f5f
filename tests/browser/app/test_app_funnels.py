"""Funnels: the figures are the API's, the address has the question, and the people behind a figure are a click away."""

import csv
import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.app.app_rig import PHONE, Visit
from tests.http.http_rig import Api, story

DAYS = {"from": "2025-06-01", "to": "2025-06-30"}
STEPS = ['{"event":"view"}', '{"event":"cart"}', '{"event":"buy"}']


def shoppers(api: Api) -> None:
    api.send(
        *story("ann: view@0m, cart@2m, buy@4m; bob: view@0m, cart@4m; cat: view@0m", properties={"plan": "pro"}),
        *story("dan: view@0m, other@1m, cart@2h, buy@3h", properties={"plan": "free"}),
    )


def counts(visit: Visit) -> list[str]:
    """Persons or sessions at each step, of the table beneath the bars."""
    return [row[1] for row in visit.cells("Steps with their figures")]


def test_a_funnel_is_put_together_by_keyboard_alone(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", **DAYS)
    expect(page.get_by_role("heading", name="Choose at least two steps")).to_be_visible()
    for place, name in enumerate(("view", "cart"), start=1):
        page.get_by_label(f"Step {place}", exact=True).focus()
        page.keyboard.type(name)
        expect(page.get_by_role("option", name=name)).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_label(f"Step {place}", exact=True)).to_have_value(name)
    own.shows(lambda: counts(own), ["4", "3"])
    page.get_by_role("button", name="Add a step").press("Enter")
    page.get_by_label("Step 3", exact=True).focus()
    page.keyboard.type("buy")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Funnel").get_by_text("buy")).to_be_visible()
    own.shows(lambda: counts(own), ["4", "3", "2"])
    assert [json.loads(each) for each in own.parameters()["e"]] == [{"event": "view"}, {"event": "cart"}, {"event": "buy"}]


def test_window_rules_and_order_change_the_figures(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", **DAYS, e=STEPS)
    own.shows(lambda: counts(own), ["4", "3", "2"])
    page.get_by_label("Conversion window: how many").fill("1")
    page.get_by_label("Conversion window: of what").select_option("hours")
    expect(page.get_by_text("2 dropped off")).to_be_visible()
    own.shows(lambda: (counts(own), own.parameters()["window"]), (["4", "2", "1"], ["1h"]))
    page.get_by_label("Conversion window: how many").fill("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 dropped off").first).to_be_visible()
    own.shows(lambda: counts(own), ["4", "3", "1"])
    page.get_by_role("button", name="Usual order").click()
    strict = page.get_by_role("checkbox", name="Strict order Any other event")
    strict.check()
    page.get_by_role("checkbox", name="Pass over steps").check()
    strict.uncheck()
    assert "mode" not in own.parameters()
    strict.check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="1 rule more")).to_be_focused()
    expect(page.get_by_text("2 dropped off")).to_be_visible()
    own.shows(lambda: counts(own), ["4", "2", "1"])
    page.get_by_role("button", name="Move Step 3 up").click()
    expect(page.get_by_label("Step 2", exact=True)).to_have_value("buy")
    expect(page.get_by_text("4 dropped off")).to_be_visible()
    own.shows(lambda: counts(own), ["4", "0", "0"])


def test_who_dropped_off_is_a_click_away_and_in_the_address(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", **DAYS, e=STEPS, breakdown="plan")
    own.shows(lambda: counts(own), ["4", "3", "2"])
    page.get_by_role("button", name="1 dropped off (33%)").click()
    dialog = page.get_by_role("dialog", name="Dropped off before step 3: buy")
    expect(dialog.get_by_role("rowheader")).to_have_text(["bob"])
    page.reload()
    expect(dialog.get_by_role("rowheader")).to_have_text(["bob"])
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    own.shows(lambda: "who" in own.parameters(), False)
    page.get_by_role("button", name="3 persons").click()
    expect(page.get_by_role("dialog").get_by_role("rowheader")).to_have_text(["dan", "bob", "ann"])
    heads = page.get_by_role("dialog").get_by_role("columnheader")
    expect(heads).to_have_text(["Person", "Country", "First seen", "Last seen", "Events", "Sessions"])
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Show who dropped off before step 3: pro").click()
    expect(page.get_by_role("dialog", name="buy · pro").get_by_role("rowheader")).to_have_text(["bob"])


def test_a_funnel_by_session_has_figures_and_no_persons(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", **DAYS, e=STEPS, by="session", who='["dropped_off",2]')
    own.shows(lambda: counts(own), ["4", "2", "1"])
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("2 sessions")).to_be_visible()


def test_the_figures_are_taken_away_as_a_table_and_a_picture(own: Visit, api: Api, tmp_path: Path) -> None:
    shoppers(api)
    page = own.open("/funnels", **DAYS, e=STEPS, breakdown="plan")
    own.shows(lambda: counts(own), ["4", "3", "2"])
    for what, name in (("Download as CSV", "f.csv"), ("Download as picture", "f.png")):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as got:
            page.get_by_role("button", name=what).click()
        got.value.save_as(tmp_path / name)
    rows = list(csv.DictReader((tmp_path / "f.csv").read_text("utf-8").splitlines()))
    assert [(row["plan"], row["event"], row["count"]) for row in rows[:4]] == [
        ("", "view", "4"),
        ("", "cart", "3"),
        ("", "buy", "2"),
        ("pro", "view", "3"),
    ]
    assert (tmp_path / "f.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_funnel_of_nobody_says_so(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", e=['{"event":"never"}', '{"event":"buy"}'], **DAYS)
    expect(page.get_by_role("heading", name="Nobody took the first step")).to_be_visible()
    expect(page.get_by_text("No event of the name “never” has come yet")).to_be_visible()


def test_a_step_that_nobody_reached_has_no_bar_and_says_if_its_event_never_came(own: Visit, api: Api) -> None:
    shoppers(api)
    page = own.open("/funnels", e=['{"event":"view"}', '{"event":"buy"}', '{"event":"קנה"}'], breakdown="plan", **DAYS)
    own.shows(lambda: counts(own), ["4", "2", "0"])
    named = page.get_by_role("rowheader").get_by_text("קנה", exact=True)
    places = named.evaluate(
        "(it) => [it.parentElement.firstChild, it].map((part) => {"
        "const range = document.createRange(); range.selectNode(part); return range.getBoundingClientRect().left; })"
    )
    assert places == sorted(places)  # the step's number comes first, whichever way the name is read
    steps = page.get_by_role("list", name="Funnel").get_by_role("listitem")
    assert [steps.nth(place).locator(".funnel-bar").count() for place in range(3)] == [3, 3, 0]
    expect(steps.nth(2)).to_contain_text("No event of this name has come yet")
    expect(page.get_by_text("No event of this name")).to_have_count(1)
    own.look("funnels-zero")


def test_a_steps_name_is_on_one_line_of_a_phone(own: Visit, api: Api) -> None:
    api.send(*story("ann: checkout_started@0m, purchase_completed@12m"))
    own.resize(PHONE)
    page = own.open("/funnels", **DAYS, e=['{"event":"checkout_started"}', '{"event":"purchase_completed"}'])
    names = page.get_by_role("list", name="Funnel").get_by_text("_")
    expect(names).to_have_text(["checkout_started", "purchase_completed"])
    assert names.evaluate_all("(them) => them.map((it) => it.getClientRects().length)") == [1, 1]


def test_funnels_look_well(shop: Visit) -> None:
    steps = [
        '{"event":"$pageview","filters":[["$current_url","exact","/"]]}',
        '{"event":"product_viewed"}',
        '{"event":"checkout_started"}',
        '{"event":"purchase_completed"}',
    ]
    page = shop.open("/funnels", e=steps, breakdown="$device_type")
    expect(page.get_by_role("region", name="Steps with their figures")).to_be_visible()
    shop.look("funnels")
    page.locator(".funnel-drop").last.click()
    expect(page.get_by_role("dialog").get_by_role("rowheader").first).to_be_visible()
    assert page.get_by_role("dialog").get_by_role("region").evaluate("(it) => it.scrollWidth <= it.clientWidth"), (
        "all columns are seen"
    )
    shop.look("funnels-persons")
