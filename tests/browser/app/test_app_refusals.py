"""What the server refuses of a form stands beside the field that it is about, of which the first has the focus; the rest is the form's own."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.app.app_rig import Visit, forget_saved
from tests.http.http_rig import NOON, Api, event

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}
TRENDS = {"events": [{"name": "buy"}], "interval": "day", "date_from": "2025-06-09", "date_to": "2025-06-15"}
ELSEWHERE = "no field of this form"


class Refused(NamedTuple):
    """A form, filled in. place: what it sends to. fields: the API's names, in the form's order, and by what each is found in the form."""

    form: Locator
    place: str
    fields: dict[str, Callable[[Locator], Locator]]


def labelled(label: str) -> Callable[[Locator], Locator]:
    return lambda form: form.get_by_label(label, exact=True)


def grouped(name: str) -> Callable[[Locator], Locator]:
    return lambda form: form.get_by_role("group", name=name, exact=True)


def a_project(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/project")
    fields = {
        "name": labelled("Name"),
        "timezone": labelled("Timezone"),
        "settings.identity": grouped("Visitors who log in later"),
        "settings.event_retention_days": labelled("Events, in days"),
        "settings.recording_retention_days": labelled("Recordings, in days"),
        "settings.recording_sample_rate": labelled("Recorded sessions, in per cent"),
        "settings.mask_all_inputs": labelled("Hide what is typed"),
        "settings.autocapture": labelled("Capture page views, clicks and form submits by themselves"),
    }
    return Refused(page.locator("main form"), "**/projects/dev", fields)


def a_token(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/tokens")
    page.get_by_role("button", name="New API token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Board")
    fields = {
        "name": labelled("Name"),
        "scopes[1]": labelled("What it may do"),
        "project_id": labelled("Where"),
        "expires_at": labelled("Good for"),
    }
    return Refused(dialog, "**/api_tokens", fields)


def a_member(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/members")
    page.get_by_role("button", name="Add a member").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("x")
    return Refused(dialog, "**/members", {"email": labelled("E-mail"), "role": labelled("Role")})


def a_user(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/users")
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("x")
    fields = {
        "email": labelled("E-mail"),
        "memberships[0].role": lambda form: form.get_by_label("Role in"),
        "is_instance_admin": labelled("Administers the server: sees and changes everything"),
    }
    return Refused(dialog, "**/users", fields)


def a_new_project(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/projects")
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("x")
    return Refused(dialog, "**/projects", {"name": labelled("Name"), "timezone": labelled("Timezone"), "id": labelled("Identifier")})


def a_password(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/account")
    page.get_by_label("Current password").fill("dev")
    page.get_by_label("New password").fill("12345678")
    fields = {"current_password": labelled("Current password"), "new_password": labelled("New password")}
    return Refused(page.locator("main form"), "**/auth/password", fields)


def a_rotation(own: Visit, _api: Api) -> Refused:
    page = own.open("/settings/install")
    page.get_by_role("button", name="New token").click()
    return Refused(page.get_by_role("dialog"), "**/rotate_token", {"overlap_hours": labelled("The old one stays good for")})


def a_dashboard(own: Visit, _api: Api) -> Refused:
    page = own.open("/dashboards")
    page.get_by_role("button", name="New dashboard").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("x")
    return Refused(dialog, "**/dashboards", {"name": labelled("Name"), "description": labelled("Description")})


def a_saved_insight(own: Visit, api: Api) -> Refused:
    api.http.post(api.path("insights"), json={"name": "Sales", "kind": "trends", "query": TRENDS}).raise_for_status()
    page = own.open("/dashboards")
    page.get_by_role("button", name="Rename Sales").click()
    return Refused(page.get_by_role("dialog"), "**/insights/*", {"name": labelled("Name"), "description": labelled("Description")})


def saving(own: Visit) -> Locator:
    page = own.open("/trends", **WEEK, e='{"event":"buy"}')
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("x")
    return dialog


def an_insight(own: Visit, _api: Api) -> Refused:
    return Refused(saving(own), "**/insights", {"name": labelled("Name"), "description": labelled("Description")})


def an_insight_on_a_new_dashboard(own: Visit, _api: Api) -> Refused:
    dialog = saving(own)
    dialog.get_by_label("On the dashboard").select_option("A new one")
    dialog.get_by_label("Name of the dashboard").fill("y")
    return Refused(dialog, "**/dashboards", {"name": labelled("Name of the dashboard")})


def an_insight_on_a_full_dashboard(own: Visit, api: Api) -> Refused:
    api.http.post(api.path("dashboards"), json={"name": "Monday"}).raise_for_status()
    dialog = saving(own)
    dialog.get_by_label("On the dashboard").select_option("Monday")
    return Refused(dialog, "**/dashboards/*", {"tiles": labelled("On the dashboard")})


def a_definition(own: Visit, api: Api) -> Refused:
    api.send(event("buy", "ann", NOON))
    page = own.open("/definitions")
    page.get_by_role("button", name="Edit buy").click()
    fields = {
        "description": labelled("Description"),
        "is_verified": lambda form: form.get_by_label("Verified"),
        "is_hidden": lambda form: form.get_by_label("Hidden"),
    }  # type: dict[str, Callable[[Locator], Locator]]
    return Refused(page.get_by_role("dialog"), "**/event_definitions/buy", fields)


def a_smart_event(own: Visit, _api: Api) -> Refused:
    page = own.open("/smart-events/new", name="Buys", r=['{"event":"buy"}', '{"text":"Buy now"}'])

    def second(label: str) -> Callable[[Locator], Locator]:
        return lambda form: form.get_by_role("group", name="Rule 2", exact=True).get_by_label(label, exact=True)

    fields = {
        "name": labelled("Name"),
        "description": labelled("Description"),
        "rules[0]": grouped("Rule 1"),
        "rules[1].event": second("Event"),
        "rules[1].url": second("URL"),
        "rules[1].selector": second("Clicked element (CSS selector)"),
        "rules[1].text": second("Text of the element"),
        "rules[1].filters[0].value": grouped("Filters of rule 2"),
    }
    own.settle()
    return Refused(page.locator("main form"), "**/action_definitions", fields)


FORMS = (
    a_project, a_token, a_member, a_user, a_new_project, a_password, a_rotation, a_dashboard, a_saved_insight, an_insight,
    an_insight_on_a_new_dashboard, an_insight_on_a_full_dashboard, a_definition, a_smart_event,
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_saved(api: Api) -> Iterator[None]:
    yield
    forget_saved(api)


def refuse(page: Page, place: str, *fields: str) -> None:
    """Whatever is to be changed there; `fields` as the API names them."""
    details = [{"field": field, "message": f"not this for {field}"} for field in fields]
    body = {"error": "several are wrong", "code": "VALIDATION_ERROR", "details": details}

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            route.fulfill(status=422, json=body)

    page.route(place, answer)


@pytest.mark.parametrize("of", FORMS)
def test_each_refusal_stands_beside_its_field_and_the_first_has_the_focus(
    own: Visit, api: Api, of: Callable[[Visit, Api], Refused]
) -> None:
    own.foresee("status of 422")
    form, place, fields = of(own, api)
    refuse(own.page, place, *reversed(fields), ELSEWHERE)
    form.locator("button[type=submit]").click()
    for field, find in fields.items():
        control = find(form)
        expect(control).to_have_accessible_description(re.compile(re.escape(f"not this for {field}")))
        if control.evaluate("(it) => it.tagName") in ("INPUT", "SELECT", "TEXTAREA"):
            expect(control).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_role("alert")).to_have_text(re.compile(rf"{ELSEWHERE}: not this for {ELSEWHERE}$"))
    expect(form.get_by_role("alert")).not_to_contain_text(next(iter(fields)) + ":")
    first = next(iter(fields.values()))(form)
    own.shows(lambda: first.evaluate("(it) => it.contains(document.activeElement)"), True)
    assert own.axe() == []


def test_a_wrong_value_is_told_at_its_field_until_the_form_is_taken(own: Visit) -> None:
    own.foresee("status of 422")
    page = own.open("/settings/projects")
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Elsewhere")
    zone, name = dialog.get_by_label("Timezone"), dialog.get_by_label("Identifier")
    zone.fill("Mars/Olympus")
    name.fill("has blanks")
    dialog.get_by_role("button", name="Make the project").click()
    expect(zone).to_have_accessible_description(re.compile("Mars/Olympus"))
    expect(name).to_have_accessible_description(re.compile("Part of the API’s addresses.*has blanks"))
    expect(zone).to_be_focused()
    own.look("refused")
    zone.fill("UTC")
    dialog.get_by_role("button", name="Make the project").click()
    expect(zone).to_have_accessible_description("")
    expect(name).to_be_focused()
