"""Who a funnel's figures are, over the wire: as persons' own list shows them, page by page."""

import json
from typing import Any

import pytest
from http_rig import Api, event, story

JUNE = {"date_from": "2025-06-01", "date_to": "2025-06-30"}
STEPS = [{"event": "view"}, {"event": "cart"}, {"event": "buy"}]
STORY = "ann: view@0m, cart@1m, buy@3m; bob: view@0m, cart@3m; cyd: view@0m, cart@1m; dan: view@0m; eve: buy@0m"


def page(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.http.post(api.path("insights/funnel/persons"), json={"steps": STEPS, **JUNE, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.keys() == {"data", "meta"}
    return found


def names(api: Api, **body: Any) -> set[str]:
    found = [person["distinct_id"] for person in page(api, **body)["data"]]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize(
    ("step", "outcome", "expected"),
    [
        (1, "converted", {"ann", "bob", "cyd", "dan"}),
        (2, "converted", {"ann", "bob", "cyd"}),
        (3, "converted", {"ann"}),
        (2, "dropped_off", {"dan"}),
        (3, "dropped_off", {"bob", "cyd"}),
    ],
)
def test_a_figures_persons_are_those_it_counts(api: Api, step: int, outcome: str, expected: set[str]) -> None:
    api.send(*story(STORY))
    assert names(api, step=step, outcome=outcome) == expected
    line = api.funnel(steps=STEPS, **JUNE)["steps"][step - 1]
    assert len(expected) == line["count" if outcome == "converted" else "drop_off"]


def test_persons_are_shown_as_their_own_list_shows_them_in_its_order(api: Api) -> None:
    api.send(*story(STORY, properties={"$set": {"plan": "pro"}, "$browser": "Firefox"}), CF_IPCountry="DE")
    listed = api.http.get(api.path("persons")).json()["data"]
    assert page(api, step=1, outcome="converted")["data"] == [each for each in listed if each["distinct_id"] != "eve"]


def test_pages_follow_each_other_to_the_end(api: Api) -> None:
    api.send(*[event("view", f"p{number:02d}") for number in range(25)])
    found: list[str] = []
    cursor: str | None = None
    sizes: list[int] = []
    while True:
        answer = page(api, step=2, outcome="dropped_off", limit=10, cursor=cursor)
        found += [person["distinct_id"] for person in answer["data"]]
        sizes.append(len(answer["data"]))
        cursor = answer["meta"]["next_cursor"]
        assert (cursor is not None) == answer["meta"]["has_more"]
        if cursor is None:
            break
        api.send(event("view", f"late {len(sizes)}"))
    assert sizes == [10, 10, 5]
    assert sorted(found) == [f"p{number:02d}" for number in range(25)]


def test_a_line_of_a_breakdown_has_its_own_persons(api: Api) -> None:
    for person, plan in (("ann", "pro"), ("bob", "pro"), ("cyd", "free"), ("dan", 7), ("eve", "seven")):
        api.send(event("view", person, properties={"plan": plan}))
    api.send(event("view", "fay"))
    broken = {"breakdown": "plan", "breakdown_limit": 1, "step": 1, "outcome": "converted"}
    assert names(api, **broken) == {"ann", "bob", "cyd", "dan", "eve", "fay"}
    assert names(api, **broken, breakdown_value="pro") == {"ann", "bob"}
    assert names(api, **broken, breakdown_value="$other") == {"cyd", "dan", "eve"}
    assert names(api, **broken, breakdown_value=None) == {"fay"}
    assert names(api, **broken | {"breakdown_limit": 9}, breakdown_value=7) == {"dan"}
    assert names(api, **broken | {"breakdown_limit": 9}, breakdown_value="7") == set()


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("10", ("10", "10.0", "1e1", "100e-1")),
        ("2.5", ("2.5", "25e-1")),
        ("18446744073709551616", ("18446744073709552000", "1.8446744073709552e19")),
    ],
)
def test_a_number_is_the_same_value_however_it_is_written(api: Api, sent: str, asked: tuple[str, ...]) -> None:
    for person, value in (("ann", sent), ("bob", f'"{sent}"'), ("cyd", "true"), ("dan", "1")):
        body = event("view", person, properties={"k": "?"})
        answer = api.post_raw(json.dumps({"projectToken": api.project_token, "events": [body]}).replace('"?"', value).encode())
        assert answer.status_code == 202
    question = {"steps": STEPS, **JUNE, "breakdown": "k", "step": 1, "outcome": "converted", "breakdown_value": "?"}
    for value in asked:
        content = json.dumps(question).replace('"?"', value)
        found = api.http.post(api.path("insights/funnel/persons"), content=content, headers={"Content-Type": "application/json"})
        assert [person["distinct_id"] for person in found.json()["data"]] == ["ann"], value


def test_lists_and_objects_that_say_the_same_have_lines_and_persons_of_their_own(api: Api) -> None:
    for person, value in (
        ("ann", '{"a": 1, "b": 2}'),
        ("bob", '{"b": 2, "a": 1}'),
        ("cyd", "[1, 2]"),
        ("dan", "[1.0, 2]"),
        ("eve", "[3.0]"),
    ):
        sent = json.dumps({"projectToken": api.project_token, "events": [event("view", person, properties={"k": "?"})]})
        assert api.post_raw(sent.replace('"?"', value).encode()).status_code == 202
    broken = {"breakdown": "k", "step": 1, "outcome": "converted"}
    assert names(api, **broken, breakdown_value={"a": 1, "b": 2}) == {"ann"}
    assert names(api, **broken, breakdown_value={"b": 2, "a": 1}) == {"bob"}
    assert names(api, **broken, breakdown_value=[1, 2]) == {"cyd"}
    assert names(api, **broken, breakdown_value=[1.0, 2]) == {"dan"}
    assert names(api, **broken, breakdown_value=[3]) == {"eve"}  # as JavaScript writes it


def test_a_regular_expression_that_does_not_compile_is_named_by_its_step(api: Api) -> None:
    steps = [{"event": "view", "filters": [{"property": "plan", "operator": "regex", "value": "("}]}, {"event": "buy"}]
    answer = api.http.post(api.path("insights/funnel/persons"), json={"steps": steps, **JUNE, "step": 1, "outcome": "converted"})
    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == "steps[0].filters[0].value"
