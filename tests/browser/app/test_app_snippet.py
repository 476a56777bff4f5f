"""The snippet that Settings shows, pasted into a page as it is: page views arrive in its project, and the documentation has the same one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.app.app_rig import ROOT, Visit, visiting
from tests.browser.app.conftest import logged_in
from tests.browser.client.client_rig import AGENT, Site, Visitor, serving
from tests.http.http_rig import Api, Running, running

MOVED = {"SV_SCRIPT_PATH": "/lib/hello.js", "SV_RECORDER_PATH": "/lib/film.js"}


@pytest.fixture
def project(api: Api) -> Iterator[dict[str, Any]]:
    """One of the test's own, so that what arrives there came by its token."""
    with made(api) as found:
        yield found


@contextmanager
def made(api: Api) -> Iterator[dict[str, Any]]:
    answer = api.http.post("/api/v1/projects", json={"name": "Lamps", "timezone": "UTC"})
    assert answer.status_code == 201, answer.text
    yield answer.json()
    api.http.delete(f"/api/v1/projects/{answer.json()['id']}").raise_for_status()


def shown(visit: Visit, project_id: str) -> str:
    """As somebody copies it from Settings."""
    visit.open("/settings/install", project=project_id)
    return visit.page.get_by_role("region", name="Snippet for your pages").inner_text()


def documented(server: str, token: str) -> str:
    """The snippet of docs/browser-client.md, with its example's address and token replaced."""
    text = (ROOT / "docs" / "browser-client.md").read_text("utf-8")
    found = re.search(r"```html\n(<script>.*?</script>)\n```", text, re.DOTALL)
    assert found is not None
    return found[1].replace("https://stats.example.com", server).replace("sv_pub_…", token)


@contextmanager
def pasted(browser: Browser, running_there: Running, project: dict[str, Any], snippet: str) -> Iterator[Visitor]:
    """Somebody at a site whose pages have this in their heads, and allow what is written in a page."""
    with Api(running_there, project["id"]) as api:
        site = Site(running_there.url, "not used")
        site.head, site.policy = snippet, f"default-src 'self' 'unsafe-inline' {running_there.url}"
        with serving(site):
            context = browser.new_context(user_agent=AGENT)
            visitor = Visitor(context, site, api)
            visitor.open()
            yield visitor
            visitor.leave()
            assert visitor.faults == []


def test_a_page_with_the_snippet_of_the_settings_in_it_sends_its_views_to_that_project(
    own: Visit, api: Api, browser: Browser, project: dict[str, Any]
) -> None:
    snippet = shown(own, project["id"])
    assert snippet == documented(own.url, project["project_token"])
    with pasted(browser, api.server, project, snippet) as visitor:
        visitor.run("sessionvision.flush()")
        (view,) = visitor.expect("$pageview")
        assert view["properties"]["$current_url"] == visitor.site.url + "/"
    assert api.listed() == [], "of the other project"


def test_the_client_and_the_recorder_are_loaded_from_where_they_were_moved_to(browser: Browser, tmp_path: Path) -> None:
    with running("dev", environment=MOVED) as server, Api(server) as api, made(api) as project:
        api.http.patch(f"/api/v1/projects/{project['id']}", json={"settings": {"recording_sample_rate": 1}}).raise_for_status()
        with visiting(browser, server.url, tmp_path, logged_in(server.url)) as visit:
            snippet = shown(visit, project["id"])
        assert snippet == documented(server.url, project["project_token"]).replace("/sv.js", MOVED["SV_SCRIPT_PATH"])
        with pasted(browser, server, project, snippet) as visitor:
            with visitor.page.expect_response(lambda answer: answer.request.method == "PUT") as sent:
                visitor.page.click("#plain")
                visitor.run("sessionvision.flush()")
            assert sent.value.status == 200
            visitor.expect("$pageview")
            scripts = [request.url.removeprefix(server.url) for request in visitor.asked if request.url.endswith(".js")]
        assert scripts == [MOVED["SV_SCRIPT_PATH"], MOVED["SV_RECORDER_PATH"]]
