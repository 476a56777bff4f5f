"""The list of events as a list: its order, its pages, its cursors, and paging while events arrive."""

import base64
import json
import re
import threading
import time
from typing import Any

import pytest
from bad_input import error_of
from http_rig import HOUR, NOON, SECOND, Api, event


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [found["properties"]["n"] for found in events]


def numbered(count: int, *, step_ms: int = SECOND) -> list[dict[str, Any]]:
    return [event("view", f"p{number % 7}", NOON + number * step_ms, properties={"n": number}) for number in range(count)]


def test_a_project_without_events_has_an_empty_list(api: Api) -> None:
    assert api.page() == {"data": [], "meta": {"next_cursor": None, "has_more": False}}


def test_the_newest_event_comes_first_whatever_the_order_of_arrival(api: Api) -> None:
    events = numbered(30)
    for start in (10, 0, 20):
        api.send(*events[start : start + 10][::-1])
    assert numbers(api.listed()) == list(reversed(range(30)))


def test_events_of_one_millisecond_are_in_an_order_that_stays(api: Api) -> None:
    for start in range(0, 60, 20):
        api.send(*numbered(60, step_ms=0)[start : start + 20])
    whole = numbers(api.listed())
    assert sorted(whole) == list(range(60))
    assert numbers(api.listed(limit=7)) == whole


def test_a_page_holds_a_hundred_unless_told_otherwise(api: Api) -> None:
    api.send(*numbered(101))
    assert len(api.page()["data"]) == 100
    assert len(api.page(limit=1)["data"]) == 1
    assert len(api.page(limit=1000)["data"]) == 101
    assert api.page(limit=101)["meta"] == {"next_cursor": None, "has_more": False}
    assert api.page(limit=100)["meta"]["has_more"]


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11])
def test_pages_of_any_size_hold_every_event_once(api: Api, limit: int) -> None:
    api.send(*numbered(10))
    assert numbers(api.listed(limit=limit)) == list(reversed(range(10)))


def test_the_cursor_is_url_safe_base64_of_json_whose_first_key_is_ts(api: Api) -> None:
    api.send(*numbered(5))
    page = api.page(limit=2)
    cursor = page["meta"]["next_cursor"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert cursor.startswith("eyJ0cyI6")
    inner = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert next(iter(inner)) == "ts"
    assert inner["ts"] == NOON + 3 * SECOND


@pytest.mark.parametrize("place", range(0, 90, 6))
def test_a_cursor_that_was_tampered_with_is_refused_or_only_moves(api: Api, place: int) -> None:
    api.send(*numbered(5))
    cursor = api.page(limit=2)["meta"]["next_cursor"]
    place %= len(cursor)
    changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
    answer = api.http.get(api.path("events"), params={"cursor": changed})
    if answer.status_code != 200:
        assert "cursor" in error_of(answer, 400)["error"]
    for bad in (cursor[:-1], cursor + "x", cursor + "=", cursor + "==", cursor.lower()):
        assert "cursor" in error_of(api.http.get(api.path("events"), params={"cursor": bad}), 400)["error"]


def test_a_cursor_goes_on_under_another_limit_and_with_its_filters(api: Api) -> None:
    api.send(*numbered(50))
    asked: dict[str, Any] = {"filters": [{"property": "n", "operator": "gte", "value": 20}]}
    first = api.page(limit=10, **asked)
    rest = api.page(limit=100, cursor=first["meta"]["next_cursor"], **asked)
    assert numbers(first["data"] + rest["data"]) == list(range(49, 19, -1))
    assert not rest["meta"]["has_more"]


def test_pages_show_what_was_there_at_page_one_once_each_while_events_arrive(api: Api) -> None:
    before = numbered(600, step_ms=100)
    api.send(*before)
    is_done = threading.Event()
    sent = [0] * 4

    def write(writer: int) -> None:
        while not is_done.is_set():
            at = NOON + (sent[writer] * 37 % 600) * 100 + (0 if writer % 2 else HOUR)
            api.send(*[event("new", f"w{writer} {sent[writer]}", at, properties={"n": -1 - place}) for place in range(5)])
            sent[writer] += 5
            time.sleep(0.03)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    seen: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    try:
        while True:
            page = api.page(limit=60, **cursor)
            seen += page["data"]
            assert len(page["data"]) <= 60
            if not page["meta"]["has_more"]:
                break
            cursor = {"cursor": page["meta"]["next_cursor"]}
    finally:
        is_done.set()
        for writer in writers:
            writer.join()
    assert len({found["id"] for found in seen}) == len(seen)
    assert sorted(number for number in numbers(seen) if number >= 0) == list(range(600))
    assert [found["timestamp"] for found in seen] == sorted((found["timestamp"] for found in seen), reverse=True)
    assert len(api.listed()) == 600 + sum(sent) > 600
