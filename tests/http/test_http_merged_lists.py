"""Lists of a project of merged identity that are paged through while events come in, and with them logins that make one person of two."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import MINUTE, NOON, SECOND, Api, event, running


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder: Path = tmp_path_factory.mktemp("merged") / "data"
    with running("dev", "--data", str(folder)) as server, Api(server) as api:
        yield api
        assert api.failures == []


@pytest.fixture
def api(merged: Api) -> Api:
    merged.reset()
    answer = merged.http.patch("/api/v1/projects/dev", json={"settings": {"identity": "merged"}})
    assert answer.status_code == 200, answer.text
    return merged


def act(name: str, at: float, anonymous: str | None = None, user: str | None = None, **fields: Any) -> dict[str, Any]:
    return event(name, "", at, anonymousId=anonymous or ..., userId=user or ..., **fields)


def pages(api: Api, path: str, limit: int, between: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
    """Every item, page by page. between: called before each further page."""
    cursor: dict[str, str] = {}
    while True:
        answer = api.http.get(api.path(path), params={"limit": limit, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield from page["data"]
        if not page["meta"]["has_more"]:
            return
        cursor = {"cursor": page["meta"]["next_cursor"]}
        between()


def names(api: Api, between: Callable[[], None] = lambda: None, limit: int = 2) -> list[str]:
    return [person["distinct_id"] for person in pages(api, "persons", limit, between)]


class Once:
    """Does something the first time that it is called."""

    def __init__(self, *events: dict[str, Any], api: Api) -> None:
        self._events = list(events)
        self._api = api

    def __call__(self) -> None:
        if self._events:
            self._api.send(*self._events)
            self._events = []


def test_a_visitor_who_logs_in_for_the_first_time_is_seen_where_the_visitor_was(api: Api) -> None:
    api.send(*(act("view", NOON, f"device-{nth}") for nth in range(7)))
    there = names(api)
    login = Once(
        act("login", NOON + 1, there[4], "ann"), act("login", NOON + 1, there[5], "ann"), act("view", NOON, "new"), api=api
    )
    assert names(api, login) == [*there[:4], "ann", there[6]]
    assert sorted(names(api)) == sorted(["ann", "new", *there[:4], there[6]])


def test_of_a_new_users_ids_that_were_there_none_is_missed_and_none_shown_again(api: Api) -> None:
    """Whether they come to belong to the user at one time or at several, before they were shown or after."""
    for first, second, expected in (
        (1, 5, [0, 1, 2, 3, 4, 6, 7]), (5, 1, [0, 1, 2, 3, 4, 6, 7]), (0, 1, [0, 1, 2, 3, 4, 5, 6, 7]), (4, 5, [0, 1, 2, 3, "ann", 6, 7]),
        (5, 7, [0, 1, 2, 3, 4, "ann", 6]), (7, 6, [0, 1, 2, 3, 4, 5, "ann"]),
    ):  # fmt: skip
        api.reset()
        api.http.patch("/api/v1/projects/dev", json={"settings": {"identity": "merged"}}).raise_for_status()
        api.send(*(act("view", NOON, f"device-{nth}") for nth in range(8)))
        there = names(api)
        logins = [Once(act("login", NOON + 1, there[each], "ann"), api=api) for each in (first, second)]
        seen = names(api, lambda logins=logins: logins.pop(0)() if logins else None)
        assert seen == [there[each] if isinstance(each, int) else each for each in expected], (first, second)


def test_a_filter_is_about_who_stands_in_an_ids_place(api: Api) -> None:
    german, french = {"$country": "DE"}, {"$country": "FR"}
    api.send(*(act("view", NOON, f"device-{nth}", properties=german) for nth in range(6)))
    login = [
        act("login", NOON + 1, "device-0", "ann", properties=french),
        act("login", NOON + 1, "device-1", "bob", properties=german),
    ]
    for asked, shown in (
        ({}, ["device-2", "bob", "ann"]), ({"country": "DE"}, ["device-2", "bob"]), ({"country": "FR"}, ["ann"]),
        ({"search": "ann"}, ["ann"]), ({"search": "bo"}, ["bob"]), ({"search": "device-0"}, ["ann"]), ({"has_user_id": "true"}, ["bob", "ann"]),
    ):  # fmt: skip
        first = api.http.get(api.path("persons"), params={"limit": 3}).json()
        if login:
            api.send(*login)
            login = []
            cursor = first["meta"]["next_cursor"]
        answer = api.http.get(api.path("persons"), params={"limit": 10, "cursor": cursor, **asked}).json()
        assert [person["distinct_id"] for person in answer["data"]] == shown, asked
        assert answer["meta"] == {"next_cursor": None, "has_more": False}


def test_an_identity_that_is_merged_no_more_takes_the_same_cursor(api: Api) -> None:
    api.send(*(act("view", NOON, f"device-{nth}") for nth in range(6)))
    there = names(api)
    cursor = api.http.get(api.path("persons"), params={"limit": 2}).json()["meta"]["next_cursor"]
    for identity in ("forward", "merged"):
        api.http.patch("/api/v1/projects/dev", json={"settings": {"identity": identity}}).raise_for_status()
        answer = api.http.get(api.path("persons"), params={"cursor": cursor}).json()
        assert [person["distinct_id"] for person in answer["data"]] == there[2:]


DEVICES = 240


def test_everything_there_at_page_one_is_seen_once_while_four_writers_add_events_and_logins(api: Api) -> None:
    """Each list is read to its end meanwhile. Devices come to belong to users who were there, to new ones, and two to one new one."""
    for start in range(0, DEVICES, 60):
        devices = range(start, start + 60)
        api.send(*(act("view", NOON + nth * SECOND, f"d{nth}", sessionId=f"s{nth}") for nth in devices))
    api.send(*(act("buy", NOON + nth, None, f"u{nth}", sessionId=f"us{nth}") for nth in range(20)))
    lists = ("persons", "sessions", "events")
    there = {path: {name_in(path, item) for item in pages(api, path, 1000)} for path in lists}
    is_over = threading.Event()
    refused: list[str] = []

    def write(writer: int) -> None:
        for nth in range(DEVICES // 4):
            if is_over.is_set():
                return
            device = (nth * 4 + writer) * 7 % DEVICES  # each once: a device of two users is another story
            user = f"u{nth % 20}" if nth % 3 == 0 else f"n{writer}-{nth - nth % 3}"
            answer = api.post_events(
                [
                    act("login", NOON + MINUTE, f"d{device}", user, sessionId=f"s{device}"),
                    act("view", NOON - nth * MINUTE, f"d{(device * 11) % DEVICES}", sessionId=f"s{(device * 13) % DEVICES}"),
                    act("view", NOON + nth, f"new-{writer}-{nth}", sessionId=f"new-{writer}-{nth}"),
                ]
            )
            if answer.status_code != 202:
                refused.append(answer.text)

    seen: dict[str, list[str]] = {}

    def read(path: str) -> None:
        seen[path] = [name_in(path, item) for item in pages(api, path, 13)]

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    readers = [threading.Thread(target=read, args=(path,)) for path in lists]
    for thread in (*writers, *readers):
        thread.start()
    for thread in readers:
        thread.join()
    is_over.set()
    for thread in writers:
        thread.join()
    assert refused == []
    for path in lists:
        assert len(seen[path]) == len(set(seen[path])), path
    assert there["sessions"] <= set(seen["sessions"])
    assert there["events"] <= set(seen["events"])
    missing = {owner(api, name) for name in there["persons"] - set(seen["persons"])} - set(seen["persons"])
    if missing:  # who was seen under the name of a device, and logged in right then
        assert missing <= {owner(api, name) for name in seen["persons"]}


def name_in(path: str, item: dict[str, Any]) -> str:
    return str(item["distinct_id" if path == "persons" else "id"])


def owner(api: Api, distinct_id: str) -> str:
    """Whose the id is by now."""
    answer = api.http.get(api.path(f"persons/{distinct_id}"))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["distinct_id"])
