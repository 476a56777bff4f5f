from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from sv.web.client_door import BUILT
from tests.browser.client.client_rig import AGENT, Site, Visitor, serving
from tests.http.http_rig import Api, Running, running

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert (BUILT / "sv.js").exists(), "the browser client is not built: ./task ui"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    with running("dev", "--port", "0") as server:
        yield server


@pytest.fixture
def api(server: Running) -> Iterator[Api]:
    """The server, empty, and its project's settings as at first."""
    with Api(server) as api:
        api.reset()
        unset = {"autocapture": True, "respect_do_not_track": True, "recording_sample_rate": 0, "mask_all_inputs": True}
        api.http.patch("/api/v1/projects/dev", json={"settings": unset | {"mask_all_text": False}})
        yield api
        assert api.failures == []


@pytest.fixture
def site(server: Running) -> Iterator[Site]:
    site = Site(server.url, "sv_pub_dev")
    with serving(site):
        yield site


@pytest.fixture
def visitor(browser: Browser, site: Site, api: Api) -> Iterator[Visitor]:
    context = browser.new_context(user_agent=AGENT, locale="en-GB", timezone_id="Europe/Berlin")
    visitor = Visitor(context, site, api)
    yield visitor
    context.close()
    assert visitor.faults == []
