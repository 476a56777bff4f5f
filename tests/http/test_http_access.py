"""Who may see what: tokens of every kind on every route, and two projects that share all but their credentials."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from bad_input import error_of
from http_rig import DAY, NOON, Api, body_of, event, iso, running, story

from tests import forked

ABSENT = "0198b0aa-0000-7000-8000-000000000000"
ROTATED_WITHIN_S = 5.0
DATES = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "events", None),
    ("GET", f"events/{ABSENT}", None),
    ("GET", "event_definitions", None),
    ("GET", "property_definitions", None),
    ("POST", "insights/trends", {"events": [{"name": "view"}], **DATES}),
    ("POST", "insights/funnel", {"steps": [{"event": "view"}, {"event": "buy"}], **DATES}),
    (
        "POST",
        "insights/funnel/persons",
        {"steps": [{"event": "view"}, {"event": "buy"}], "step": 1, "outcome": "converted", **DATES},
    ),
]


def sv(*arguments: str) -> dict[str, Any]:
    """The first row of what a command of the command line answers."""
    done = forked.run([sys.executable, "-m", "sv", *arguments, "--json"], check=True, text=True)
    row: dict[str, Any] = json.loads(done.stdout)[0]
    return row


@dataclass(frozen=True)
class World:
    """A server with two projects. The second is in Berlin."""

    data: str
    dev: Api
    other: Api
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = str(tmp_path_factory.mktemp("world") / "data")
    with running("dev", "--data", data) as server:
        other = sv("project", "create", "Other", "--timezone", "Europe/Berlin", "--data", data)
        asked = {
            "dev's reader": ("--project", "dev", "--scope", "read"),
            "other's reader": ("--project", other["id"], "--scope", "read"),
            "dev's writer": ("--project", "dev", "--scope", "write"),
            "everybody's reader": ("--scope", "read"),
        }
        tokens = {name: sv("token", "create", name, *options, "--data", data)["token"] for name, options in asked.items()}
        with Api(server) as dev, Api(server, other["id"], tokens["other's reader"], other["project_token"]) as others:
            yield World(data, dev, others, tokens)
            assert dev.failures + others.failures == []


def ask(world: World, token: str, method: str, rest: str, body: dict[str, Any] | None, project: str = "dev") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return world.dev.http.request(method, f"/api/v1/projects/{project}/{rest}", json=body, headers=headers)


def is_let_in(answer: httpx.Response) -> bool:
    """Known and allowed: found, or not there."""
    if answer.status_code == 404:
        assert ABSENT in error_of(answer, 404)["error"]
        return True
    return answer.status_code == 200


@pytest.mark.parametrize(("method", "rest", "body"), ROUTES)
def test_a_token_of_one_project_opens_that_project_alone(
    world: World, method: str, rest: str, body: dict[str, Any] | None
) -> None:
    reader, others = world.tokens["dev's reader"], world.tokens["other's reader"]
    assert is_let_in(ask(world, reader, method, rest, body))
    assert is_let_in(ask(world, others, method, rest, body, world.other.project))
    refusals = [
        error_of(ask(world, reader, method, rest, body, world.other.project), 403),
        error_of(ask(world, reader, method, rest, body, "nothing"), 403),
        error_of(ask(world, others, method, rest, body), 403),
    ]
    assert len({refusal["error"].replace(world.other.project, "P").replace("nothing", "P") for refusal in refusals[:2]}) == 1
    for project in ("dev", world.other.project):
        assert is_let_in(ask(world, world.tokens["everybody's reader"], method, rest, body, project))
    error_of(ask(world, world.tokens["everybody's reader"], method, rest, body, "nothing"), 404)


@pytest.mark.parametrize(("method", "rest", "body"), ROUTES)
def test_who_may_write_may_read(world: World, method: str, rest: str, body: dict[str, Any] | None) -> None:
    assert is_let_in(ask(world, world.tokens["dev's writer"], method, rest, body))
    error_of(ask(world, world.tokens["dev's writer"], method, rest, body, world.other.project), 403)


def test_only_an_administrator_may_empty_the_server(world: World) -> None:
    world.dev.send(event())
    for token in world.tokens.values():
        answer = world.dev.http.post("/api/v1/dev/reset", headers={"Authorization": f"Bearer {token}"})
        error_of(answer, 403)
    assert world.dev.listed() != []


@pytest.mark.parametrize("project", ["dev", "other"])
def test_project_tokens_open_nothing_for_reading(world: World, project: str) -> None:
    api = world.dev if project == "dev" else world.other
    for method, rest, body in ROUTES:
        error_of(ask(world, api.project_token, method, rest, body, api.project), 401)


def test_an_api_token_takes_no_events(world: World) -> None:
    for token in ("sv_dev", *world.tokens.values()):
        error_of(world.dev.http.post("/api/v1/ingest/events", json=body_of([event()], token)), 401)


def test_a_token_that_is_revoked_or_expired_is_unknown_at_the_next_request(world: World) -> None:
    expired = sv("token", "create", "short", "--days", "0.00001", "--data", world.data)
    made = sv("token", "create", "revoked", "--data", world.data)
    assert is_let_in(ask(world, made["token"], *ROUTES[0]))
    sv("token", "revoke", made["id"], "--data", world.data)
    time.sleep(0.9)  # 0.00001 days
    for token in (expired["token"], made["token"]):
        for method, rest, body in ROUTES:
            assert token not in error_of(ask(world, token, method, rest, body), 401)["error"]


def test_a_project_token_that_was_rotated_takes_no_more_events_a_few_seconds_later(world: World) -> None:
    made = sv("project", "create", "Rotated", "--data", world.data)
    with Api(world.dev.server, made["id"], "sv_dev", made["project_token"]) as api:
        api.send(event("before"))
        old, new = api.project_token, sv("project", "rotate", made["id"], "--data", world.data)["project_token"]
        api.project_token = new
        api.send(event("after", "ann", NOON + 1))
        assert [found["event"] for found in api.listed()] == ["after", "before"]
        api.project_token = old
        until = time.monotonic() + ROTATED_WITHIN_S
        while (answer := api.post_events([event("between", timestamp=...)])).status_code == 202 and time.monotonic() < until:
            time.sleep(0.1)
        error_of(answer, 401)


def test_what_one_project_holds_is_in_no_answer_of_the_other(world: World) -> None:
    world.dev.reset()
    secret = f"secret{uuid4().hex}"
    shared_id = str(uuid4())
    mine = story("ann: view@0m, buy@1m", sessionId="s", properties={"plan": "pro"})
    theirs = [
        *story("ann: view@0m, buy@1m, view@2m", sessionId="s", properties={"plan": secret}),
        event(
            f"event {secret}",
            f"person {secret}",
            NOON + 5,
            userId=secret,
            sessionId=secret,
            groups=[secret],
            properties={secret: secret},
        ),
    ]
    world.dev.send(*mine, event("same", "ann", NOON + 9, eventId=shared_id))
    world.other.send(*theirs, event("same", "ann", NOON + 9, eventId=shared_id))
    assert len(world.dev.listed()) == 3
    assert len(world.other.listed()) == 5
    foreign = next(found for found in world.other.listed() if found["user_id"] == secret)
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "events", None),
        ("GET", f"events?cursor={world.other.page(limit=1)['meta']['next_cursor']}", None),
        ("GET", f"events?distinct_id=person%20{secret[:3]}", None),
        ("GET", "events?session_id=s", None),
        ("GET", f"events/{foreign['id']}", None),
        ("POST", "insights/trends", {"events": [{"name": "view"}, {"name": "same"}], "breakdown": "plan", **DATES}),
        ("POST", "insights/funnel", {"steps": [{"event": "view"}, {"event": "buy"}], "breakdown": "plan", **DATES}),
        ("POST", "insights/funnel/persons", {"steps": [{"event": "view"}] * 2, "step": 1, "outcome": "converted", **DATES}),
    ]
    for method, rest, body in asked:
        answer = ask(world, "sv_dev", method, rest, body)
        assert secret not in answer.text
    error_of(ask(world, "sv_dev", "GET", f"events/{foreign['id']}", None), 404)
    series = world.dev.trends(events=[{"name": "view"}, {"name": "same"}], **DATES)["series"]
    assert [each["total"] for each in series] == [1, 1]
    steps = world.other.funnel(steps=[{"event": "view"}, {"event": "buy"}, {"event": "view"}], **DATES)["steps"]
    assert [step["count"] for step in steps] == [1, 1, 1]
    steps = world.dev.funnel(steps=[{"event": "view"}, {"event": "buy"}, {"event": "view"}], **DATES)["steps"]
    assert [step["count"] for step in steps] == [1, 1, 0]


def test_the_same_body_but_for_the_token_is_no_retry(world: World) -> None:
    world.dev.reset()
    for api in (world.dev, world.other, world.dev, world.other):
        api.send(event("once", "ann", NOON))
    assert len(world.dev.listed()) == len(world.other.listed()) == 1


def test_names_and_what_is_said_of_them_stay_in_their_project(world: World) -> None:
    world.dev.reset()
    world.dev.send(event("both", properties={"own": 1}), event("secret", properties={"hidden": "value"}))
    world.other.send(event("both", properties={"own": "text"}))
    for route, name, stranger in (("event_definitions", "both", "secret"), ("property_definitions", "own", "hidden")):
        said = world.dev.http.patch(world.dev.path(f"{route}/{name}"), json={"description": "of dev", "is_verified": True})
        assert said.status_code == 200
        error_of(ask(world, "sv_dev", "PATCH", f"{route}/{stranger}", {"description": "x"}, world.other.project), 404)
        page = world.other.http.get(world.other.path(route), params={"include_hidden": "true"}).json()["data"]
        assert stranger not in [each["name"] for each in page]
        (own,) = [each for each in page if each["name"] == name]
        assert (own["description"], own["is_verified"]) == (None, False)
        assert own.get("example_values", ["text"]) == ["text"]


def test_days_are_those_of_the_project(world: World) -> None:
    world.dev.reset()
    midnight = NOON - DAY // 2  # in UTC; in Berlin it is two o'clock
    for api in (world.dev, world.other):
        api.send(*[event(str(hour), "ann", midnight + hour * DAY // 24) for hour in (-3, -2, -1, 0, 21, 22, 23)])
    day = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
    assert [found["event"] for found in world.dev.listed(**day)] == ["23", "22", "21", "0"]
    assert [found["event"] for found in world.other.listed(**day)] == ["21", "0", "-1", "-2"]
    asked = world.other.trends(events=[{"name": "22"}, {"name": "-2"}], **day)
    assert (asked["timezone"], asked["labels"]) == ("Europe/Berlin", [iso(midnight - DAY // 12)])
    assert [series["total"] for series in asked["series"]] == [0, 1]
    asked = world.other.trends(events=[{"name": "22"}], timezone="UTC", **day)
    assert (asked["timezone"], asked["series"][0]["total"]) == ("UTC", 1)
    steps = [{"event": "-2"}, {"event": "21"}]
    for api, people in ((world.other, ["ann"]), (world.dev, [])):
        assert api.funnel(steps=steps, **day)["steps"][1]["count"] == len(people)
        asked = ask(
            world,
            "sv_dev",
            "POST",
            "insights/funnel/persons",
            {"steps": steps, "step": 2, "outcome": "converted", **day},
            api.project,
        )
        assert [person["distinct_id"] for person in asked.json()["data"]] == people


def test_the_data_folder_is_the_one_that_was_asked_for(world: World) -> None:
    assert Path(world.data, "sv.db").is_file()
