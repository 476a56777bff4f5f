"""Forms, and questions before what can't be undone, while what they send is under way: they say so, and send it once."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.forms import FORMS, QUESTIONS, Opens
from tests.http.http_rig import Api


@pytest.mark.parametrize("of", dict.fromkeys((*FORMS, *QUESTIONS)))
def test_what_is_sent_says_so_is_sent_once_and_can_be_sent_again(own: Visit, api: Api, of: Opens) -> None:
    own.foresee("status of 503")
    form, place, _ = of(own, api)
    held: list[Route] = []
    own.page.route(place, lambda route: route.continue_() if route.request.method == "GET" else held.append(route))
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
