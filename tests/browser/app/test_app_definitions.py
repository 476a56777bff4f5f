"""Names of events and properties: found, described, verified and hidden by who may."""

from playwright.sync_api import Locator, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import NOON, Api, event


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("rowheader")


def names(api: Api) -> None:
    api.send(
        event("view", "ann", NOON, properties={"plan": "pro", "size": 10}),
        event("buy", "ann", NOON + 1000, properties={"size": "large", "path/to": True}),
    )


def test_an_events_name_is_described_verified_and_hidden(own: Visit, api: Api) -> None:
    names(api)
    page = own.open("/definitions")
    own.shows(lambda: sorted(rows(own).all_inner_texts()), ["buy", "view"])
    page.get_by_role("button", name="Edit view").click()
    dialog = page.get_by_role("dialog", name="Edit view")
    dialog.get_by_label("Description").fill("A page was <b>shown</b>.")
    dialog.get_by_label("Verified").check()
    own.look("definition-edit")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="view")).to_contain_text("A page was <b>shown</b>.")
    expect(page.get_by_role("row").filter(has_text="view")).to_contain_text("Verified")
    page.get_by_role("button", name="Edit buy").click()
    api.http.patch(api.path("event_definitions/buy"), json={"description": "Somebody else's"}).raise_for_status()
    page.get_by_label("Hidden: lists").check()
    page.get_by_role("button", name="Save").press("Enter")
    expect(rows(own)).to_have_count(1)
    page.get_by_label("Hidden ones").select_option("Hidden ones too")
    expect(page.get_by_role("row").filter(has_text="buy")).to_contain_text("Hidden")
    assert own.parameters() == {"hidden": ["true"]}
    kept = api.http.get(api.path("event_definitions"), params={"include_hidden": True}).json()["data"]
    assert {each["name"]: (each["description"], each["is_verified"], each["is_hidden"]) for each in kept} == {
        "view": ("A page was <b>shown</b>.", True, False),
        "buy": ("Somebody else's", False, True),
    }


def test_properties_show_type_examples_and_that_types_are_mixed(own: Visit, api: Api) -> None:
    names(api)
    page = own.open("/definitions", show="properties")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="size", exact=True))
    expect(row).to_contain_text("mixed: string, number")
    expect(row).to_contain_text("large")
    expect(page.get_by_role("row").filter(has_text="plan")).not_to_contain_text("mixed")
    own.choose(page.get_by_label("Of the event"), "vi", "view")
    own.shows(
        lambda: sorted(text for text in rows(own).all_inner_texts() if text in ("plan", "size", "path/to")), ["plan", "size"]
    )
    own.open("/definitions", show="properties", q="path/")
    expect(rows(own)).to_have_text(["path/to"])
    page.get_by_role("button", name="Edit path/to").click()
    page.get_by_label("Description").fill("Where to")
    page.get_by_role("button", name="Save").click()
    expect(rows(own)).to_contain_text(["Where to"])
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.get_by_role("heading", name="No name meets this")).to_be_visible()


def test_who_may_only_look_has_nothing_to_edit(viewer: Visit, api: Api) -> None:
    names(api)
    page = viewer.open("/definitions")
    expect(rows(viewer)).to_have_count(2)
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)


def test_an_event_leads_to_its_latest_ones_and_a_server_that_is_gone_is_said_to_be(own: Visit, api: Api) -> None:
    names(api)
    page = own.open("/definitions")
    page.get_by_role("link", name="buy").click()
    own.heading("Events")
    expect(page.get_by_role("rowheader").get_by_role("button", name="buy")).to_have_count(1)
    assert own.parameters() == {"event": ["buy"], "from": ["2025-06-15"]}
    page.route("**/event_definitions?*", lambda route: route.abort("connectionrefused"))
    own.open("/definitions")
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    own.faults = [fault for fault in own.faults if "ERR_CONNECTION_REFUSED" not in fault]


def test_who_comes_back_or_changes_something_far_down_a_list_is_where_they_were(own: Visit, api: Api) -> None:
    api.send(*(event(f"name {place:03}", "ann", NOON + place) for place in range(150)))
    page = own.open("/definitions")
    expect(rows(own)).to_have_count(100)
    link = rows(own).nth(80).get_by_role("link")
    link.scroll_into_view_if_needed()
    was = page.evaluate("scrollY")
    assert was > 0
    link.click()
    own.heading("Events")
    own.shows(lambda: page.evaluate("scrollY"), 0)
    page.go_back()
    own.shows(lambda: (rows(own).count(), page.evaluate("scrollY")), (100, was))
    page.get_by_role("button", name="Show more").click()
    expect(rows(own)).to_have_count(150)
    last = rows(own).nth(149).inner_text()
    page.get_by_role("button", name=f"Edit {last}").click()
    page.get_by_label("Description").fill("Far down")
    page.get_by_role("button", name="Save").click()
    expect(rows(own).nth(149)).to_contain_text("Far down")
    assert rows(own).count() == 150


def test_definitions_look_well(shop: Visit) -> None:
    page = shop.open("/definitions")
    expect(rows(shop).first).to_be_visible()
    shop.look("definitions")
    page.get_by_role("button", name="Properties").click()
    expect(page.get_by_role("columnheader", name="Examples")).to_be_visible()
    shop.look("definitions-properties")
