"""A session's page while the session goes on: what comes in is shown there, and what has ended is left alone."""

import time
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, expect

from tests.browser.app.app_rig import Visit
from tests.browser.app.recorded import START, Tree, change, picture, upload
from tests.http.http_rig import Api, event

A_LOOK = "00:06"
"""Longer than the page waits before it looks again."""


class Going:
    """A session of which a heading was recorded, and then each word that it said. began: how long ago, in seconds."""

    def __init__(self, api: Api, began: float) -> None:
        self.api = api
        self.at = round(time.time() - began) * 1000 - START
        tree = Tree()
        self.text = tree.text("first word")
        document = tree.document({**tree.element("h1"), "childNodes": [self.text]})
        self.happens("$pageview", 0)
        upload(api, "s-1", picture(document, self.at), [self.said("first word", 1)])

    def happens(self, name: str, second: float) -> None:
        stamp = START + self.at + second * 1000
        self.api.send(event(name, "ann", stamp, sessionId="s-1", properties={"$current_url": "https://shop.example/a"}))

    def said(self, word: str, second: float) -> dict[str, Any]:
        texts = [{"id": self.text["id"], "value": word}]
        return change(self.at + second * 1000, 0, adds=[], removes=[], attributes=[], texts=texts)

    def says(self, word: str, second: float, index: int) -> None:
        upload(self.api, "s-1", [self.said(word, second)], first=index)


def watch(visit: Visit) -> FrameLocator:
    visit.foresee("Blocked script execution")  # of what the clock puts into every frame
    visit.page.clock.install()
    visit.open("/sessions/s-1")
    shown = visit.page.frame_locator(".stage iframe").frame_locator("iframe")
    expect(shown.get_by_role("heading")).to_have_text("first word")
    visit.settle()
    return shown


def test_what_happens_and_is_recorded_while_somebody_looks_is_shown(alone: Visit, api: Api) -> None:
    going = Going(api, 60)
    shown = watch(alone)
    page = alone.page
    place = page.get_by_label("Place in the recording")
    place.press("End")
    expect(page.get_by_text("0:01 of 0:01")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    going.happens("purchase", 20)
    going.happens("late", 10)
    going.says("second word", 20, 2)
    page.clock.fast_forward(A_LOOK)
    expect(page.get_by_text("0:01 of 0:20")).to_be_visible()
    lines = page.get_by_role("region", name="What happened").locator(".moment")
    expect(lines).to_have_text(["0:00", "0:10", "0:20"])
    assert [url for url in asked if "/events" in url and "limit=100&" not in f"{url}&"] == []  # of those that are there none
    page.get_by_role("button", name="purchase at 0:20").click()
    expect(shown.get_by_role("heading")).to_have_text("second word")
    expect(page.get_by_text("20s", exact=True)).to_be_visible()
    going.says("third word", 21, 3)
    page.clock.fast_forward(A_LOOK)
    expect(page.get_by_text("0:20 of 0:21")).to_be_visible()
    place.press("ArrowRight")
    expect(shown.get_by_role("heading")).to_have_text("third word")


def test_what_came_late_is_shown_in_its_place(alone: Visit, api: Api) -> None:
    going = Going(api, 60)
    going.says("last word", 30, 3)
    shown = watch(alone)
    alone.page.get_by_label("Place in the recording").press("End")
    expect(shown.get_by_role("heading")).to_have_text("last word")
    going.says("late word", 20, 2)
    alone.page.clock.fast_forward(A_LOOK)
    alone.page.get_by_label("Place in the recording").press("ArrowLeft")
    expect(shown.get_by_role("heading")).to_have_text("late word")
    alone.page.get_by_label("Place in the recording").press("End")
    expect(shown.get_by_role("heading")).to_have_text("last word")


def test_who_has_seen_all_of_it_sees_what_comes(alone: Visit, api: Api) -> None:
    going = Going(api, 60)
    alone.page.emulate_media(reduced_motion="no-preference")
    shown = watch(alone)
    alone.page.clock.run_for(2000)
    expect(alone.page.get_by_role("button", name="Play again")).to_be_visible()
    going.says("second word", 2, 2)
    alone.page.clock.fast_forward(A_LOOK)
    expect(alone.page.get_by_text("of 0:02")).to_be_visible()
    alone.page.clock.run_for(2000)
    expect(shown.get_by_role("heading")).to_have_text("second word")


@pytest.mark.parametrize("began", [60, 3000])
def test_a_session_is_asked_for_again_unless_it_has_ended(alone: Visit, api: Api, began: float) -> None:
    Going(api, began)
    asked: list[str] = []
    watch(alone)
    alone.page.on("request", lambda request: asked.append(request.url))
    alone.page.clock.fast_forward(A_LOOK)
    alone.page.clock.fast_forward(A_LOOK)
    alone.settle()
    assert any("/sessions/s-1" in url for url in asked) is (began == 60)
