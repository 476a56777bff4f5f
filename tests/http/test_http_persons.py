"""Persons over HTTP: lists and their filters, one person, a person's events."""

import threading
from typing import Any
from urllib.parse import quote

import pytest
from http_rig import DAY, HOUR, MINUTE, NOON, Api, event, iso

ODD_IDS = (
    "a/b",
    "/",
    "..",
    ".",
    "a%2Fb",
    "%",
    "a b+c",
    "?q=1&r",
    "#x",
    "line\nbreak",
    "🙂",
    "Ünï",
    "a\\b",
    '"quoted"',
    "x" * 200,
    "\u202eabc",
)


def persons(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    """Everybody that the parameters ask for."""
    return api.all_pages("persons", **parameters)


def ids(api: Api, **parameters: Any) -> list[str]:
    return [person["distinct_id"] for person in persons(api, **parameters)]


def one(api: Api, distinct_id: str, rest: str = "", **parameters: Any) -> Any:
    encoded = quote(distinct_id, safe="").replace(".", "%2E")  # clients take dots between slashes for a way up
    answer = api.http.get(api.path(f"persons/{encoded}{rest}"), params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_person_is_what_the_events_say(api: Api) -> None:
    phone = {"$device_type": "Mobile", "$browser": "Safari", "$country": "FR"}
    api.send(
        event("view", ..., NOON, userId="ann", properties={"$set_once": {"plan": "free", "via": "ad"}, "$browser": "Firefox"}),
        event("$identify", "a-1", NOON + HOUR, userId="ann", properties={"email": "ann@x.io", "$lib": "js", **phone}),
        event("buy", ..., NOON - DAY, userId="ann", properties={"$set": {"plan": "pro", "email": "old@x.io"}, "$country": "DE"}),
    )
    assert one(api, "ann") == {
        "distinct_id": "ann", "user_id": "ann", "properties": {"email": "ann@x.io", "plan": "pro", "via": "ad"},
        "first_seen": iso(NOON - DAY), "last_seen": iso(NOON + HOUR), "event_count": 3, "session_count": 3,
        "country": "FR", "device_type": "Mobile", "browser": "Safari",
    }  # fmt: skip
    assert persons(api) == [one(api, "ann")]


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_traits_of_one_time_the_one_taken_in_last_wins_and_of_those_set_once_the_first(api: Api, first: str) -> None:
    second = {"a": "b", "b": "a"}[first]

    def saying(value: str, who: str) -> dict[str, Any]:
        return event("$identify", ..., NOON, userId=who, properties={"t": value, "$set_once": {"once": value}})

    api.send(saying(first, "together"), saying(second, "together"), saying(first, "apart"))
    api.send(saying(second, "apart"))
    api.send(event("e", ..., NOON, userId="apart", properties={"$set": {"both": 1}}))
    api.send(event("$identify", ..., NOON, userId="apart", properties={"both": 2, "$set": {"both": 3}}))
    assert one(api, "together")["properties"] == {"once": first, "t": second}
    assert one(api, "apart")["properties"] == {"once": first, "t": second, "both": 3}


def test_a_traits_value_is_kept_exactly(api: Api) -> None:
    text = '{"n":1.50,"big":9007199254740993,"deep":[{"é":null}],"s":"\\u2028"}'
    body = '{"projectToken":"sv_pub_dev","events":[{"event":"$identify","userId":"ann","timestamp":%d,"properties":{"v":%s}}]}'
    assert api.post_raw((body % (NOON, text)).encode()).status_code == 202
    assert '"v":{"n":1.5,"big":9007199254740993,"deep":[{"é":null}],"s":"\u2028"}' in api.http.get(api.path("persons/ann")).text


def test_persons_that_came_in_one_request_are_listed_newest_first(api: Api) -> None:
    api.send(event("e", "bob", NOON + 9), event("e", "cyd", NOON), event("e", "ann", NOON + 3), event("e", "bob", NOON + 1))
    assert ids(api) == ["ann", "bob", "cyd"]


def test_an_anonymous_person_has_no_user_id(api: Api) -> None:
    api.send(event("view", "a-1"), event("view", "a-1", NOON + MINUTE, userId="ann"))
    assert {person["distinct_id"]: person["user_id"] for person in persons(api)} == {"a-1": None, "ann": "ann"}
    assert ids(api, has_user_id="true") == ["ann"]
    assert ids(api, has_user_id="false") == ["a-1"]


@pytest.mark.parametrize("distinct_id", ODD_IDS)
def test_an_id_may_have_any_character(api: Api, distinct_id: str) -> None:
    api.send(event("view", distinct_id), event("buy", distinct_id, NOON + MINUTE), event("view", "b"))
    assert one(api, distinct_id)["distinct_id"] == distinct_id
    assert [found["event"] for found in one(api, distinct_id, "/events")["data"]] == ["buy", "view"]


def test_each_filter_and_all_at_once_give_exactly_the_persons_that_they_mean(api: Api) -> None:
    def visit(person: str, country: str, device: str, browser: str, **fields: Any) -> dict[str, Any]:
        seen = {"$country": country, "$device_type": device, "$browser": browser}
        return event("$identify", person, NOON, properties={**seen, "email": f"{person}@x.io"}, **fields)

    api.send(visit("a", "DE", "Mobile", "Safari"))
    api.send(visit("b", "DE", "Desktop", "Firefox"))
    api.send(visit("c", "FR", "Mobile", "Firefox"))
    api.send(visit(..., "DE", "Mobile", "Firefox", userId="d"))
    assert ids(api) == ["d", "c", "b", "a"]
    assert ids(api, country="DE") == ["d", "b", "a"]
    assert ids(api, device_type="Mobile") == ["d", "c", "a"]
    assert ids(api, browser="Firefox") == ["d", "c", "b"]
    assert ids(api, country="de") == []
    assert ids(api, country="DE", device_type="Mobile") == ["d", "a"]
    assert ids(api, country="DE", device_type="Mobile", browser="Firefox", has_user_id="true") == ["d"]
    assert ids(api, search="B@X", country="DE") == ["b"]
    assert ids(api, search="@x.io", browser="Firefox", limit=1) == ["d", "c", "b"]
    assert ids(api, search="@", device_type="Desktop") == ["b"]


def test_a_filter_follows_the_latest_event_that_has_a_value(api: Api) -> None:
    api.send(event("view", "ann", NOON, properties={"$country": "DE"}))
    assert ids(api, country="DE") == ["ann"]
    api.send(event("view", "ann", NOON + 1, properties={"$country": "FR"}), event("view", "ann", NOON + 2))
    api.send(event("view", "ann", NOON - 1, properties={"$country": "US"}))
    assert ids(api, country="FR") == ["ann"]
    assert ids(api, country="DE") == ids(api, country="US") == []


def test_a_persons_events_are_listed_with_the_filters_of_events(api: Api) -> None:
    api.send(*(event(f"e{nth}", "ann", NOON + nth * MINUTE, properties={"n": nth}) for nth in range(6)), event("e9", "bob"))
    page = one(api, "ann", "/events", limit=4)
    assert [found["event"] for found in page["data"]] == ["e5", "e4", "e3", "e2"]
    rest = one(api, "ann", "/events", limit=4, cursor=page["meta"]["next_cursor"])
    assert [found["event"] for found in rest["data"]] == ["e1", "e0"]
    assert rest["meta"] == {"next_cursor": None, "has_more": False}
    found = one(api, "ann", "/events", filters='[{"property": "n", "operator": "gte", "value": 4}]', event="e4")
    assert [each["event"] for each in found["data"]] == ["e4"]
    assert one(api, "ann", "/events", date_from=iso(NOON + DAY))["data"] == []
    assert one(api, "ann", "/events", date_to=iso(NOON - DAY))["data"] == []
    assert [each["event"] for each in one(api, "ann", "/events", date_from=iso(NOON + 5 * MINUTE))["data"]] == ["e5"]


def test_an_empty_project_has_no_persons(api: Api) -> None:
    assert persons(api) == []


def test_everybody_there_at_page_one_is_seen_once_while_four_writers_add_events(api: Api) -> None:
    """Writers wait for nobody, but end at some time: what they add has to be paged through too."""
    api.send(*(event("view", f"p{nth}", NOON) for nth in range(400)))
    is_over = threading.Event()
    refused: list[str] = []

    def write(writer: int) -> None:
        for nth in range(150):
            if is_over.is_set():
                return
            known, new = (
                event("view", f"p{(nth * 7 + writer) % 400}", NOON - DAY * nth),
                event("view", f"new-{writer}-{nth}", NOON + nth),
            )
            late = event("$identify", f"p{nth}", NOON - nth, properties={"email": f"{nth}@x.io", "$country": "DE"})
            answer = api.post_events([known, new, late])
            if answer.status_code != 202:
                refused.append(answer.text)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    try:
        seen = ids(api, limit=7)
    finally:
        is_over.set()
        for writer in writers:
            writer.join()
    assert refused == []
    assert len(seen) == len(set(seen))
    assert {f"p{nth}" for nth in range(400)} <= set(seen)
    assert sum(person["event_count"] for person in persons(api, limit=1000)) == len(api.listed())
