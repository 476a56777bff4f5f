"""The app's forms, each filled in so that it could be sent, and the questions before what can't be undone."""

from collections.abc import Callable
from typing import Final, NamedTuple

from playwright.sync_api import Locator

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import NOON, Api, event

WEEK: Final = {"from": "2025-06-09", "to": "2025-06-15"}
TRENDS: Final = {"events": [{"name": "buy"}], "interval": "day", "date_from": "2025-06-09", "date_to": "2025-06-15"}


class Sent(NamedTuple):
    """A form, filled in. place: what it sends to. fields: the API's names, in the form's order, and by what each is found in the form."""

    form: Locator
    place: str
    fields: dict[str, Callable[[Locator], Locator]]


Finds = Callable[[Locator], Locator]
Opens = Callable[[Visit, Api], Sent]


def labelled(label: str) -> Finds:
    return lambda form: form.get_by_label(label, exact=True)


def grouped(name: str) -> Finds:
    return lambda form: form.get_by_role("group", name=name, exact=True)


def a_project(own: Visit, _api: Api) -> Sent:
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
    return Sent(page.locator("main form"), "**/projects/dev", fields)


def a_token(own: Visit, _api: Api) -> Sent:
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
    return Sent(dialog, "**/api_tokens", fields)


def a_member(own: Visit, _api: Api) -> Sent:
    page = own.open("/settings/members")
    page.get_by_role("button", name="Add a member").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("x")
    return Sent(dialog, "**/members", {"email": labelled("E-mail"), "role": labelled("Role")})


def a_user(own: Visit, _api: Api) -> Sent:
    page = own.open("/settings/users")
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("x")
    fields: dict[str, Finds] = {
        "email": labelled("E-mail"),
        "memberships[0].role": lambda form: form.get_by_label("Role in"),
        "is_instance_admin": labelled("Administers the server: sees and changes everything"),
    }
    return Sent(dialog, "**/users", fields)


def a_new_project(own: Visit, _api: Api) -> Sent:
    page = own.open("/settings/projects")
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("x")
    return Sent(dialog, "**/projects", {"name": labelled("Name"), "timezone": labelled("Timezone"), "id": labelled("Identifier")})


def a_password(own: Visit, _api: Api) -> Sent:
    page = own.open("/settings/account")
    page.get_by_label("Current password").fill("dev")
    page.get_by_label("New password").fill("12345678")
    fields = {"current_password": labelled("Current password"), "new_password": labelled("New password")}
    return Sent(page.locator("main form"), "**/auth/password", fields)


def a_rotation(own: Visit, _api: Api) -> Sent:
    page = own.open("/settings/install")
    page.get_by_role("button", name="New token").click()
    return Sent(page.get_by_role("dialog"), "**/rotate_token", {"overlap_hours": labelled("The old one stays good for")})


def a_dashboard(own: Visit, _api: Api) -> Sent:
    page = own.open("/dashboards")
    page.get_by_role("button", name="New dashboard").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("x")
    return Sent(dialog, "**/dashboards", {"name": labelled("Name"), "description": labelled("Description")})


def a_saved_insight(own: Visit, api: Api) -> Sent:
    api.http.post(api.path("insights"), json={"name": "Sales", "kind": "trends", "query": TRENDS}).raise_for_status()
    page = own.open("/dashboards")
    page.get_by_role("button", name="Rename Sales").click()
    return Sent(page.get_by_role("dialog"), "**/insights/*", {"name": labelled("Name"), "description": labelled("Description")})


def saving(own: Visit) -> Locator:
    page = own.open("/trends", **WEEK, e='{"event":"buy"}')
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("x")
    return dialog


def an_insight(own: Visit, _api: Api) -> Sent:
    return Sent(saving(own), "**/insights", {"name": labelled("Name"), "description": labelled("Description")})


def an_insight_on_a_new_dashboard(own: Visit, _api: Api) -> Sent:
    dialog = saving(own)
    dialog.get_by_label("On the dashboard").select_option("A new one")
    dialog.get_by_label("Name of the dashboard").fill("y")
    return Sent(dialog, "**/dashboards", {"name": labelled("Name of the dashboard")})


def an_insight_on_a_full_dashboard(own: Visit, api: Api) -> Sent:
    api.http.post(api.path("dashboards"), json={"name": "Monday"}).raise_for_status()
    dialog = saving(own)
    dialog.get_by_label("On the dashboard").select_option("Monday")
    return Sent(dialog, "**/dashboards/*", {"tiles": labelled("On the dashboard")})


def a_definition(own: Visit, api: Api) -> Sent:
    api.send(event("buy", "ann", NOON))
    page = own.open("/definitions")
    page.get_by_role("button", name="Edit buy").click()
    fields: dict[str, Finds] = {
        "description": labelled("Description"),
        "is_verified": lambda form: form.get_by_label("Verified"),
        "is_hidden": lambda form: form.get_by_label("Hidden"),
    }
    return Sent(page.get_by_role("dialog"), "**/event_definitions/buy", fields)


def a_smart_event(own: Visit, _api: Api) -> Sent:
    page = own.open("/smart-events/new", name="Buys", r=['{"event":"buy"}', '{"text":"Buy now"}'])

    def second(label: str) -> Finds:
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
    return Sent(page.locator("main form"), "**/action_definitions", fields)


FORMS: Final[tuple[Opens, ...]] = (
    a_project, a_token, a_member, a_user, a_new_project, a_password, a_rotation, a_dashboard, a_saved_insight, an_insight,
    an_insight_on_a_new_dashboard, an_insight_on_a_full_dashboard, a_definition, a_smart_event,
)  # fmt: skip


def a_dashboards_end(own: Visit, api: Api) -> Sent:
    made = api.http.post(api.path("dashboards"), json={"name": "Monday"}).json()
    page = own.open(f"/dashboards/{made['id']}")
    page.get_by_role("button", name="Delete").click()
    return Sent(page.get_by_role("dialog"), "**/dashboards/*", {})


def an_insights_end(own: Visit, api: Api) -> Sent:
    api.http.post(api.path("insights"), json={"name": "Sales", "kind": "trends", "query": TRENDS}).raise_for_status()
    page = own.open("/dashboards")
    page.get_by_role("button", name="Delete Sales").click()
    return Sent(page.get_by_role("dialog"), "**/insights/*", {})


def a_projects_end(own: Visit, api: Api) -> Sent:
    name = api.http.get("/api/v1/projects/dev").json()["name"]
    page = own.open("/settings/project")
    page.get_by_role("button", name="Delete the project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type").fill(name)
    return Sent(dialog, "**/projects/dev", {})


QUESTIONS: Final[tuple[Opens, ...]] = (a_rotation, a_dashboards_end, an_insights_end, a_projects_end)
