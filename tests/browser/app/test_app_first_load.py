"""What a browser that has nothing yet loads until the overview is there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Request

from tests.browser.app.app_rig import visiting
from tests.http.http_rig import Running

FIRST_LOAD_MAX = 80 * 1024


def test_the_overview_is_there_after_80_kilobytes_and_nothing_of_replay(
    browser: Browser,
    shop_server: Running,
    shop_login: dict[str, Any],
    screenshots: Path | None,
    record_property: Callable[[str, object], None],
) -> None:
    loaded: list[Request] = []
    with visiting(browser, shop_server.url, screenshots, shop_login) as visit:
        visit.context.on("requestfinished", lambda request: loaded.append(request))
        visit.open("/overview")
        visit.heading("Overview")
        visit.settle()
        sizes = {
            request.url.removeprefix(visit.url): request.sizes()["responseBodySize"]
            for request in loaded
            if "/api/" not in request.url
        }
    size = sum(sizes.values())
    record_property("size", f"first load of the overview: {size:,} of {FIRST_LOAD_MAX:,} bytes in {len(sizes)} files")
    assert {"/overview"} | {name for name in sizes if name.startswith("/assets/")} == set(sizes)
    assert size <= FIRST_LOAD_MAX, sizes
    assert [name for name in sizes if re.search(r"stage|recording|player", name)] == []
