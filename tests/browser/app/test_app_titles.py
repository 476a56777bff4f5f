"""The window's title tells tabs, bookmarks and the browser's history apart."""

import re

from playwright.sync_api import expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api, event, story

HOSTILE = "</title><b>Bold</b>"


def test_a_title_names_what_is_shown_the_page_and_the_project(own: Visit, api: Api) -> None:
    api.send(
        *story("ann: $pageview@0m", sessionId="first"), event("$identify", "x", properties={"name": HOSTILE}, userId="user-2")
    )
    made = api.http.post(api.path("dashboards"), json={"name": "Sales", "description": "", "tiles": []}).raise_for_status().json()
    page = own.open("/events")
    expect(page).to_have_title(re.compile(r"^Events · .+ · Session Vision$"))
    page.get_by_role("link", name="Persons", exact=True).click()
    expect(page).to_have_title(re.compile(r"^Persons · .+ · Session Vision$"))
    page.get_by_role("link", name="ann").first.click()
    expect(page).to_have_title(re.compile(r"^ann · Persons · .+ · Session Vision$"))
    page.go_back()
    expect(page).to_have_title(re.compile(r"^Persons · "))
    own.open("/persons/user-2")
    expect(page).to_have_title(re.compile("^" + re.escape(HOSTILE) + " · Persons · "))
    own.open("/sessions/first")
    expect(page).to_have_title(re.compile(r"^ann, Jun 15, 2025, 12:00:00 · Sessions · "))
    own.open(f"/dashboards/{made['id']}")
    expect(page).to_have_title(re.compile(r"^Sales · Dashboards · "))
    own.open("/smart-events/new")
    expect(page).to_have_title(re.compile(r"^New smart event · Smart events · "))
    own.open("/settings/tokens")
    expect(page).to_have_title(re.compile(r"^API tokens · Settings · "))
    page.get_by_role("link", name="Members").click()
    expect(page).to_have_title(re.compile(r"^Members · Settings · "))
