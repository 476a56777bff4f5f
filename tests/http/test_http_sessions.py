"""Sessions over HTTP: lists and their filters, one session, its events, a person's sessions."""

import threading
from typing import Any
from urllib.parse import quote

import pytest
from http_rig import DAY, HOUR, MINUTE, NOON, SECOND, Api, event, iso
from recordings_rig import upload
from test_http_persons import ODD_IDS


def sessions(api: Api, path: str = "sessions", **parameters: Any) -> list[dict[str, Any]]:
    """All that the parameters ask for."""
    return api.all_pages(path, **parameters)


def ids(api: Api, path: str = "sessions", **parameters: Any) -> list[str]:
    return [session["id"] for session in sessions(api, path, **parameters)]


def one(api: Api, session_id: str, rest: str = "", **parameters: Any) -> Any:
    encoded = quote(session_id, safe="").replace(".", "%2E")
    answer = api.http.get(api.path(f"sessions/{encoded}{rest}"), params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def view(session: str, at: float, url: str = "https://x.io/", /, **fields: Any) -> dict[str, Any]:
    properties = {"$current_url": url, **fields.pop("properties", {})}
    return event("$pageview", fields.pop("person", "ann"), at, sessionId=session, properties=properties, **fields)


def test_a_session_is_what_its_events_say(api: Api) -> None:
    laptop = {"$country": "DE", "$device_type": "Desktop", "$browser": "Firefox", "$os": "Linux"}
    api.send(
        event(
            "load",
            "a-1",
            NOON,
            sessionId="s-1",
            properties={"$current_url": "https://x.io/loading", "$referrer": "https://s.io/"},
        ),
        view("s-1", NOON + 1, "https://x.io/start?q=1", person="a-1", properties={**laptop, "$referrer": "https://x.io/"}),
        event("$identify", "a-1", NOON + MINUTE, sessionId="s-1", userId="ann"),
        view("s-1", NOON + 90 * SECOND, "https://x.io/end", person="a-1", properties={"$country": "FR", "$browser": "Safari"}),
        event("$pageleave", "a-1", NOON + 90 * SECOND + 250, sessionId="s-1", properties={"$current_url": "https://x.io/leave"}),
    )
    assert one(api, "s-1") == {
        "id": "s-1", "distinct_id": "ann", "started_at": iso(NOON), "ended_at": iso(NOON + 90 * SECOND + 250), "duration": 90.25,
        "event_count": 5, "pageview_count": 2, "is_bounce": False, "entry_url": "https://x.io/start?q=1", "exit_url": "https://x.io/end",
        "referrer": "https://s.io/", "country": "DE", "device_type": "Desktop", "browser": "Firefox", "os": "Linux",
        "has_recording": False,
    }  # fmt: skip
    assert sessions(api) == [one(api, "s-1")]
    assert sessions(api, "persons/ann/sessions") == sessions(api, "persons/a-1/sessions") == [one(api, "s-1")]


def test_a_bounce_is_one_pageview_and_nothing_that_somebody_did(api: Api) -> None:
    api.send(
        view("bounce", NOON),
        event("$pageleave", "ann", NOON, sessionId="bounce"),
        event("$identify", "ann", NOON, sessionId="bounce"),
    )
    api.send(view("two", NOON - 1), view("two", NOON))
    api.send(view("click", NOON - 2), event("click", "ann", NOON, sessionId="click"))
    api.send(event("$pageleave", "ann", NOON - 3, sessionId="no view"))
    assert ids(api, is_bounce="true") == ["bounce"]
    assert ids(api, is_bounce="false") == ["two", "click", "no view"]


def test_events_without_a_session_make_derived_ones_that_late_events_correct(api: Api) -> None:
    api.send(
        event("a", "ann", NOON),
        event("b", "ann", NOON + 30 * MINUTE),
        event("c", "ann", NOON + 70 * MINUTE),
        event("d", "bob", NOON + 1),
    )
    named = {found["event"]: found["session_id"] for found in api.listed()}
    assert ids(api) == [named["c"], named["d"], named["a"]]
    assert named["a"] == named["b"]
    assert one(api, named["a"])["duration"] == 1800
    assert [found["event"] for found in one(api, named["a"], "/events")["data"]] == ["b", "a"]
    api.send(event("joins", "ann", NOON + 50 * MINUTE), event("first", "ann", NOON - 10 * MINUTE))
    named = {found["event"]: found["session_id"] for found in api.listed()}
    assert ids(api) == [named["d"], named["c"]]
    assert one(api, named["c"])["started_at"] == iso(NOON - 10 * MINUTE)
    assert [found["event"] for found in one(api, named["c"], "/events")["data"]] == ["c", "joins", "b", "a", "first"]
    assert api.http.get(api.path(f"sessions/{named['a'].rsplit('-', 1)[0]}-{NOON}")).status_code == 404


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_an_id_may_have_any_character(api: Api, session_id: str) -> None:
    api.send(view(session_id, NOON), event("buy", "ann", NOON + MINUTE, sessionId=session_id), view("other", NOON))
    assert one(api, session_id)["id"] == session_id
    assert [found["event"] for found in one(api, session_id, "/events")["data"]] == ["buy", "$pageview"]


def test_each_filter_gives_exactly_the_sessions_that_it_means(api: Api) -> None:
    def seen(country: str, device: str, browser: str) -> dict[str, Any]:
        return {"$country": country, "$device_type": device, "$browser": browser}

    api.send(view("a", NOON, "https://x.io/p/?q=1", properties=seen("DE", "Mobile", "Safari")))
    api.send(view("b", NOON + DAY, "https://x.io/p#top", properties=seen("DE", "Desktop", "Firefox"), person="bob"))
    api.send(view("c", NOON + 2 * DAY, "https://x.io/", properties=seen("FR", "Mobile", "Firefox")))
    api.send(event("tick", "ann", NOON + DAY + 5500, sessionId="b"), event("tick", "bob", NOON + 2 * DAY + HOUR, sessionId="c"))
    assert ids(api) == ids(api, limit=1) == ["c", "b", "a"]
    assert ids(api, country="DE") == ["b", "a"]
    assert ids(api, country="de") == []
    assert ids(api, device_type="Mobile") == ["c", "a"]
    assert ids(api, browser="Firefox", limit=1) == ["c", "b"]
    assert ids(api, entry_url="/p") == ids(api, entry_url="/p/") == ids(api, entry_url="/p/#x") == ["b", "a"]
    assert ids(api, entry_url="https://x.io/p/?q=1") == ["a"]
    assert ids(api, entry_url="https://x.io/p") == []
    assert ids(api, entry_url="/") == ["c"]
    assert ids(api, distinct_id="ann") == ["c", "b", "a"]
    assert ids(api, distinct_id="bob") == ids(api, "persons/bob/sessions") == ["c", "b"]
    assert ids(api, distinct_id="nobody") == []
    assert ids(api, min_duration=0, max_duration=0) == ["a"]
    assert ids(api, min_duration="5.5", limit=1) == ["c", "b"]
    assert ids(api, min_duration="5.5005") == ["c"]
    assert ids(api, max_duration="5.5") == ["b", "a"]
    assert ids(api, max_duration="5.4999") == ["a"]
    assert ids(api, min_duration="1e0", max_duration=3600) == ["c", "b"]
    assert ids(api, date_from=iso(NOON + DAY)) == ["c", "b"]
    assert ids(api, date_to=iso(NOON + DAY)) == ["a"]
    assert ids(api, date_from="2025-06-16", date_to="2025-06-16") == ["b"]
    assert ids(
        api, country="DE", device_type="Desktop", browser="Firefox", entry_url="/p", is_bounce="false", min_duration=5
    ) == ["b"]
    assert ids(api, "persons/ann/sessions", country="FR", max_duration=1) == []
    assert {person["distinct_id"]: person["session_count"] for person in api.http.get(api.path("persons")).json()["data"]} == {
        "ann": 3,
        "bob": 2,
    }


def test_sessions_that_start_at_one_moment_are_each_listed_once(api: Api) -> None:
    api.send(*(view(f"s{nth}", NOON) for nth in range(25)), *(event("x", f"p{nth}", NOON) for nth in range(25)))
    found = ids(api, limit=7)
    assert len(found) == len(set(found)) == 50
    assert found == ids(api)


def test_a_sessions_events_are_listed_with_the_filters_of_events(api: Api) -> None:
    api.send(
        *(event(f"e{nth}", "ann", NOON + nth, sessionId="s", properties={"n": nth}) for nth in range(6)),
        event("e9", "ann", NOON + 3),
    )
    page = one(api, "s", "/events", limit=4)
    assert [found["event"] for found in page["data"]] == ["e5", "e4", "e3", "e2"]
    rest = one(api, "s", "/events", limit=4, cursor=page["meta"]["next_cursor"])
    assert [found["event"] for found in rest["data"]] == ["e1", "e0"]
    found = one(api, "s", "/events", filters='[{"property": "n", "operator": "gte", "value": 4}]', event="e4", distinct_id="ann")
    assert [each["event"] for each in found["data"]] == ["e4"]
    assert one(api, "s", "/events", date_from=iso(NOON + DAY))["data"] == []


def test_a_session_with_a_recording_says_so(api: Api) -> None:
    upload(api, b"[]")
    api.send(view("s-1", NOON), view("s-2", NOON + 1))
    assert {session["id"]: session["has_recording"] for session in sessions(api)} == {"s-1": True, "s-2": False}
    assert one(api, "s-1")["has_recording"]


def test_an_empty_project_has_no_sessions(api: Api) -> None:
    assert sessions(api) == []


def test_a_session_that_moves_while_somebody_pages_is_shown_once_where_it_was(api: Api) -> None:
    api.send(*(view(f"s{nth}", NOON + nth * HOUR) for nth in range(6)))
    first = api.http.get(api.path("sessions"), params={"limit": 2}).json()
    assert [session["id"] for session in first["data"]] == ["s5", "s4"]
    api.send(view("s5", NOON - DAY), view("s3", NOON - DAY), view("new", NOON - DAY))
    assert ids(api, limit=2, cursor=first["meta"]["next_cursor"]) == ["s3", "s2", "s1", "s0", "new"]
    api.send(view("s3", NOON - 2 * DAY), view("new", NOON - 2 * DAY))
    assert ids(api, limit=2, cursor=first["meta"]["next_cursor"]) == ["s3", "s2", "s1", "s0", "new"]
    assert ids(api) == ["s4", "s2", "s1", "s0", "s5", "s3", "new"] or ids(api) == ["s4", "s2", "s1", "s0", "s5", "new", "s3"]


def test_everything_there_at_page_one_is_seen_once_while_four_writers_add_events(api: Api) -> None:
    """Among them late ones, which let sessions begin earlier: clients' and derived ones, some of which they join."""
    api.send(*(view(f"s{nth}", NOON + nth * SECOND) for nth in range(200)))
    api.send(*(event("x", f"p{nth}", NOON + nth * SECOND) for nth in range(200)))
    there = {(session["id"], session["distinct_id"]) for session in sessions(api, limit=1000)}
    is_over = threading.Event()
    refused: list[str] = []

    def write(writer: int) -> None:
        for nth in range(100):
            if is_over.is_set():
                return
            late = NOON - (nth + 1) * MINUTE
            sent = [
                view(f"s{(nth * 7 + writer) % 200}", late), event("x", f"p{(nth * 11 + writer) % 200}", NOON - 20 * MINUTE + writer),
                view(f"new-{writer}-{nth}", NOON + nth * SECOND), view(f"new-{writer}-{nth // 2}", late),
            ]  # fmt: skip
            answer = api.post_events(sent)
            if answer.status_code != 202:
                refused.append(answer.text)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    try:
        seen = [
            session["id"] if session["id"].startswith(("s", "new")) else session["distinct_id"]
            for session in sessions(api, limit=7)
        ]
    finally:
        is_over.set()
        for writer in writers:
            writer.join()
    assert refused == []
    assert len(seen) == len(set(seen))
    assert {name if name.startswith("s") else person for name, person in there} <= set(seen)
    assert sum(session["event_count"] for session in sessions(api, limit=1000)) == len(api.listed())
