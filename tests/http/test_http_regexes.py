"""Patterns that take other engines for ever are answered or refused, on every route that takes one, over values made for them."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from http_rig import NOON, Api, event

VALUES = ("a" * 30_000 + "!", "ab" * 15_000 + "!", "x" * 30_000 + "z", "a." * 15_000)
EVENTS = 100
REFUSED = ["a.{900}b", "(a{1,1000}){1,1000}", "a?" * 310 + "a" * 310, ".*" * 310 + "b", "((a.){20}){20}", "." * 900]
"""Of which any takes minutes over a dozen megabytes, or a compiler's whole memory."""
ANSWERED = [
    "(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){30}b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*b", "^(a+)+$", "a.{290}b", "(ab?){100}c",
    "(?:" * 150 + "a" + ")" * 150, "[ab]{150}[^b]{100}$", "([ab]*a){12}[ab]{200}$",
]  # fmt: skip
UNCOMPILED = [r"(a)\1", "(?=a)", "(", "a**", "[z-a]", r"\p{Nothing}", "(?<=a)b", "a{2,1}", "\\"]


@pytest.fixture(scope="module")
def long_values(client: Api) -> Iterator[Api]:
    """A server with events whose values are what each pattern is slowest at; clicks on shown pages among them."""
    client.reset()
    for start in range(0, EVENTS, 100):
        client.send(
            *(
                event(
                    "view",
                    f"p{nth % 7}",
                    NOON + nth,
                    properties={"v": VALUES[nth % 4], "$current_url": f"https://a.b/{VALUES[nth % 4]}"},
                )
                for nth in range(start, start + 100)
            )
        )
    yield client
    client.reset()


def filters(pattern: str, operator: str = "regex") -> list[dict[str, str]]:
    return [{"property": "v", "operator": operator, "value": pattern}]


Ask = Callable[[Api, str], httpx.Response]
DATES = {"date_from": "2025-06-15", "date_to": "2025-06-16"}
ROUTES: dict[str, Ask] = {
    "events": lambda api, pattern: api.http.get(api.path("events"), params={"filters": json.dumps(filters(pattern)), "limit": 1}),
    "events by url": lambda api, pattern: api.http.get(
        api.path("events"),
        params={
            "filters": json.dumps([{"property": "$current_url", "operator": "not_regex", "value": f"/{pattern}"}]),
            "limit": 1,
        },
    ),
    "trends": lambda api, pattern: api.http.post(
        api.path("insights/trends"), json={"events": [{"name": "view"}], "filters": filters(pattern), **DATES}
    ),
    "a series": lambda api, pattern: api.http.post(
        api.path("insights/trends"), json={"events": [{"name": "view", "filters": filters(pattern, "not_regex")}], **DATES}
    ),
    "a funnel": lambda api, pattern: api.http.post(
        api.path("insights/funnel"), json={"steps": [{"event": "view", "filters": filters(pattern)}, {"event": "view"}], **DATES}
    ),
    "a funnel's persons": lambda api, pattern: api.http.post(
        api.path("insights/funnel/persons"),
        json={
            "steps": [{"event": "view"}, {"event": "view", "filters": filters(pattern)}],
            "step": 2,
            "outcome": "dropped_off",
            **DATES,
        },
    ),
    "a preview": lambda api, pattern: api.http.post(
        api.path("action_definitions/preview"), json={"rules": [{"url": pattern, "url_match": "regex"}], **DATES}
    ),
    "a smart event": lambda api, pattern: api.http.post(
        api.path("action_definitions"), json={"name": f"r {hash(pattern)}", "rules": [{"filters": filters(pattern)}]}
    ),
    "a saved insight": lambda api, pattern: api.http.post(
        api.path("insights"),
        json={
            "name": f"r {hash(pattern)}",
            "kind": "trends",
            "query": {"events": [{"name": "view"}], "filters": filters(pattern)},
        },
    ),
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_pattern_that_would_take_for_ever_is_refused_with_its_place(long_values: Api, route: str) -> None:
    for pattern in REFUSED:
        answer = ROUTES[route](long_values, pattern)
        assert answer.status_code == (400 if route.startswith("events") else 422), (pattern, answer.text)
        assert "expected a regular expression of at most 300" in answer.json()["error"]
    assert long_values.failures == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_pattern_that_takes_other_engines_for_ever_is_answered(long_values: Api, route: str) -> None:
    for pattern in ANSWERED:
        answer = ROUTES[route](long_values, pattern)
        assert answer.status_code in (200, 201), (pattern, answer.text)
    assert long_values.failures == []


@pytest.mark.parametrize("route", ROUTES)
def test_what_the_engine_does_not_compile_is_the_caller_s_fault_and_nobody_s_file_is_blamed(long_values: Api, route: str) -> None:
    for pattern in UNCOMPILED:
        answer = ROUTES[route](long_values, pattern)
        assert answer.status_code == (400 if route.startswith("events") else 422), (pattern, answer.text)
    assert long_values.failures == []
    assert long_values.server.take_faults() == []


def test_many_costly_patterns_at_once_are_refused(long_values: Api) -> None:
    many = [{"property": "v", "operator": "not_regex", "value": f"a.{{90}}b{nth}"} for nth in range(5)]
    answer = long_values.http.post(
        long_values.path("insights/trends"), json={"events": [{"name": "view"}], "filters": many, **DATES}
    )
    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == "filters[4].value"


def test_the_patterns_of_smart_events_count_as_often_as_they_are_named(long_values: Api) -> None:
    api = long_values
    rules = [{"filters": filters(f"a.{{90}}c{nth}")} for nth in range(3)]
    made = api.http.post(api.path("action_definitions"), json={"name": "costly", "rules": rules})
    smart = made.json()["id"]
    one, two = [{"action_id": smart}], [{"action_id": smart}, {"action_id": smart}]
    own = filters("a.{290}b")
    for path, body, fault in (
        ("insights/trends", {"events": one, **DATES}, None),
        ("insights/trends", {"events": two, **DATES}, "events[1].action_id"),
        ("insights/trends", {"events": one, "filters": own, **DATES}, "events[0].action_id"),
        ("insights/funnel", {"steps": two, **DATES}, "steps[1].action_id"),
        ("insights/funnel/persons", {"steps": two, "step": 1, "outcome": "converted", **DATES}, "steps[1].action_id"),
        ("insights", {"name": "i", "kind": "trends", "query": {"events": two}}, "query.events[1].action_id"),
    ):
        answer = api.http.post(api.path(path), json=body)
        assert answer.status_code == (422 if fault else 200), answer.text
        assert fault is None or answer.json()["details"][0]["field"] == fault
    for path in ("events", "events/export", "events/export/plan"):
        asked = {"action_id": smart, "filters": json.dumps(own)}
        answer = api.http.get(api.path(path), params=asked)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"].startswith("action_id: expected fewer regular expressions")
