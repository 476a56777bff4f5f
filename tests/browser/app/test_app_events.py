"""The list of events: they come by themselves, wait while paused, and open."""

import json
import time

from playwright.sync_api import Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, event


def send(api: Api, *names: str, **properties: object) -> None:
    api.send(*(event(name, "ann", time.time() * 1000, properties=properties) for name in names))


def test_an_event_appears_by_itself_and_opens(own: Visit, api: Api) -> None:
    page = own.open("/events")
    expect(page.get_by_role("heading", name="No event meets this")).to_be_visible()
    send(api, "signup", plan="pro", nested={"a": [1, 2]})
    page.get_by_role("button", name="signup").click()
    details = page.get_by_label("Properties of signup")
    expect(details).to_contain_text("plan")
    expect(details).to_contain_text('{"a":[1,2]}')


def test_while_paused_new_ones_wait_and_are_counted(own: Visit, api: Api) -> None:
    send(api, "first")
    page = own.open("/events")
    expect(page.get_by_role("button", name="first")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    send(api, "second", "third")
    expect(page.get_by_role("button", name="2 new events")).to_be_visible()
    expect(page.get_by_role("button", name="second")).to_have_count(0)
    page.get_by_role("button", name="2 new events").click()
    expect(page.get_by_role("button", name="second")).to_be_visible()


def test_a_filter_is_made_from_suggestions_and_is_in_the_address(own: Visit, api: Api) -> None:
    page = own.open("/events")
    expect(page.get_by_role("heading", name="No event meets this")).to_be_visible()
    page.get_by_role("button", name="Filter").click()  # suggestions asked for while there are none
    page.get_by_label("Property").click()
    expect(page.get_by_text("Nothing known by this name")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    send(api, "signup", plan="pro")
    send(api, "signup", plan="free")
    page.get_by_role("button", name="Filter").click()
    own.choose(page.get_by_label("Property"), "pl", "plan")
    own.choose(page.get_by_label("Value", exact=True), "p", "pro")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="signup")).to_have_count(1)
    assert own.parameters() == {"f": [json.dumps(["plan", "exact", "pro"], separators=(",", ":"))]}
    page.reload()
    expect(page.get_by_role("button", name="Change the filter: plan is pro")).to_be_visible()
    expect(page.get_by_role("button", name="signup")).to_have_count(1)
    page.get_by_role("button", name="Remove the filter: plan is pro").click()
    expect(page.get_by_role("button", name="signup")).to_have_count(2)


def test_a_country_is_filtered_by_and_shown_by_its_name(own: Visit, api: Api) -> None:
    send(api, "signup", **{"$country": "DE"})
    send(api, "signup", **{"$country": "FR"})
    page = own.open("/events")
    expect(page.get_by_role("button", name="signup")).to_have_count(2)
    page.get_by_role("button", name="Filter").click()
    own.choose(page.get_by_label("Property"), "coun", "Country")
    page.get_by_label("Value", exact=True).fill("germany")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Apply").click()
    own.shows(own.parameters, {"f": ['["$country","exact","DE"]']})
    expect(page.get_by_role("button", name="signup")).to_have_count(1)
    expect(page.get_by_role("button", name="Change the filter: Country is Germany")).to_have_text("Country is Germany")
    own.open("/events", f='["$country","exact",["DE","FR"]]')
    page.get_by_role("button", name="Change the filter: Country is Germany or France").click()
    page.get_by_label("Values").fill("spain\n it \nFR")
    page.get_by_role("button", name="Apply").click()
    own.shows(own.parameters, {"f": ['["$country","exact",["ES","IT","FR"]]']})
    own.open("/persons")
    page.get_by_label("Country").fill("france")
    page.keyboard.press("Enter")
    own.shows(own.parameters, {"country": ["FR"]})


def test_older_ones_are_shown_when_asked_for(shop: Visit) -> None:
    shop.open("/events")
    rows = shop.page.get_by_role("rowheader").get_by_role("button")
    expect(rows).to_have_count(100)
    shop.page.get_by_role("button", name="Show older ones").click()
    expect(rows).to_have_count(200)


def test_older_ones_of_the_question_before_are_not_among_those_of_the_next(own: Visit, api: Api) -> None:
    send(api, *["view"] * 101, "buy")
    held: list[Route] = []
    own.page.route("**/events?*cursor=*", lambda route: held.append(route))
    page = own.open("/events")
    page.get_by_role("button", name="Show older ones").click()
    own.shows(lambda: len(held), 1)
    page.get_by_label("Event").fill("buy")
    page.keyboard.press("Enter")
    rows = page.get_by_role("rowheader").get_by_role("button")
    expect(rows).to_have_text(["buy"])
    held[0].continue_()
    own.settle()
    expect(rows).to_have_text(["buy"])


def test_the_list_looks_well(shop: Visit) -> None:
    shop.open("/events", event="purchase_completed", **{"from": "-2d"})
    shop.heading("Events")
    shop.page.get_by_role("button", name="Pause").click()
    shop.page.get_by_role("rowheader").get_by_role("button").first.click()
    expect(shop.page.get_by_label("Properties of purchase_completed")).to_be_visible()
    shop.look("events")


def test_none_is_missing_between_the_newest_and_those_before_however_many_came(own: Visit, api: Api) -> None:
    send(api, "first")
    page = own.open("/events")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="first")).to_be_visible()
    send(api, *["view"] * 250)
    page.get_by_role("button", name="More than 100 new events").click()
    rows = page.get_by_role("rowheader").get_by_role("button")
    expect(rows).to_have_text(["view"] * 100)
    for shown in (200, 251):
        page.get_by_role("button", name="Show older ones").click()
        expect(rows).to_have_count(shown)
    expect(rows.last).to_have_text("first")


def test_numbers_of_64_bits_are_shown_and_filtered_by_to_the_last_digit(own: Visit, api: Api) -> None:
    order = 1234567890123456789
    send(api, "buy", order=order, nested={"orders": [order, 7]})
    send(api, "buy", order=order - 1)
    page = own.open("/events")
    rows = page.get_by_role("rowheader").get_by_role("button")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Filter").click()
    own.choose(page.get_by_label("Property"), "ord", "order")
    page.get_by_label("Value", exact=True).fill(str(order))
    page.keyboard.press("Escape")
    page.get_by_label("Value", exact=True).fill(str(order))
    page.get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(1)
    assert own.parameters() == {"f": [f'["order","exact",{order}]']}
    page.reload()
    expect(page.get_by_role("button", name="Change the filter")).to_have_text(f"order is {order}")
    rows.click()
    details = page.get_by_label("Properties of buy")
    expect(details.get_by_text(str(order), exact=True)).to_be_visible()
    expect(details).to_contain_text(f'{{"orders":[{order},7]}}')
    own.open("/definitions", show="properties", q="order")
    expect(page.get_by_text(str(order - 1), exact=True)).to_be_visible()
    expect(page.get_by_text("mixed")).to_have_count(0)
