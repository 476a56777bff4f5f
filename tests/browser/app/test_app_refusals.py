"""What is wrong with a form stands beside the field that it is about, of which the first has the focus; the rest is the form's own."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.forms import FORMS, Opens
from tests.http.http_rig import Api

ELSEWHERE = "no field of this form"


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
def test_each_refusal_stands_beside_its_field_and_the_first_has_the_focus(own: Visit, api: Api, of: Opens) -> None:
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
    dialog.get_by_label("Name").focus()
    page.keyboard.insert_text("x" * 101)
    expect(dialog.get_by_label("Name")).to_have_value("x" * 100)  # as many as the server takes
    dialog.get_by_label("Name").fill("Elsewhere")
    zone, name = dialog.get_by_label("Timezone"), dialog.get_by_label("Identifier")
    zone.fill("Mars/Olympus")
    name.fill("has blanks" + "x" * 200)
    dialog.get_by_role("button", name="Make the project").click()
    expect(zone).to_have_accessible_description(re.compile("Mars/Olympus"))
    expect(zone).to_be_focused()
    own.look("refused")
    zone.fill("UTC")
    dialog.get_by_role("button", name="Make the project").click()
    expect(name).to_have_accessible_description(re.compile("Part of the API’s addresses.*has blanks"))
    expect(name).to_be_focused()
    assert dialog.evaluate("(it) => it.scrollWidth <= it.clientWidth")  # however long what is told is
    expect(zone).to_have_accessible_description("")
