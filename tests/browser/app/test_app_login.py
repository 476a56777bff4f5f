"""Getting in and out."""

from playwright.sync_api import expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api


def test_who_opens_a_page_logs_in_and_is_on_that_page(stranger: Visit) -> None:
    stranger.open("/events")
    expect(stranger.page).to_have_title("Log in · Session Vision")
    expect(stranger.page.get_by_label("E-mail")).to_be_focused()
    stranger.look("login")
    stranger.log_in()
    stranger.heading("Events")
    assert "/events?" in stranger.page.url


def test_a_wrong_password_is_said_to_be_wrong(stranger: Visit) -> None:
    stranger.foresee("401")
    page = stranger.open("/")
    page.get_by_label("E-mail").fill("dev@localhost")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don’t belong together")


def test_after_logging_out_the_browser_has_nothing_left_to_get_in_with(stranger: Visit) -> None:
    page = stranger.open("/events")
    stranger.log_in()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in to Session Vision")).to_be_visible()
    stranger.open("/events")
    expect(page.get_by_role("heading", name="Log in to Session Vision")).to_be_visible()
    assert stranger.context.cookies() == []


def test_who_logs_in_again_is_in_the_project_that_this_browser_showed_last(stranger: Visit, api: Api) -> None:
    api.http.post("/api/v1/projects", json={"id": "zoo", "name": "Zoo", "timezone": "UTC"}).raise_for_status()
    page = stranger.open("/events", project="zoo")
    stranger.log_in()
    stranger.heading("Events")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()  # before that its questions would be refused
    stranger.open("/")
    stranger.log_in()
    expect(page.get_by_role("combobox", name="Project", exact=True)).to_have_value("zoo")
    stranger.settle()
    page.goto("about:blank")  # a page that is open asks on for a project that is gone
    api.http.delete("/api/v1/projects/zoo").raise_for_status()


def test_an_address_that_is_no_page_leads_back(own: Visit) -> None:
    page = own.open("/nowhere/at/all")
    own.heading("There is no such page")
    expect(page).to_have_title("There is no such page · Session Vision")
    own.look("no-such-page")
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")


def test_who_cannot_be_logged_out_is_told_so(own: Visit) -> None:
    own.foresee("503")
    page = own.open("/events")
    page.route("**/auth/logout", lambda route: route.fulfill(status=503, json={"error": "busy", "code": "UNAVAILABLE"}))
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are still logged in. The server is busy")).to_be_visible()
    own.heading("Events")


def test_a_server_that_is_asked_by_another_name_says_why_it_lets_nobody_in(stranger: Visit) -> None:
    stranger.foresee("403")
    page = stranger.open("/")
    said = "expected a request from a page of this server, got one from 'https://stats.example.com' (Origin)"
    page.route("**/auth/login", lambda route: route.fulfill(status=403, json={"error": said, "code": "NOT_AUTHORIZED"}))
    page.get_by_label("E-mail").fill("dev@localhost")
    page.get_by_label("Password").fill("dev")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(said)


def test_who_has_no_project_has_their_account_and_who_administers_the_server_makes_one(stranger: Visit, api: Api) -> None:
    new = {"email": "new@example.com", "password": "nothing to see yet"}
    user = api.http.post("/api/v1/users", json=new).json()["id"]
    page = stranger.open("/")
    stranger.log_in(**new)
    expect(page.get_by_text("Ask an administrator to add you to one")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Settings").click()
    stranger.heading("Settings")
    expect(page.get_by_label("Current password")).to_be_visible()
    expect(page.get_by_role("navigation", name="Parts of the settings").get_by_role("link")).to_have_text(["Your account"])
    api.http.patch(f"/api/v1/users/{user}", json={"is_instance_admin": True}).raise_for_status()
    alone = {**api.http.get("/api/v1/users").json()["data"][0], "is_instance_admin": True}
    page.route("**/auth/me", lambda route: route.fulfill(json={"user": alone, "projects": []}))  # `sv dev` keeps one for ever
    stranger.open("/")
    page.get_by_role("link", name="Make one in the settings").click()
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("button", name="New user").click()
    expect(page.get_by_role("dialog").get_by_label("E-mail")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_label("Role in")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Projects", exact=True).click()
    page.get_by_role("button", name="New project").click()
    page.get_by_role("dialog").get_by_label("Name").fill("First")
    page.get_by_role("dialog").get_by_label("Identifier").fill("first")
    page.unroute("**/auth/me")
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_role("region", name="Snippet for your pages")).to_be_visible()
    stranger.settle()
    page.goto("about:blank")
    for path in (f"users/{user}", "projects/first"):
        api.http.delete(f"/api/v1/{path}").raise_for_status()
