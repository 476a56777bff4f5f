"""Who a funnel's figures are: over all pages exactly the persons of the reference, in every mode, state and breakdown line."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from sv.insights.funnel_persons import find_funnel_persons
from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.model.funnel_persons_parsing import parse_funnel_persons_query
from tests.engine.funnel.oracle import Outcome
from tests.engine.reference import rows_of
from tests.engine.rig import NOON, STATES, Rig, State
from tests.engine.test_engine_funnels import MANY_PERSONS, MODES, QUERIES, Expected, parsed, random_events

BY_PERSON = [name for name, body in QUERIES.items() if body.get("aggregate_by") != "session"]
DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15", "conversion_window": "10m"}


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    """The same events in every form."""
    made: dict[State, Rig] = {}
    try:
        for state in STATES:
            made[state] = Rig(tmp_path_factory.mktemp(state))
            made[state].place_events(random_events(5), state)
        yield made
    finally:
        for rig in made.values():
            rig.close()


def walked(context: Context, body: dict[str, Any], limit: int) -> list[int]:
    """All pages, in order."""
    query = parse_funnel_persons_query(DAY | body | {"limit": limit}, timezone="UTC", now_ms=NOON)
    found: list[int] = []
    while True:
        page = find_funnel_persons(context, replace(query, before=found[-1] if found else None))
        assert len(page.numbers) == limit if page.has_more else len(page.numbers) <= limit
        found += page.numbers
        if not page.has_more:
            return found


def questions(steps: int) -> list[tuple[int, str]]:
    return [(step, "converted") for step in range(1, steps + 1)] + [(step, "dropped_off") for step in range(2, steps + 1)]


def is_counted(outcome: Outcome, step: int, wanted: str) -> bool:
    return outcome.level >= step if wanted == "converted" else outcome.level == step - 1


@pytest.mark.parametrize("name", BY_PERSON)
def test_the_persons_of_all_pages_are_those_of_the_reference_in_every_mode(rigs: dict[State, Rig], name: str) -> None:
    rows = {state: rows_of(rig) for state, rig in rigs.items()}  # persons' numbers are each rig's own
    for number, modes in enumerate(MODES):
        state = STATES[number % len(STATES)]
        rig = rigs[state]
        body = QUERIES[name] | {"modes": modes}
        outcomes = Expected(rows[state], parsed(body)).outcomes()
        context = rig.context()
        counts = [line["count"] for line in funnel(context, parsed(body))["steps"]]
        asked = questions(len(body["steps"]))
        # All of them without modes, and by turns one of them in each set of modes: each answer asks the whole funnel.
        for step, wanted in asked if not modes else [asked[number % len(asked)]]:
            expected = {person for person, outcome in outcomes.items() if is_counted(outcome, step, wanted)}
            # Pages of a few at one step, since each asks the whole funnel again.
            found = walked(context, body | {"step": step, "outcome": wanted}, 17 if step == 2 else 1000)
            assert found == sorted(expected, reverse=True), (modes, step, wanted)
            assert len(found) == (counts[step - 1] if wanted == "converted" else counts[step - 2] - counts[step - 1])


@pytest.mark.parametrize("state", STATES)
def test_a_breakdown_values_persons_are_those_that_its_line_counts(rigs: dict[State, Rig], state: State) -> None:
    rig = rigs[state]
    for limit in (1, 9):
        body = QUERIES["rows of several steps"] | {"breakdown": "plan", "breakdown_limit": limit}
        query = parsed(body)
        context = rig.context()
        lines = funnel(context, query)["breakdowns"]
        assert len(lines) > 2
        everybody: list[int] = []
        asked_of_each = questions(len(query.steps))
        for number, line in enumerate(lines):
            counts = [step["count"] for step in line["steps"]]
            # Who began, and by turns one more question: each answer asks the whole funnel.
            for step, wanted in (asked_of_each[0], asked_of_each[1 + number % (len(asked_of_each) - 1)]):
                asked = body | {"step": step, "outcome": wanted, "breakdown_value": line["breakdown_value"]}
                found = walked(context, asked, 1000)
                assert len(found) == (counts[step - 1] if wanted == "converted" else counts[step - 2] - counts[step - 1])
                everybody += found if (step, wanted) == (1, "converted") else []
        assert sorted(everybody, reverse=True) == walked(context, body | {"step": 1, "outcome": "converted"}, 1000)
        firsts = Expected(rows_of(rig), query).rows
        pro = walked(context, body | {"step": 1, "outcome": "converted", "breakdown_value": "pro"}, 1000)
        for person in pro:
            first = next(row for row, mask in firsts[person] if mask & 1)
            assert first.properties["plan"] == "pro"


def test_a_value_that_no_line_has_is_nobodys(rigs: dict[State, Rig]) -> None:
    body = QUERIES["three steps"] | {"breakdown": "plan", "step": 1, "outcome": "converted"}
    for value in ("10", False, [10], {"plan": 10}, 11, 10**400, [-(10**400)]):
        assert walked(rigs["buffer"].context(), body | {"breakdown_value": value}, 5) == []


def test_persons_beyond_any_key_are_found_by_their_own_numbers(rigs: dict[State, Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rigs["mixed"]
    body = QUERIES["rows of several steps"] | {"breakdown": "plan", "breakdown_limit": 1}
    for more in ({}, {"breakdown_value": "$other"}, {"breakdown_value": None}):
        for step, wanted in questions(3):
            asked = body | more | {"step": step, "outcome": wanted}
            plain = walked(rig.context(), asked, 1000)
            with monkeypatch.context() as patch:
                patch.setattr(rig, "max_person", MANY_PERSONS)
                assert walked(rig.context(), asked, 1000 if more else 9) == plain
            assert plain or (step, wanted) != (1, "converted")
