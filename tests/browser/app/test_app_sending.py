"""Forms, and questions before what can't be undone: while what they send is under way they say so, and send it once; what is wrong with it
stands beside the field that it is about, of which the first has the focus, and the rest is the form's own."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.forms import FORMS, QUESTIONS, Opens
from tests.http.http_rig import Api

ELSEWHERE = "no field of this form"


def changed(page: Page, place: str, answer: Callable[[Route], None]) -> None:
    """Answer in the server's place whatever is to be changed there."""
    page.route(place, lambda route: route.continue_() if route.request.method == "GET" else answer(route))


def refuse(page: Page, place: str, *fields: str) -> None:
    """`fields` as the API names them."""
    details = [{"field": field, "message": f"not this for {field}"} for field in fields]
    body = {"error": "several are wrong", "code": "VALIDATION_ERROR", "details": details}
    changed(page, place, lambda route: route.fulfill(status=422, json=body))


@pytest.mark.parametrize("of", dict.fromkeys((*FORMS, *QUESTIONS)))
def test_what_is_sent_says_so_is_sent_once_and_can_be_sent_again_and_refusals_stand_beside_their_fields(
    own: Visit, api: Api, of: Opens
) -> None:
    own.foresee("status of 503")
    own.foresee("status of 422")
    form, place, fields = of(own, api)
    held: list[Route] = []
    changed(own.page, place, held.append)
    submit = form.locator("button[type=submit]")
    label = submit.inner_text()
    submit.evaluate("(it) => { it.form.requestSubmit(); it.form.requestSubmit(); }")
    expect(submit).to_be_disabled()
    expect(submit).to_have_text(re.compile("ing( it)?…$"))
    submit.evaluate("(it) => it.form.requestSubmit()")
    own.shows(lambda: len(held), 1)
    held[0].fulfill(status=503, json={"error": "busy", "code": "UNAVAILABLE"})
    expect(submit).to_have_text(label)
    expect(submit).to_be_enabled()
    expect(own.page.get_by_role("alert").filter(has_text="The server is busy")).to_be_visible()
    assert len(held) == 1
    own.page.unroute(place)
    if of in FORMS:
        each_refusal_stands_beside_its_field(own, form, place, fields)


def each_refusal_stands_beside_its_field(
    own: Visit, form: Locator, place: str, fields: dict[str, Callable[[Locator], Locator]]
) -> None:
    """And the first of them has the focus."""
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


def test_a_login_says_so_and_is_sent_once(stranger: Visit) -> None:
    held: list[Route] = []
    stranger.page.route("**/auth/login", lambda route: held.append(route))
    page = stranger.open("/events")
    page.get_by_label("E-mail").fill("dev@localhost")
    page.get_by_label("Password").fill("dev")
    submit = page.locator("button[type=submit]")
    submit.evaluate("(it) => { it.form.requestSubmit(); it.form.requestSubmit(); }")
    expect(submit).to_have_text("Logging in…")
    page.get_by_label("Password").press("Enter")
    stranger.shows(lambda: len(held), 1)
    held[0].continue_()
    stranger.heading("Events")
    assert len(held) == 1
