"""What the pages that ask have in common: names are suggested by what is defined, tables are made of filters, and a link is the whole question."""

import json
import re
import subprocess
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, event, story

DAYS = {"from": "2025-06-09", "to": "2025-06-15"}
STEPS = ['{"event":"view"}', '{"event":"buy"}']


def known(api: Api) -> None:
    properties = {"plan": "pro", "amount": 3}
    api.send(*story("ann: view@0m, buy@12m; bob: view@3m", properties=properties))
    api.send(event("buy", "new", round(time.time() * 1000), properties=properties))


def offered(visit: Visit, field: Locator, typed: str, option: str) -> None:
    """What is typed is in a name that the field offers."""
    field.fill(typed)
    expect(visit.page.get_by_role("option", name=option).first).to_be_visible()
    visit.page.keyboard.press("Escape")


def offers_a_filter(visit: Visit, group: str, button: str) -> None:
    page = visit.page
    page.get_by_role("group", name=group, exact=True).get_by_role("button", name=button, exact=True).click()
    form = page.get_by_role("dialog", name=button, exact=True)
    visit.choose(form.get_by_label("Property"), "pla", "plan")
    offered(visit, form.get_by_label("Value", exact=True), "pr", "pro")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


BUILDERS: dict[str, tuple[dict[str, list[str]], list[str], dict[str, str]]] = {
    "/trends": ({"e": STEPS[:1]}, ["Event A"], {"Filters of Event A": "Filter event A", "Filters": "Filter all events"}),
    "/funnels": ({"e": STEPS}, ["Step 1", "Step 2"], {"Filters of Step 1": "Filter step 1", "Filters": "Filter all steps"}),
    "/events": ({}, ["Event"], {"Filters": "Filter"}),
    "/smart-events/new": ({}, ["Event"], {"Filters of rule 1": "Filter"}),
    "/overview": ({}, [], {"Filters": "Filter"}),
}
"""The address's query, fields of events, and by the names of groups of filters the button that adds one."""


TYPE_AND_TAKE = """async (field, typed) => {
  const press = async (key) => {
    field.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    await new Promise((done) => setTimeout(done));
  };
  field.value = typed;
  field.dispatchEvent(new InputEvent("input", {bubbles: true}));
  await new Promise((done) => setTimeout(done));
  await press("ArrowDown");
  await press("Enter");
}"""


@pytest.mark.parametrize(("typed", "taken"), [("view", "view"), ("product_viewed", "product_viewed"), ("BU", "buy")])
def test_who_types_and_takes_at_once_gets_nothing_that_was_suggested_for_less(
    own: Visit, api: Api, typed: str, taken: str
) -> None:
    """The list on show is then that of what was typed before."""
    known(api)
    page = own.open("/trends", **DAYS, e=STEPS[:1])
    field = page.get_by_role("combobox", name="Event A", exact=True)
    field.click()
    listed = page.get_by_role("listbox").get_by_role("option")
    expect(listed).to_have_count(2)
    field.evaluate(f"(field) => ({TYPE_AND_TAKE})(field, {json.dumps(typed)})")
    expect(field).to_have_value(taken)
    expect(listed).to_have_count(0)


@pytest.mark.parametrize("path", BUILDERS)
def test_every_builder_offers_what_is_defined(own: Visit, api: Api, path: str) -> None:
    known(api)
    query, fields, groups = BUILDERS[path]
    page = own.open(path, **{**DAYS, **query})
    for field in fields:
        offered(own, page.get_by_role("combobox", name=field, exact=True), "bu", "buy")
    for group, button in groups.items():
        offers_a_filter(own, group, button)
    if path in ("/trends", "/funnels"):
        offered(own, page.get_by_label("Break down by"), "pla", "plan")


def test_names_beyond_a_page_of_them_are_offered_by_what_is_typed_of_them(own: Visit, api: Api) -> None:
    """The first page is of the newest names, which is none of these: as if a thousand others had come since."""
    known(api)
    api.send(event("$pageview", "ann", properties={"$current_url": "https://shop.example/a"}))

    def cut(route: Route) -> None:
        page = route.fetch().json()
        route.fulfill(json={"data": [], "meta": {"has_more": True, "next_cursor": page["data"][0]["name"]}})

    own.page.route(re.compile(r"/(event|property)_definitions\?(?!.*search=)"), cut)
    page = own.open("/trends", **DAYS, e=STEPS[:1])
    offered(own, page.get_by_role("combobox", name="Event A", exact=True), "BU", "buy")
    offered(own, page.get_by_role("combobox", name="Event A", exact=True), "page v", "Page view")
    offers_a_filter(own, "Filters", "Filter all events")


QUESTIONS: dict[str, dict[str, Any]] = {
    "/trends": {"e": ['{"event":"buy","math":"sum","of":"amount"}'], "breakdown": "plan", "interval": "week", "chart": "bar"},
    "/funnels": {"e": STEPS, "breakdown": "plan", "window": "2h", "mode": ["strict_order", "strict_increase"], "by": "session"},
}
ANSWERED: dict[str, dict[str, Any]] = {
    "/trends": {"breakdown": "plan", "interval": "week"},
    "/funnels": {"breakdown": "plan", "aggregate_by": "session", "modes": ["strict_increase", "strict_order"]},
}


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_copied_link_is_the_whole_question_and_the_command_asks_it(own: Visit, api: Api, path: str) -> None:
    known(api)
    own.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own.url)
    question = {**DAYS, **QUESTIONS[path], "f": '["plan","exact","pro"]'}
    page = own.open(path, **question)

    def copied(what: str) -> str:
        page.evaluate("navigator.clipboard.writeText('')")
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name=what).click()
        own.shows(lambda: page.evaluate("navigator.clipboard.readText()") != "", True)
        return str(page.evaluate("navigator.clipboard.readText()"))

    expect(page.get_by_text("Answered in")).to_be_visible()
    shown = page.get_by_role("main").get_by_role("table").first.inner_text()
    link = copied("Copy the link")
    other = own.context.new_page()
    other.goto(link)
    expect(other.get_by_text("Answered in")).to_be_visible()
    assert other.get_by_role("main").get_by_role("table").first.inner_text() == shown
    assert other.url == page.url
    other.close()
    command = copied("Copy as curl").replace("YOUR_API_TOKEN", "sv_dev")
    run = ["bash", "-c", f"{command} --silent --fail --noproxy '*'"]
    answer: dict[str, Any] = json.loads(subprocess.run(run, check=True, capture_output=True, timeout=30).stdout)
    assert {name: answer[name] for name in ANSWERED[path]} == ANSWERED[path]


def test_a_name_that_is_typed_to_its_end_means_what_is_called_so(own: Visit, api: Api) -> None:
    api.send(*story("ann: $pageview@0m", properties={"amount": 10}))
    made = api.http.post(api.path("action_definitions"), json={"name": "Any view", "rules": [{"event": "$pageview"}]}).json()
    page = own.open("/trends", **DAYS, e='{"event":"buy"}')
    field = page.get_by_role("combobox", name="Event A")
    option = page.get_by_role("listbox").get_by_role("option")
    for typed, key, meant in (("page view", "Enter", {"event": "$pageview"}), ("Any view", "Tab", {"action": made["id"]})):
        field.fill(typed)
        expect(option).to_have_text(re.compile(typed, re.IGNORECASE))
        page.keyboard.press(key)
        own.shows(lambda: [json.loads(each) for each in own.parameters()["e"]], [meant])
    page.get_by_role("button", name="Filter all events").click()
    page.get_by_label("Property").fill("amount")
    expect(option).to_contain_text("number")
    page.keyboard.press("Tab")
    expect(page.get_by_label("This is a number")).to_be_checked()
    api.http.delete(api.path(f"action_definitions/{made['id']}")).raise_for_status()
