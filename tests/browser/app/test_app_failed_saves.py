"""What is saved on each page, where the server takes its time, refuses, is away, or has ended the login: nothing that was typed is lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import NOON, Api, event


def a_definition(own: Visit, api: Api) -> tuple[Locator, Locator, str]:
    api.send(event("buy", "ann", NOON))
    page = own.open("/definitions")
    page.get_by_role("button", name="Edit buy").click()
    dialog = page.get_by_role("dialog", name="Edit buy")
    return dialog, dialog.get_by_label("Description"), "**/event_definitions/buy"


def a_project(own: Visit, api: Api) -> tuple[Locator, Locator, str]:
    page = own.open("/settings")
    form = page.locator("main form")
    return form, form.get_by_label("Name", exact=True), "**/projects/dev"


def a_dashboard(own: Visit, api: Api) -> tuple[Locator, Locator, str]:
    made = api.http.post(api.path("dashboards"), json={"name": "Monday"}).json()
    page = own.open(f"/dashboards/{made['id']}")
    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog", name="Name and description")
    return dialog, dialog.get_by_label("Name", exact=True), f"**/dashboards/{made['id']}"


def kept(api: Api, form: Callable[..., Any]) -> str | None:
    """What the server has in the place of the field."""
    path, name = {
        a_definition: ("event_definitions", "description"), a_project: ("", "name"), a_dashboard: ("dashboards", "name"),
    }[form]  # fmt: skip
    answer = api.http.get(api.path(path)).json() if path else api.http.get("/api/v1/projects/dev").json()
    found: str | None = (answer["data"][0] if path else answer)[name]
    return found


FAULTS: dict[str, Callable[[Route], None]] = {
    "It broke.": lambda route: route.fulfill(status=500, json={"error": "It broke.", "code": "INTERNAL"}),
    "field: not like this": lambda route: route.fulfill(
        status=422,
        json={"error": "field: not like this", "code": "VALIDATION", "details": [{"field": "field", "message": "not like this"}]},
    ),
    "The server can": lambda route: route.abort("internetdisconnected"),
}


def saving(page: Page, place: str, handle: Callable[[Route], None]) -> None:
    page.route(place, lambda route: handle(route) if route.request.method == "PATCH" else route.continue_())


@pytest.fixture(autouse=True)
def name_of_before(api: Api) -> Any:
    before = api.http.get("/api/v1/projects/dev").json()["name"]
    yield
    api.http.patch("/api/v1/projects/dev", json={"name": before}).raise_for_status()


@pytest.mark.parametrize("form", [a_definition, a_project, a_dashboard])
def test_a_refused_save_says_why_and_is_tried_again(own: Visit, api: Api, form: Callable[..., Any]) -> None:
    own.foresee("Failed to load resource")
    shown, field, place = form(own, api)
    field.fill("What was typed")
    for said, handle in FAULTS.items():
        saving(own.page, place, handle)
        shown.get_by_role("button", name="Save").click()
        expect(shown.get_by_role("alert").filter(has_text=re.compile("."))).to_contain_text(said)
        expect(field).to_have_value("What was typed")
        own.page.unroute(place)
    shown.get_by_role("button", name="Save").press("Enter")
    own.shows(lambda: kept(api, form), "What was typed")


@pytest.mark.parametrize("form", [a_definition, a_project, a_dashboard])
def test_a_save_that_is_held_back_is_sent_once(own: Visit, api: Api, form: Callable[..., Any]) -> None:
    held: list[Route] = []
    shown, field, place = form(own, api)
    saving(own.page, place, held.append)
    field.fill("Once")
    submit = shown.locator("button[type=submit]")
    submit.evaluate("(it) => { it.form.requestSubmit(); it.form.requestSubmit(); }")
    expect(submit).to_be_disabled()
    own.shows(lambda: len(held), 1)
    held[0].continue_()
    own.shows(lambda: kept(api, form), "Once")
    assert len(held) == 1


@pytest.mark.parametrize("form", [a_definition, a_project, a_dashboard])
def test_what_was_typed_outlives_the_login(own: Visit, api: Api, form: Callable[..., Any]) -> None:
    own.foresee("status of 401")
    shown, field, _ = form(own, api)
    field.fill("Typed before")
    own.end_login()
    shown.get_by_role("button", name="Save").click()
    over = own.page.get_by_role("dialog", name="Your login has ended")
    expect(over).to_be_visible()
    own.page.keyboard.press("Escape")
    own.page.keyboard.press("Escape")
    expect(over.get_by_label("Password")).to_be_visible()
    assert own.axe() == []
    own.log_in()
    expect(over).to_have_count(0)
    expect(shown.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)
    expect(field).to_have_value("Typed before")
    shown.get_by_role("button", name="Save").click()
    own.shows(lambda: kept(api, form), "Typed before")


def test_a_filter_that_was_being_put_together_outlives_the_login(own: Visit, api: Api) -> None:
    own.foresee("status of 401")
    api.send(event("buy", "ann", NOON, properties={"plan": "pro"}))
    page = own.open("/events")  # which asks for new ones by itself
    page.get_by_role("button", name="Filter", exact=True).click()
    own.choose(page.get_by_label("Property"), "pl", "plan")
    own.end_login()
    page.get_by_label("Value", exact=True).fill("pr")
    expect(page.get_by_role("dialog", name="Your login has ended")).to_be_visible()
    own.log_in()
    expect(page.get_by_label("Value", exact=True)).to_have_value("pr")
