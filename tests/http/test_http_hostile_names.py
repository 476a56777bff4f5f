"""Names and values with every character that is something else somewhere are data everywhere: stored, found, counted, paged and given out."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from http_rig import NOON, SECOND, Api

HOSTILE = [
    "'", '"', "`", "\\", "\\\\'", "/", "//", "~", "~0", "~1", "/a/b", "/properties/plan", "$.*", "$", "$$", "$[0]", "$p0", "[0]", "*", "%", "_", "%s",
    "'; drop table buffer_1; --", "' or '1'='1", '") or true or ("', "/* */", "-- x", ";", "null", "true", "0", "-1", "1e9",
    "\u0000", "a\u0000b", "\u0001\u001f", "\r\nSet-Cookie: a=b", "\t", "\u2028", "\u202e txt.exe", "\u200b", "\ufeff", "\U0001f600", "e\u0301",
    "<script>alert(1)</script>", "${7*7}", "{{7*7}}", "../../../etc/passwd", "file:///etc/passwd", "__proto__", "constructor", "#", "?a=b&c", "%00", "%2F",
    "=1+1", "@sum(a1)", "select * from read_csv('/etc/passwd')", "events", "id", "x" * 198, "ü" * 198,
]  # fmt: skip
DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}


def marked(text: str) -> str:
    """With something around it that nobody trims."""
    return f"e{text}!"


def stored(text: str) -> str:
    return text.replace("\u0000", "\ufffd")


def event_of(nth: int) -> dict[str, Any]:
    """The event of a name: it stands in every field that is somebody's text."""
    text = HOSTILE[nth]
    return {
        "event": marked(text),
        "userId": marked(text),
        "anonymousId": f"{nth}",
        "sessionId": marked(text),
        "timestamp": NOON + nth * SECOND,
        "properties": {text: marked(text), "nested": {text: [text]}, "$set": {text: text}},
    }


@pytest.fixture(scope="module")
def hostile(client: Api) -> Iterator[Api]:
    client.reset()
    client.send(*(event_of(nth) for nth in range(len(HOSTILE))))
    yield client
    client.reset()


@pytest.fixture(params=range(len(HOSTILE)), ids=[ascii(text)[1:30].replace("/", "|") for text in HOSTILE])
def nth(request: pytest.FixtureRequest, hostile: Api) -> Iterator[int]:
    number: int = request.param
    yield number
    assert hostile.failures == []
    assert hostile.server.take_faults() == []


def test_an_event_is_kept_and_found_by_its_name_its_property_and_its_value(hostile: Api, nth: int) -> None:
    text, name = HOSTILE[nth], stored(HOSTILE[nth])
    (kept,) = hostile.listed(filters=[{"property": text, "operator": "exact", "value": marked(text)}])
    assert kept["properties"] == {
        name: marked(name),
        "nested": {name: [name]},
        "$set": {name: name},
    }
    assert (kept["event"], kept["distinct_id"], kept["session_id"]) == (
        stored(event_of(nth)["event"]),
        marked(name),
        marked(name),
    )
    for asked in (
        {"filters": [{"property": text, "operator": "is_set"}]},
        {"filters": [{"property": text, "operator": "icontains", "value": marked(text)}]},
        {"properties": {text: marked(text)}},
        {"event": event_of(nth)["event"]},
        {"distinct_id": marked(text)},
    ):
        assert kept in hostile.listed(**asked), asked
    assert len(hostile.listed(filters=[{"property": text, "operator": "is_not_set"}])) == len(HOSTILE) - 1


def test_an_insight_counts_it_breaks_down_by_it_and_follows_it(hostile: Api, nth: int) -> None:
    text, event = HOSTILE[nth], event_of(nth)["event"]
    counted = hostile.trends(events=[{"name": event, "math": "total"}], breakdown=text, **DAY)
    assert [(each["breakdown_value"], each["total"]) for each in counted["series"]] == [(marked(stored(text)), 1)]
    step = {"event": event, "filters": [{"property": text, "operator": "is_set"}]}
    followed = hostile.funnel(steps=[step, {"event": "never"}], breakdown=text, **DAY)
    assert [(each["breakdown_value"], each["steps"][0]["count"]) for each in followed["breakdowns"]] == [
        (marked(stored(text)), 1)
    ]


def test_a_smart_event_means_it(hostile: Api, nth: int) -> None:
    text = HOSTILE[nth]
    rule = {"event": event_of(nth)["event"], "filters": [{"property": text, "operator": "exact", "value": marked(text)}]}
    answer = hostile.http.post(hostile.path("action_definitions/preview"), json={"rules": [rule], **DAY})
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == 1


def test_the_person_and_the_session_are_found_in_lists_by_path_and_by_search(hostile: Api, nth: int) -> None:
    name = stored(HOSTILE[nth])
    who = marked(name)
    person = hostile.http.get(hostile.path(f"persons/{quote(marked(HOSTILE[nth]), safe='')}"))
    assert person.status_code == 200, person.text
    assert (person.json()["distinct_id"], person.json()["properties"]) == (who, {name: name})
    session = hostile.http.get(hostile.path(f"sessions/{quote(marked(HOSTILE[nth]), safe='')}"))
    assert (session.status_code, session.json()["distinct_id"]) == (200, who)
    listed = hostile.http.get(hostile.path("persons"), params={"search": marked(HOSTILE[nth])}).json()["data"]
    assert who in [each["distinct_id"] for each in listed]
    exported = hostile.http.get(hostile.path(f"persons/{quote(marked(HOSTILE[nth]), safe='')}/export"))
    lines = [json.loads(line) for line in exported.text.split("\n") if line]
    assert [line["type"] for line in lines] == ["person", "session", "event", "end"]
    assert lines[2]["properties"]["nested"] == {name: [name]}


def test_pages_of_three_show_every_event_once(hostile: Api) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(0, len(HOSTILE), 3):
        page = hostile.page(limit=3, filters=[{"property": "nested", "operator": "is_set"}], **cursor)
        found += [each["event"] for each in page["data"]]
        cursor = {"cursor": page["meta"]["next_cursor"]}
    assert cursor == {"cursor": None}
    assert found == [stored(event_of(nth)["event"]) for nth in reversed(range(len(HOSTILE)))]


@pytest.mark.parametrize("route", ["persons", "sessions", "event_definitions", "property_definitions"])
def test_pages_of_every_list_show_each_item_once(hostile: Api, route: str) -> None:
    whole = hostile.http.get(hostile.path(route), params={"limit": 1000}).json()["data"]
    found: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"limit": 9}
    while len(found) <= len(whole):
        answer = hostile.http.get(hostile.path(route), params=parameters)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if not answer.json()["meta"]["has_more"]:
            break
        parameters["cursor"] = answer.json()["meta"]["next_cursor"]
    assert found == whole
    names = {each.get("name") or each.get("distinct_id") for each in whole}
    assert len(names) >= len(HOSTILE)


def test_definitions_have_every_name(hostile: Api) -> None:
    names = {
        each["name"] for each in hostile.http.get(hostile.path("property_definitions"), params={"limit": 1000}).json()["data"]
    }
    assert {stored(text) for text in HOSTILE} <= names


def test_an_export_of_all_events_has_each_as_it_is_as_lines_and_as_csv(hostile: Api) -> None:
    expected = {stored(event_of(nth)["event"]): stored(HOSTILE[nth]) for nth in range(len(HOSTILE))}
    lines = hostile.http.get(hostile.path("events/export"), params={"format": "ndjson"}).text
    told = [json.loads(line) for line in lines.split("\n") if line]
    assert {line["event"]: next(iter(line["properties"]["nested"])) for line in told} == expected
    rows = list(
        csv.DictReader(io.StringIO(hostile.http.get(hostile.path("events/export"), params={"format": "csv"}).text, newline=""))
    )
    assert {row["event"]: next(iter(json.loads(row["properties"])["nested"])) for row in rows} == expected
