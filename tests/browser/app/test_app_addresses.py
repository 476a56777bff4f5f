"""Addresses are read as people write them, and asked for as they were sent."""

import json
import re

from playwright.sync_api import expect

from tests.browser.app.app_rig import Visit
from tests.http.http_rig import NOON, Api, event

WEEK = {"from": "2025-06-09", "to": "2025-06-15"}
STREET = "/stra%C3%9Fe"
TURNED = "/%E2%80%AEgnp.exe"
BROKEN = "/caf%E9"
FROM = "https://suche.example/?q=%C3%BCber%20uns"
HOST = "https://shop.example"


def walks(api: Api) -> None:
    api.send(
        *(
            event(
                "$pageview",
                person,
                NOON + place * 60_000,
                sessionId=f"s-{person}",
                properties={"$current_url": HOST + path, "$referrer": FROM, "next": HOST + STREET, "note": "100%C3%9F"},
            )
            for person, paths in (("ann", (STREET, TURNED)), ("bob", (BROKEN,)), ("cat", (STREET,)))
            for place, path in enumerate(paths)
        )
    )


def test_a_page_is_read_in_every_list_and_filtered_by_as_it_was_sent(own: Visit, api: Api) -> None:
    walks(api)
    page = own.open("/overview", **WEEK)
    pages = page.get_by_role("region", name="Pages", exact=True)
    expect(pages.get_by_role("listitem")).to_contain_text(["/straße", TURNED, BROKEN])
    street = pages.get_by_role("button", name="/straße")
    expect(street).to_have_attribute("title", f"Only {STREET}")
    street.click()
    expect(page.get_by_role("button", name="Change the filter: URL is /straße")).to_be_visible()
    assert own.parameters()["f"] == [json.dumps(["$current_url", "exact", STREET], separators=(",", ":"))]
    expect(page.get_by_role("button", name="Visitors 2")).to_be_visible()
    own.open("/events", **WEEK)
    for cell in (f"{HOST}/straße", HOST + TURNED, HOST + BROKEN):
        expect(page.get_by_role("cell", name=cell, exact=True).first).to_be_visible()
    page.get_by_role("button", name="Page view").first.click()
    told = page.get_by_label(re.compile("Properties of"))
    for value in (f"{HOST}/straße", "https://suche.example/?q=über uns", "100%C3%9F"):
        expect(told.get_by_text(value, exact=True).first).to_be_visible()
    own.open("/sessions", **WEEK)
    expect(page.get_by_role("row").filter(has_text="ann")).to_contain_text(f"/straße – {TURNED}")
    own.open("/sessions/s-ann")
    for text in ("https://suche.example/?q=über uns", "/straße", TURNED):
        expect(page.get_by_role("main").get_by_text(text, exact=True).first).to_be_visible()
    own.open("/trends", **WEEK, e='{"event":"$pageview"}', breakdown="$current_url")
    own.shows(
        lambda: sorted(row[0] for row in own.cells("Series with their totals")),
        sorted(HOST + path for path in ("/straße", TURNED, BROKEN)),
    )
    page.get_by_role("button", name=f"Only {HOST}/straße").click()
    own.shows(lambda: own.parameters().get("f"), [json.dumps(["$current_url", "exact", HOST + STREET], separators=(",", ":"))])
    own.shows(lambda: [row[1] for row in own.cells("Series with their totals")], ["2"])


def test_what_is_typed_as_it_reads_is_there_as_it_was_sent_and_never_taken_for_it_unasked(own: Visit, api: Api) -> None:
    walks(api)
    page = own.open("/sessions", **WEEK)
    rows = page.get_by_role("rowheader")
    expect(rows).to_have_count(3)
    first = page.get_by_role("combobox", name="First page")
    own.choose(first, "/straße", "as browsers send it")
    expect(rows).to_have_text(["cat", "ann"])
    assert own.parameters()["entry"] == [STREET]
    expect(first).to_have_value("/straße")
    first.press("Tab")
    expect(first).to_have_value("/straße")
    assert own.parameters()["entry"] == [STREET], "to look at it changes nothing"
    first.fill("/straße/")
    first.press("Tab")
    own.shows(lambda: own.parameters()["entry"], ["/straße/"])
    expect(page.get_by_role("heading", name="No session meets this")).to_be_visible()
