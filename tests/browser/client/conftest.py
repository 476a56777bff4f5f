"""A server whose projects' settings each test finds as at first, the demo site, and a visitor's browser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.client.client_rig import AGENT, Site, Visitor, serving
from tests.http.http_rig import Api, Running, running

ROOT = Path(__file__).resolve().parents[3]
AT_FIRST = {
    "autocapture": True,
    "respect_do_not_track": True,
    "recording_sample_rate": 0,
    "mask_all_inputs": True,
    "mask_all_text": False,
}


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    subprocess.run([ROOT / "task", "ui"], check=True, timeout=300)


@pytest.fixture(scope="session")
def server(built: None) -> Iterator[Running]:
    with running("dev") as server:
        yield server


@pytest.fixture
def api(server: Running) -> Iterator[Api]:
    with Api(server) as api:
        api.reset()
        assert api.http.patch("/api/v1/projects/dev", json={"settings": AT_FIRST}).status_code == 200
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
    visitor.leave()
    assert visitor.faults == []
