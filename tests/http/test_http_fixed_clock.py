"""`sv dev --fixed-clock`: the same requests get the same answers, whenever they are sent and however often."""

import json
import subprocess
import sys
from typing import Any

import pytest
from http_rig import Api, body_of, running

CLOCK = ("dev", "--fixed-clock", "2026-01-31T12:00:00Z")


def told(api: Api) -> dict[str, Any]:
    """A story without times of its own for most events, and all that can be asked about it."""
    for name, person in (("view", "ann"), ("view", "ann"), ("buy", "ann"), ("view", "bob")):
        api.send({"event": name, "userId": person})
    for _ in range(2):
        api.send({"event": "click", "anonymousId": "carl", "timestamp": "2026-01-30T12:00:00Z"})
    lists = ("persons", "sessions", "event_definitions", "property_definitions")
    return {
        "events": api.listed()[::-1],
        "today": api.listed(date_from="-0d"),
        "trends": api.trends(events=[{"name": "view"}, {"name": "click"}], date_from="-7d"),
        "funnel": api.funnel(steps=[{"event": "view"}, {"event": "buy"}]),
        **{name: api.http.get(api.path(name)).json() for name in lists},
    }


def test_two_servers_answer_alike_to_the_last_byte() -> None:
    answers = []
    for _ in range(2):
        with running(*CLOCK) as server, Api(server) as api:
            answers.append(json.dumps(told(api)))
    assert answers[0] == answers[1]


def test_time_begins_at_the_instant_and_moves_a_millisecond_an_event_and_begins_again_with_a_reset() -> None:
    with running(*CLOCK) as server, Api(server) as api:
        assert api.metric("sv_flush_age_seconds") > 0, "what only passes goes by no clock that is set"
        for _ in range(2):
            story = told(api)
            undated = [event for event in story["events"] if event["event"] != "click"]
            assert [(event["event"], event["timestamp"][-14:]) for event in undated] == [
                ("view", "T12:00:00.000Z"),
                ("view", "T12:00:00.001Z"),
                ("buy", "T12:00:00.002Z"),
                ("view", "T12:00:00.003Z"),
            ]
            assert all(event["received_at"] == event["timestamp"] for event in undated)
            assert {event["timestamp"][:10] for event in story["today"]} == {"2026-01-31"}
            assert story["trends"]["labels"][-1] == "2026-01-31T00:00:00.000Z"
            assert [series["total"] for series in story["trends"]["series"]] == [3, 2]
            assert [step["count"] for step in story["funnel"]["steps"]] == [2, 1]
            api.reset()


def test_two_clicks_in_one_instant_are_two_though_their_bytes_are_the_same() -> None:
    click = {"event": "click", "userId": "ann", "timestamp": "2026-01-31T12:00:00Z"}
    with running(*CLOCK) as server, Api(server) as api:
        api.send(click)
        api.send(click)
        assert len(api.listed()) == 2
    with running(*CLOCK, environment={"SV_RETRY_WINDOW_SECONDS": "600"}) as server, Api(server) as api:
        api.send(click)
        api.send(click)
        assert len(api.listed()) == 1


def test_what_is_more_than_a_day_ahead_of_the_clock_is_rejected() -> None:
    with running(*CLOCK) as server, Api(server) as api:
        answer = api.http.post(
            "/api/v1/ingest/events", json=body_of([{"event": "late", "userId": "ann", "timestamp": "2026-02-01T12:00:00.001Z"}])
        )
        assert answer.status_code == 422
        api.send({"event": "late", "userId": "ann", "timestamp": "2026-02-01T12:00:00Z"})


@pytest.mark.parametrize(
    "instant", ["", "noon", "2026-01-31", "2026-01-31T12:00:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"]
)
def test_an_instant_that_says_no_offset_or_lies_outside_of_time_is_refused(instant: str) -> None:
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--fixed-clock", instant]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"sv: expected an instant such as 2026-01-31T12:00:00Z, got {instant!r} (--fixed-clock)\n"
