"""What a browser that has nothing yet loads until the overview is there."""

import re
from collections.abc import Callable

from playwright.sync_api import Request

from tests.browser.app.app_rig import Visit

FIRST_LOAD_MAX = 80 * 1024


def test_the_overview_is_there_after_80_kilobytes_and_nothing_of_replay(
    shop: Visit, record_property: Callable[[str, object], None]
) -> None:
    loaded: list[Request] = []
    shop.context.on("requestfinished", lambda request: loaded.append(request))
    shop.open("/overview")
    shop.heading("Overview")
    shop.settle()
    sizes = {
        request.url.removeprefix(shop.url): request.sizes()["responseBodySize"]
        for request in loaded
        if "/api/" not in request.url
    }
    size = sum(sizes.values())
    record_property("size", f"first load of the overview: {size:,} of {FIRST_LOAD_MAX:,} bytes in {len(sizes)} files")
    assert {"/overview"} | {name for name in sizes if name.startswith("/assets/")} == set(sizes)
    assert size <= FIRST_LOAD_MAX, sizes
    assert [name for name in sizes if re.search(r"stage|recording|player", name)] == []
