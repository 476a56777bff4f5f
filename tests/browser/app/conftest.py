"""Two servers for each worker: one with the sample shop, which tests only read, and one that each of its tests finds empty."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.app.app_rig import ROOT, Visit, Window, screenshot_folder, visiting
from tests.http.http_rig import Api, Running, running


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    subprocess.run([ROOT / "task", "ui"], check=True, timeout=300)


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    return screenshot_folder()


@pytest.fixture(scope="session")
def shop_server() -> Iterator[Running]:
    with running("dev", "--sample") as started:
        yield started


@pytest.fixture(scope="session")
def empty_server() -> Iterator[Running]:
    with running("dev") as started:
        yield started


@pytest.fixture(scope="session")
def shop_login(shop_server: Running) -> dict[str, Any]:
    return logged_in(shop_server.url)


@pytest.fixture(scope="session")
def empty_login(empty_server: Running) -> dict[str, Any]:
    return logged_in(empty_server.url)


@pytest.fixture(scope="session")
def viewer_login(empty_server: Running) -> dict[str, Any]:
    """Of somebody who may look at the project, and no more."""
    who = {"email": "viewer@example.com", "password": "only looking here"}
    with Api(empty_server) as api:
        api.http.post("/api/v1/users", json=who).raise_for_status()
        api.http.post(api.path("members"), json={"email": who["email"], "role": "viewer"}).raise_for_status()
    return logged_in(empty_server.url, who)


def logged_in(url: str, who: dict[str, str] | None = None) -> dict[str, Any]:
    """A browser's cookies after a login."""
    with httpx.Client(base_url=url, trust_env=False, verify=False) as client:
        client.post("/api/v1/auth/login", json=who or {"email": "dev@localhost", "password": "dev"}).raise_for_status()
        (cookie,) = client.cookies.jar
    return {"cookies": [{"name": cookie.name, "value": cookie.value, "url": url}], "origins": []}


Opens = Callable[[str, Running, dict[str, Any] | None], Window]


@pytest.fixture
def window(browser: Browser, windows: dict[str, Any], screenshots: Path | None, request: pytest.FixtureRequest) -> Opens:
    """Gives the window of somebody by name, on this server and with this login."""

    def of(who: str, server: Running, login: dict[str, Any] | None) -> Window:
        found: Window = windows.setdefault(who, Window(browser, server.url, screenshots, login, request.session))
        return found

    return of


@pytest.fixture
def shop(shop_server: Running, shop_login: dict[str, Any], window: Opens) -> Iterator[Visit]:
    """Logged in, with the sample shop's events."""
    with window("shop", shop_server, shop_login).visit() as visit:
        yield visit
    assert shop_server.take_faults() == []


@pytest.fixture
def api(empty_server: Running) -> Iterator[Api]:
    """The other server, without an event and with nothing saved: a reset takes both away."""
    with Api(empty_server) as api:
        api.reset()
        yield api
        assert api.failures == []


@pytest.fixture
def own(empty_server: Running, api: Api, empty_login: dict[str, Any], window: Opens) -> Iterator[Visit]:
    """Logged in, on a server that has what the test sends it by `api`."""
    assert api.server is empty_server
    with window("own", empty_server, empty_login).visit() as visit:
        yield visit
    assert empty_server.take_faults() == []


@pytest.fixture
def alone(
    browser: Browser, empty_server: Running, api: Api, empty_login: dict[str, Any], screenshots: Path | None
) -> Iterator[Visit]:
    """As `own`, in a browser of which no other test has had anything."""
    assert api.server is empty_server
    with visiting(browser, empty_server.url, screenshots, empty_login) as visit:
        yield visit
    assert empty_server.take_faults() == []


@pytest.fixture
def viewer(empty_server: Running, api: Api, viewer_login: dict[str, Any], window: Opens) -> Iterator[Visit]:
    """Logged in on that server as somebody who may change nothing."""
    assert api.server is empty_server
    with window("viewer", empty_server, viewer_login).visit() as visit:
        yield visit


@pytest.fixture
def stranger(empty_server: Running, api: Api, window: Opens) -> Iterator[Visit]:
    """Not logged in, on that server."""
    assert api.server is empty_server
    with window("stranger", empty_server, None).visit() as visit:
        yield visit
