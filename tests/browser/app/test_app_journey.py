"""The whole way: a server that has nothing, people on a site with the client on it, and what somebody sees of them in the app."""

from playwright.sync_api import Browser, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.recorded import visitor_of
from tests.browser.client.client_rig import Visitor
from tests.http.http_rig import Api


def recorded(visitor: Visitor, api: Api, text: bytes) -> None:
    """All was sent, and what they saw last is in their recording."""
    session = visitor.run("sessionvision.getSessionId()")

    def is_there() -> bool:
        visitor.run("sessionvision.flush()")
        listed = api.http.get(api.path(f"sessions/{session}/recording"))
        if listed.status_code != 200:
            return False
        return any(text in api.http.get(chunk["url"]).content for chunk in listed.json()["chunks"])

    visitor.eventually(is_there, True)


def test_from_an_empty_server_to_the_recording_of_who_dropped_off(own: Visit, api: Api, browser: Browser) -> None:
    page = own.open("/")
    own.heading("Waiting for the first event")
    with visitor_of(browser, api) as stays:
        stays.open("/?utm_source=news")
        stays.run("sessionvision.flush()")
        own.heading("The first event has arrived")
        expect(page.get_by_role("status").filter(has_text="Page view")).to_contain_text("/?utm_source=news")
        stays.page.click("#to-contact")
        stays.page.wait_for_url("**/contact.html")
        stays.page.click("#send")
        recorded(stays, api, b"Send letter")
    with visitor_of(browser, api) as drops:
        drops.open()
        drops.run("sessionvision.flush()")  # what is sent as a page goes has the real agent, of a browser without a head
        drops.page.click("#to-products")
        drops.page.wait_for_url("**/products.html")
        drops.page.click("text=Floor lamp")
        who = drops.run("sessionvision.getDistinctId()")
        recorded(drops, api, b"You look at the floor lamp")
    page.get_by_role("button", name="Go to the overview").click()
    own.heading("Overview")
    expect(page.get_by_role("button", name="Visitors 2")).to_be_visible()
    pages = page.get_by_role("region", name="Pages", exact=True)
    for path, count in (("/", 2), ("/contact.html", 1), ("/products.html", 1), ("/products/floor-lamp", 1)):
        expect(pages.get_by_role("button", name=f"{path} {count}", exact=True)).to_be_visible()
    page.get_by_role("region", name="Sources").get_by_role("button", name="UTM source").click()
    expect(page.get_by_role("region", name="Sources").get_by_role("button", name="news 1")).to_be_visible()
    page.get_by_role("link", name="Funnels").click()
    own.heading("Funnels")
    own.choose(page.get_by_label("Step 1", exact=True), "Page v", "Page view")
    own.choose(page.get_by_label("Step 2", exact=True), "Form", "Form submit")
    page.get_by_role("button", name="1 dropped off (50%)").click()
    page.get_by_role("dialog").get_by_role("link", name=who, exact=True).click()
    own.heading(who)
    expect(page.get_by_role("region", name="What they did")).to_contain_text("/products/floor-lamp")
    page.get_by_role("link", name="Watch the recording").click()
    own.heading("Session")
    page.get_by_label("Place in the recording").press("End")
    shown = page.frame_locator(".stage iframe").frame_locator("iframe")
    expect(shown.locator("#view")).to_have_text("You look at the floor lamp.")
