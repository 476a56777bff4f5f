"""Settings: what is changed there is changed on the server, what one may not do isn't there, and secrets are shown once."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api

TIMEZONE = "Australia/Lord_Howe"


@pytest.fixture
def project(api: Api) -> Iterator[dict[str, Any]]:
    """One of the test's own, beside the one that other tests use."""
    made = api.http.post("/api/v1/projects", json={"name": "Shop <b>2</b>", "timezone": "UTC"})
    assert made.status_code == 201
    yield made.json()
    api.http.delete(f"/api/v1/projects/{made.json()['id']}")


def settings(visit: Visit, project: dict[str, Any], part: str) -> None:
    visit.open(f"/settings/{part}", project=project["id"])
    visit.heading("Settings")


def parts(visit: Visit) -> list[str]:
    return visit.page.get_by_role("navigation", name="Parts of the settings").get_by_role("link").all_inner_texts()


def test_what_a_project_goes_by_is_changed_by_keyboard_alone(own: Visit, api: Api, project: dict[str, Any]) -> None:
    settings(own, project, "project")
    page, keyboard = own.page, own.page.keyboard
    page.get_by_label("Name", exact=True).focus()
    keyboard.press("ControlOrMeta+a")
    keyboard.type("Shop & more")
    keyboard.press("Tab")
    keyboard.press("ControlOrMeta+a")
    keyboard.type(TIMEZONE)
    keyboard.press("Tab")
    keyboard.press("ArrowDown")
    page.get_by_label("Events, in days").fill("400")
    page.get_by_label("Recorded sessions, in per cent").fill("12.5")
    page.get_by_label("Hide all text").press("Space")
    page.get_by_label("Leave visitors alone").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    kept = api.http.get(f"/api/v1/projects/{project['id']}").json()
    assert (kept["name"], kept["timezone"]) == ("Shop & more", TIMEZONE)
    assert kept["settings"] == {
        "identity": "merged",
        "event_retention_days": 400,
        "recording_retention_days": None,
        "autocapture": True,
        "respect_do_not_track": False,
        "recording_sample_rate": 0.125,
        "mask_all_inputs": True,
        "mask_all_text": True,
    }
    expect(page.get_by_role("combobox", name="Project", exact=True)).to_have_value(project["id"])
    expect(page.get_by_role("option", name="Shop & more")).to_have_count(1)
    page.get_by_label("Events, in days").fill("")
    page.get_by_label("Timezone").fill("Mars/Olympus")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Timezone")).to_have_accessible_description(re.compile("Mars/Olympus"))
    expect(page.get_by_label("Timezone")).to_be_focused()
    own.faults = [fault for fault in own.faults if "422" not in fault]


def test_the_snippet_has_the_newest_token_and_the_old_one_goes_on_for_as_long_as_chosen(
    own: Visit, api: Api, project: dict[str, Any]
) -> None:
    settings(own, project, "install")
    page = own.page
    snippet = page.get_by_role("region", name="Snippet for your pages")
    expect(snippet).to_contain_text(f'sessionvision.init("{project["project_token"]}", {{ ingestHost: "{own.url}" }})')
    expect(snippet).to_contain_text(f's.src = "{own.url}/sv.js"')
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The old one stays good for").select_option("a week")
    dialog.get_by_role("button", name="New token").click()
    expect(page.get_by_text("There is a new project token")).to_be_visible()
    expect(snippet).not_to_contain_text(project["project_token"])
    kept = api.http.get(f"/api/v1/projects/{project['id']}").json()["project_tokens"]
    assert [each["expires_at"] is None for each in kept] == [True, False]
    expect(snippet).to_contain_text(kept[0]["token"])
    own.shows(
        lambda: [row[0] for row in own.cells("Project tokens that are good now")], [kept[0]["token"], project["project_token"]]
    )


def test_an_api_token_is_shown_once_and_ends_when_it_is_revoked(alone: Visit, project: dict[str, Any]) -> None:
    alone.page.clock.set_system_time("2031-01-01T12:00:00Z")  # how long it is good for is by the server's clock
    settings(alone, project, "tokens")
    page = alone.page
    page.get_by_role("button", name="New API token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("<i>Board</i>")
    dialog.get_by_label("What it may do").select_option("Read and change")
    dialog.get_by_label("Good for").select_option("7 days")
    dialog.get_by_role("button", name="Make the token").click()
    secret = dialog.get_by_role("region", name="The new API token").inner_text()
    dialog.get_by_role("button", name="Done").click()
    path = f"/api/v1/projects/{project['id']}"
    with httpx.Client(base_url=alone.url, headers={"authorization": f"Bearer {secret}"}, trust_env=False) as holder:
        assert holder.get(f"{path}/events").status_code == 200
        assert holder.post(f"{path}/dashboards", json={"name": "d"}).status_code == 201
        assert holder.get(f"{path}/audit").status_code == 403
        page.reload()
        row = page.get_by_role("row").filter(has_text="<i>Board</i>")
        expect(row).to_contain_text("Read and change")
        expect(row).to_contain_text("good")
        (made, *_) = alone.context.request.get(f"{alone.url}/api/v1/api_tokens").json()["data"]
        good_for = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
        assert timedelta(days=6, hours=23) < good_for < timedelta(days=7, hours=1)
        assert secret not in page.content()
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_contain_text("revoked")
        assert holder.get(f"{path}/events").status_code == 401
    expect(row.get_by_role("button")).to_have_count(0)


def test_a_new_user_sees_what_their_role_allows_and_no_more(
    own: Visit, stranger: Visit, api: Api, project: dict[str, Any]
) -> None:
    settings(own, project, "users")
    page = own.page
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("vera@example.com")
    dialog.get_by_role("button", name="Make the account").click()
    password = dialog.get_by_role("region", name="Password").inner_text()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("rowheader", name="vera@example.com")).to_be_visible()

    stranger.open("/settings")
    stranger.log_in("vera@example.com", password)
    stranger.heading("Settings")
    assert parts(stranger) == ["Your account"]
    stranger.open("/settings/tokens")
    expect(stranger.page.get_by_role("heading", name="There is no such part of the settings")).to_be_visible()

    settings(own, project, "members")
    page.get_by_label("Role of vera@example.com").select_option("Administrator")
    expect(page.get_by_text("vera@example.com is Administrator now")).to_be_visible()
    stranger.page.reload()
    expect(stranger.page.get_by_role("button", name="New API token")).to_be_visible()
    assert parts(stranger) == ["Project", "Snippet and token", "API tokens", "Members", "Audit trail", "Your account"]
    stranger.open("/settings/project")
    expect(stranger.page.get_by_label("Name", exact=True)).to_be_visible()
    expect(stranger.page.get_by_role("button", name="Delete the project")).to_have_count(0)

    page.get_by_role("button", name="Remove vera@example.com").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_label("Role of vera@example.com")).to_have_count(0)
    settings(own, project, "audit")
    own.shows(
        lambda: [[row[2], row[3], row[4]] for row in own.cells("What was changed, the latest first")][:3],
        [
            ["member.remove", "vera@example.com", "role: admin"],
            ["member.update", "vera@example.com", "role: viewer → admin"],
            ["member.add", "vera@example.com", "role: viewer"],
        ],
    )
    own.look("settings-audit")
    settings(own, project, "users")
    page.get_by_role("button", name="Delete vera@example.com").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("rowheader", name="vera@example.com")).to_have_count(0)
    assert "vera@example.com" not in [each["email"] for each in api.http.get("/api/v1/users").json()["data"]]


@pytest.mark.parametrize("part", ["audit", "trail"])
def test_the_trail_of_an_erasure_has_its_digest_cut_and_all_columns_in_view(
    own: Visit, api: Api, project: dict[str, Any], part: str
) -> None:
    token = api.http.get(f"/api/v1/projects/{project['id']}").json()["project_tokens"][0]["token"]
    sent = {"projectToken": token, "events": [{"event": "view", "userId": "ann"}]}
    api.http.post("/api/v1/ingest/events", json=sent).raise_for_status()
    api.http.post(f"/api/v1/projects/{project['id']}/persons/ann/erase").raise_for_status()
    api.http.post(f"/api/v1/projects/{project['id']}/rotate_token", json={"overlap_hours": 1}).raise_for_status()
    member = {"email": "somebody.with.a.long.name@example.com", "password": "long enough for all"}
    api.http.post("/api/v1/users", json=member)
    api.http.post(
        f"/api/v1/projects/{project['id']}/members", json={"email": member["email"], "role": "viewer"}
    ).raise_for_status()
    settings(own, project, part)
    page = own.page
    row = page.get_by_role("row").filter(has_text="person.erase").first
    cell = row.get_by_role("cell", name=re.compile(r"^[0-9a-f]{64}$"))
    expect(cell).to_have_attribute("title", re.compile(r"^[0-9a-f]{64}$"))
    table = page.get_by_role("region", name="What was changed, the latest first")
    assert table.evaluate("(it) => it.scrollWidth - it.clientWidth") == 0
    own.look(f"settings-{part}-digest")


def test_a_new_password_ends_the_other_logins_and_a_wrong_one_changes_nothing(own: Visit, stranger: Visit, api: Api) -> None:
    made = api.http.post(
        "/api/v1/users", json={"email": "paul@example.com", "memberships": [{"project_id": "dev", "role": "viewer"}]}
    )
    assert made.status_code == 201
    own.end_login()
    for visit in (own, stranger):
        visit.open("/settings/account")
        visit.log_in("paul@example.com", made.json()["password"])
        visit.heading("Settings")
    page = own.page
    page.get_by_label("Current password").fill("not that")
    page.get_by_label("New password").fill("a better one")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Current password")).to_have_accessible_description(re.compile("."))
    page.get_by_label("Current password").fill(made.json()["password"])
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    own.shows(lambda: len(own.cells("Where you are logged in")), 1)
    stranger.page.reload()
    expect(stranger.page.get_by_role("heading", name="Log in to Session Vision")).to_be_visible()
    own.faults = [fault for fault in own.faults if "422" not in fault]
    api.http.delete(f"/api/v1/users/{made.json()['id']}").raise_for_status()


def test_logins_are_told_apart_by_browser_and_system(own: Visit, api: Api, browser: Browser) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    who = {"email": "lena@example.com", "memberships": [{"project_id": "dev", "role": "viewer"}]}
    made = api.http.post("/api/v1/users", json=who).json()
    own.end_login()
    page = own.open("/settings/account")
    own.log_in("lena@example.com", made["password"])
    elsewhere = browser.new_context(user_agent=agent)
    signed = elsewhere.request.post(
        f"{own.url}/api/v1/auth/login",
        data={"email": "lena@example.com", "password": made["password"]},
        headers={"origin": own.url},
    )
    assert signed.ok, signed.text()
    page.reload()
    own.shows(lambda: [row[0] for row in own.cells("Where you are logged in")], ["Firefox on Linux", "Chrome on Linux this one"])
    expect(page.get_by_role("rowheader", name="Firefox on Linux")).to_have_attribute("title", agent)
    page.get_by_role("button", name="Log out Firefox on Linux, since").click()
    own.shows(lambda: [row[0] for row in own.cells("Where you are logged in")], ["Chrome on Linux this one"])
    assert elsewhere.request.get(f"{own.url}/api/v1/auth/me").status == 401
    elsewhere.close()
    api.http.delete(f"/api/v1/users/{made['id']}").raise_for_status()


def test_a_project_is_made_and_deleted_once_its_name_is_typed(own: Visit, api: Api) -> None:
    page = own.open("/settings/projects")
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Passing")
    dialog.get_by_label("Timezone").fill("Asia/Tokyo")
    dialog.get_by_label("Identifier").fill("passing")
    dialog.get_by_role("button", name="Make the project").click()
    expect(page.get_by_role("region", name="Snippet for your pages")).to_be_visible()
    assert "project=passing" in page.url
    page.get_by_role("navigation", name="Parts of the settings").get_by_role("link", name="Project", exact=True).click()
    page.get_by_role("button", name="Delete the project").click()
    button = dialog.get_by_role("button", name="Delete the project")
    expect(button).to_be_disabled()
    dialog.get_by_label("Type “Passing” to go on").fill("Passing")
    button.click()
    expect(page.get_by_role("combobox", name="Project", exact=True)).to_have_value("dev")
    assert api.http.get("/api/v1/projects/passing").status_code == 404


def test_projects_that_are_made_and_deleted_are_known_though_who_is_logged_in_can_not_be_asked(own: Visit) -> None:
    own.foresee("status of 503")
    page = own.open("/settings/projects")
    page.get_by_role("button", name="New project").click()
    page.route("**/auth/me", lambda route: route.fulfill(status=503, json={"error": "busy", "code": "UNAVAILABLE"}))
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Passing")
    dialog.get_by_label("Identifier").fill("passing-by")
    dialog.get_by_role("button", name="Make the project").click()
    expect(page.get_by_role("region", name="Snippet for your pages")).to_be_visible()
    choice = page.get_by_role("combobox", name="Project", exact=True)
    expect(choice).to_have_value("passing-by")
    page.get_by_role("navigation", name="Parts of the settings").get_by_role("link", name="Project", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Passed")
    page.get_by_role("button", name="Save").click()
    expect(choice.get_by_role("option", name="Passed", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Delete the project").click()
    dialog.get_by_label("Type “Passed” to go on").fill("Passed")
    dialog.get_by_role("button", name="Delete the project").click()
    expect(choice).to_have_value("dev")
    expect(choice.get_by_role("option", name="Passed", exact=True)).to_have_count(0)
    assert "passing-by" not in page.url


def test_settings_look_well(shop: Visit) -> None:
    shop.open("/settings")
    expect(shop.page.get_by_role("button", name="Save")).to_be_visible()
    shop.look("settings")
    for part, shown in (
        ("install", "Snippet for your pages"),
        ("tokens", "API tokens, the newest first"),
        ("members", "Nobody but who administers the server"),
        ("projects", "Projects on this server"),
        ("users", "Users of this server"),
        ("account", "Where you are logged in"),
    ):
        shop.turn_to(f"/settings/{part}")
        shop.settle()
        expect(shop.page.get_by_role("region", name=shown).or_(shop.page.get_by_text(shown)).first).to_be_visible()
        shop.look(f"settings-{part}")


def test_what_others_changed_meanwhile_is_not_taken_back(own: Visit, api: Api, project: dict[str, Any]) -> None:
    settings(own, project, "project")
    path, page = f"/api/v1/projects/{project['id']}", own.page
    expect(page.get_by_label("Events, in days")).to_have_value("")
    api.http.patch(path, json={"settings": {"event_retention_days": 400, "mask_all_text": True}}).raise_for_status()
    for name in ("Shop", "Shop & more"):
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("option", name=name, exact=True)).to_have_count(1)
    page.get_by_label("Hide what is typed").uncheck()
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        page.get_by_role("button", name="Save").click()
    kept = api.http.get(path).json()
    changed = {key: kept["settings"][key] for key in ("event_retention_days", "mask_all_text", "mask_all_inputs")}
    assert (kept["name"], changed) == (name, {"event_retention_days": 400, "mask_all_text": True, "mask_all_inputs": False})


def test_a_right_that_was_taken_away_meanwhile_is_not_given_back_with_a_role(own: Visit, api: Api) -> None:
    path = f"/api/v1/users/{api.http.post('/api/v1/users', json={'email': 'bob@example.com', 'is_instance_admin': True}).json()['id']}"
    page = own.open("/settings/users")
    page.get_by_role("button", name="Change bob@example.com").click()
    api.http.patch(path, json={"is_instance_admin": False}).raise_for_status()
    page.get_by_role("dialog").get_by_label("Role in").select_option("Editor")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    found = next(each for each in api.http.get("/api/v1/users").json()["data"] if each["email"] == "bob@example.com")
    assert (found["is_instance_admin"], [each["role"] for each in found["memberships"]]) == (False, ["editor"])
    api.http.delete(path).raise_for_status()


def test_what_is_shown_once_stays_until_it_was_taken_and_says_whether_it_was_copied(own: Visit, project: dict[str, Any]) -> None:
    settings(own, project, "tokens")
    page = own.page
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as without HTTPS
    page.get_by_role("button", name="New API token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Board")
    dialog.get_by_role("button", name="Make the token").click()
    secret = dialog.get_by_role("region", name="The new API token")
    expect(secret).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("status", name="Notices")).to_have_text("The browser did not let this be copied.")
    expect(secret).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
