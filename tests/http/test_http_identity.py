"""Merged identity over the wire: a project's setting, which can be taken back, and read one's own writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from http_rig import HOUR, NOON, Api, event, iso, running

from sv.meta.db import Meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects

JUNE = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
STEPS = [{"event": "view"}, {"event": "buy"}]


@dataclass(frozen=True)
class Shop:
    """A server whose project's identity can be set, from outside as `sv project` does."""

    api: Api
    folder: Path

    def set_identity(self, identity: str) -> None:
        meta = Meta.open(self.folder / "sv.db")
        try:
            Projects(meta, ProjectTokens(meta)).update("dev", settings=f'{{"identity": "{identity}"}}'.encode())
        finally:
            meta.close()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("identity") / "data"
    with running("dev", "--data", str(folder)) as server, Api(server) as api:
        yield Shop(api, folder)
        assert api.failures == []


@pytest.fixture
def shop(opened: Shop) -> Shop:
    opened.api.reset()
    opened.set_identity("merged")
    return opened


def act(name: str, at: int, anonymous: str | None = None, user: str | None = None) -> dict[str, Any]:
    return event(name, "", at, anonymousId=anonymous or ..., userId=user or ...)


def visit(api: Api) -> None:
    """Somebody looks around, signs up, comes back on the same device without logging in, and buys on another device."""
    api.send(act("view", NOON, "a-1"), act("signup", NOON + HOUR, "a-1", "ann"), act("view", NOON + 2 * HOUR, "a-1"))
    api.send(act("buy", NOON + 3 * HOUR, None, "ann"))


def test_a_persons_sessions_are_those_of_all_their_ids_each_once(shop: Shop) -> None:
    own = (
        (act("view", NOON, "a-1"), "before"), (act("view", NOON + 1, "a-1"), "both"), (act("signup", NOON + 2, "a-1", "ann"), "both"),
        (act("buy", NOON + 3, None, "ann"), "after"), (act("view", NOON + 4, "b-1"), "other"),
    )  # fmt: skip
    shop.api.send(*({**each, "sessionId": name} for each, name in own))

    def listed(path: str, **parameters: Any) -> list[tuple[str, str]]:
        answer = shop.api.http.get(shop.api.path(path), params=parameters).json()
        return [(session["id"], session["distinct_id"]) for session in answer["data"]]

    anns = [("after", "ann"), ("both", "ann"), ("before", "ann")]
    assert listed("sessions") == [("other", "b-1"), *anns]
    for name in ("ann", "a-1"):
        assert listed("sessions", distinct_id=name) == listed(f"persons/{name}/sessions") == anns
        assert shop.api.http.get(shop.api.path(f"persons/{name}")).json()["session_count"] == 3
    assert listed("sessions", distinct_id="ann", limit=2) == anns[:2]
    assert shop.api.http.get(shop.api.path("sessions/before")).json()["distinct_id"] == "ann"
    shop.set_identity("forward")
    assert listed("persons/a-1/sessions") == [("both", "ann"), ("before", "a-1")]
    assert listed("persons/ann/sessions") == anns[:2]


def told(api: Api) -> dict[str, Any]:
    """What lists and insights say of who it was."""
    measured = [{"name": "view", "math": "unique_persons"}, {"name": "buy", "math": "unique_persons"}]
    listed = api.listed()
    return {
        "events": [(each["event"], each["distinct_id"], each["anonymous_id"], each["user_id"]) for each in listed],
        "of ann": [each["event"] for each in api.listed(distinct_id="ann")],
        "of a-1": [each["event"] for each in api.listed(distinct_id="a-1")],
        "one": [api.http.get(api.path(f"events/{each['id']}")).json()["distinct_id"] for each in listed],
        "persons": api.trends(events=measured, **JUNE)["series"][0]["total"],
        "funnel": [step["count"] for step in api.funnel(steps=STEPS, **JUNE)["steps"]],
        "people": [(person["distinct_id"], person["event_count"], person["last_seen"]) for person in people_of(api)],
        "by any id": [api.http.get(api.path(f"persons/{name}")).json()["event_count"] for name in ("ann", "a-1")],
        "who": [person["distinct_id"] for person in who(api, step=2, outcome="converted")],
    }


def people_of(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    answer = api.http.get(api.path("persons"), params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def who(api: Api, **body: Any) -> list[dict[str, Any]]:
    answer = api.http.post(api.path("insights/funnel/persons"), json={"steps": STEPS, **JUNE, **body})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


FORWARD = {
    "events": [
        ("buy", "ann", None, "ann"),
        ("view", "a-1", "a-1", None),
        ("signup", "ann", "a-1", "ann"),
        ("view", "a-1", "a-1", None),
    ],
    "of ann": ["buy", "signup"],
    "of a-1": ["view", "view"],
    "one": ["ann", "a-1", "ann", "a-1"],
    "persons": 1,
    "funnel": [1, 0],
    "people": [("ann", 2, iso(NOON + 3 * HOUR)), ("a-1", 2, iso(NOON + 2 * HOUR))],
    "by any id": [2, 2],
    "who": [],
}
MERGED = {
    "events": [
        ("buy", "ann", None, "ann"),
        ("view", "ann", "a-1", None),
        ("signup", "ann", "a-1", "ann"),
        ("view", "ann", "a-1", None),
    ],
    "of ann": ["buy", "view", "signup", "view"],
    "of a-1": ["buy", "view", "signup", "view"],
    "one": ["ann"] * 4,
    "persons": 1,
    "funnel": [1, 1],
    "people": [("ann", 4, iso(NOON + 3 * HOUR))],
    "by any id": [4, 4],
    "who": ["ann"],
}


def test_what_an_anonymous_id_did_is_its_users_before_and_after(shop: Shop) -> None:
    visit(shop.api)
    assert told(shop.api) == MERGED


def test_the_setting_can_be_switched_back_and_forth(shop: Shop) -> None:
    visit(shop.api)
    shop.set_identity("forward")
    assert told(shop.api) == FORWARD
    shop.set_identity("merged")
    assert told(shop.api) == MERGED
    shop.set_identity("forward")
    assert told(shop.api) == FORWARD


def test_each_login_is_known_to_the_very_next_question(shop: Shop) -> None:
    for number in range(30):
        device, user = f"device {number}", f"user {number}"
        shop.api.send(act("view", NOON + number, device))
        shop.api.send(act("buy", NOON + HOUR + number, device, user))
        assert [step["count"] for step in shop.api.funnel(steps=STEPS, **JUNE)["steps"]] == [number + 1, number + 1]
        assert [each["event"] for each in shop.api.listed(distinct_id=user)] == ["buy", "view"]


def test_two_users_of_one_device_are_never_joined(shop: Shop) -> None:
    shop.api.send(act("view", NOON, "device"), act("view", NOON + 1, "device", "ann"), act("buy", NOON + 2, "device", "bob"))
    assert [each["distinct_id"] for each in shop.api.listed()] == ["bob", "ann", "ann"]
    assert [step["count"] for step in shop.api.funnel(steps=STEPS, **JUNE)["steps"]] == [1, 0]
    shop.api.send(act("view", NOON + 3, "ann", "bob"), act("view", NOON + 4, "ann"))
    assert [each["distinct_id"] for each in shop.api.listed()] == ["ann", "bob", "bob", "ann", "ann"]


def test_a_funnels_persons_are_shown_with_all_that_they_did(shop: Shop) -> None:
    visit(shop.api)
    assert who(shop.api, step=2, outcome="converted") == people_of(shop.api)


def test_merged_persons_are_paged_and_filtered_as_one_person_each(shop: Shop) -> None:
    for number in range(7):
        device, user = f"device {number}", f"user {number}"
        shop.api.send(act("view", NOON, device) | {"properties": {"$browser": "Firefox", "$set": {"plan": "free", "team": "a"}}})
        shop.api.send(act("buy", NOON + HOUR, device, user) | {"properties": {"$browser": "Chrome", "$set": {"plan": "pro"}}})
    first = shop.api.http.get(shop.api.path("persons"), params={"limit": 5}).json()
    rest = shop.api.http.get(shop.api.path("persons"), params={"limit": 5, "cursor": first["meta"]["next_cursor"]}).json()
    assert [each["distinct_id"] for each in first["data"] + rest["data"]] == [f"user {number}" for number in reversed(range(7))]
    assert (first["meta"]["has_more"], rest["meta"]["has_more"]) == (True, False)
    assert first["data"][0]["properties"] == {"plan": "pro", "team": "a"}
    assert [len(people_of(shop.api, browser=name)) for name in ("Firefox", "Chrome")] == [0, 7]
    assert [each["distinct_id"] for each in people_of(shop.api, search="device 3")] == ["user 3"]
    assert people_of(shop.api, has_user_id="false") == []


def test_a_persons_own_list_of_events_has_those_of_all_ids(shop: Shop) -> None:
    visit(shop.api)
    for distinct_id in ("ann", "a-1"):
        answer = shop.api.http.get(shop.api.path(f"persons/{distinct_id}/events"))
        assert [each["event"] for each in answer.json()["data"]] == ["buy", "view", "signup", "view"]
