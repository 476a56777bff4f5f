"""The web app and the browser client below a path of a host that others share, behind nginx and over TLS."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import Api
from tests.http.proxy_rig import Proxied, behind_nginx


@pytest.fixture(scope="module", params=[False, True], ids=["handed on", "taken off"])
def proxied(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Proxied]:
    with behind_nginx(tmp_path_factory.mktemp("nginx"), takes_path_off=request.param) as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(ignore_https_errors=True)
    yield opened
    opened.close()


def opened(context: BrowserContext, proxied: Proxied, screenshots: Path | None) -> Visit:
    """TRICKY: of a certificate that isn't valid Chromium asks again at each new connection, and gives up when connections break meanwhile."""
    visit = Visit(context, proxied.url, screenshots)
    visit.foresee("net::ERR_TOO_MANY_RETRIES")
    return visit


def test_everything_the_app_asks_for_and_every_address_it_shows_is_below_the_path(
    proxied: Proxied, context: BrowserContext, screenshots: Path | None
) -> None:
    visit = opened(context, proxied, screenshots)  # counts whatever is asked of elsewhere as a fault
    page = visit.open("/settings/install")
    visit.log_in()
    expect(page.get_by_text(f"{proxied.url}/sv.js").first).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Funnels").click()
    expect(page).to_have_url(re.compile(re.escape(f"{proxied.url}/funnels?project=dev")))
    page.reload()
    expect(page.get_by_role("heading", level=1, name="Funnels")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(re.escape(f"{proxied.url}/settings/install")))
    cookies = [cookie for cookie in context.cookies() if cookie.get("name") == "sv_session"]
    assert [(cookie.get("path"), cookie.get("secure")) for cookie in cookies] == [("/stats", True)]
    assert visit.faults == []


def test_the_browser_client_sends_to_the_server_below_the_path_that_it_came_from(
    proxied: Proxied, context: BrowserContext
) -> None:
    shop = proxied.url.removesuffix("/stats") + "/shop"  # on the same host: Chromium keeps pages of others from this machine
    snippet = f'<!doctype html><title>Shop</title><script async src="{proxied.url}/sv.js" data-token="sv_pub_dev"></script>'

    def serve(route: Route) -> None:
        route.fulfill(body=snippet, content_type="text/html")

    context.route(shop, serve)
    page = context.new_page()
    with (
        page.expect_response(re.compile("/api/v1/ingest/events$")) as sent,
        page.expect_response(re.compile("/ingest/config")) as asked,
    ):
        page.goto(shop)
    assert sent.value.url == f"{proxied.url}/api/v1/ingest/events"
    assert sent.value.status == 202
    assert asked.value.url.startswith(f"{proxied.url}/api/v1/ingest/config?")
    assert asked.value.status == 200


def test_a_visit_is_recorded_and_its_recording_played_below_the_path(
    proxied: Proxied, context: BrowserContext, screenshots: Path | None
) -> None:
    with Api(proxied.server) as api:
        changed = api.http.patch("/api/v1/projects/dev", json={"settings": {"recording_sample_rate": 1}})
        assert changed.status_code == 200, changed.text
    shop = proxied.url.removesuffix("/stats") + "/shop"
    snippet = f'<script async src="{proxied.url}/sv.js" data-token="sv_pub_dev"></script>'

    def serve(route: Route) -> None:
        route.fulfill(body=f"<!doctype html><title>Shop</title>{snippet}<h1>A red lamp</h1>", content_type="text/html")

    context.route(shop, serve)
    visitor = context.new_page()
    with visitor.expect_response(lambda answer: answer.request.method == "PUT") as sent:
        visitor.goto(shop)
        visitor.get_by_role("heading").click()
    assert sent.value.url.startswith(f"{proxied.url}/api/v1/objects/")
    assert sent.value.status == 200
    session = visitor.evaluate("sessionvision.getSessionId()")
    visitor.close()
    visit = opened(context, proxied, screenshots)
    page = visit.open(f"/sessions/{session}")
    visit.log_in()
    shown = page.frame_locator(".stage iframe").frame_locator("iframe")
    expect(shown.get_by_role("heading", name="A red lamp")).to_be_attached()
    assert page.locator(".stage iframe").evaluate("(it) => it.contentWindow.location.pathname") == "/stats/replay-frame"
    assert visit.faults == []
