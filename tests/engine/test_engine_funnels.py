"""Funnels through the whole insight: against ClickHouse's `windowFunnel`, and against plain Python for times and breakdowns.

FUNNEL_SEED repeats a run's random events.
"""

import json
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sv.engine.duck.funnels.funnel_sql import Packing
from sv.engine.port import Matcher, Scope
from sv.insights.funnels import funnel
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator
from sv.model.limits import DAY_MS, MINUTE_MS, SECOND_MS
from sv.model.queries import AggregateBy, FunnelQuery
from sv.model.query_parsing import parse_funnel_query
from tests import chance
from tests.engine.funnel import oracle
from tests.engine.funnel.histories import World, legal_modes
from tests.engine.reference import Row, holds, in_scope, rows_of, session_ids
from tests.engine.rig import LIMITS, NOON, STATES, Event, Rig, State, event, events, opened_in_all_states

if TYPE_CHECKING:
    from tests.engine.funnel.clickhouse import ClickHouse

SEED = chance.seed("FUNNEL_SEED")
MODES = [sorted(modes) for modes in legal_modes()]
MANY_PERSONS = 2**62
"""So many that no key has room for a person's number and a time."""


def random_events(seed: int) -> list[Event]:
    """Persons with a dozen events each, many at one millisecond, half of them without a session, a tenth from bots."""
    rng = random.Random(seed)
    made: list[Event] = []
    for person in range(50):
        for _ in range(rng.randrange(1, 22)):
            at_ms = NOON + rng.choice([0, 0, 20 * MINUTE_MS]) + rng.randrange(6) * rng.choice([1, SECOND_MS, 9 * MINUTE_MS])
            held: dict[str, Any] = {"n": rng.randrange(6)}
            if rng.random() < 0.8:
                held["plan"] = rng.choice(["pro", "free", "team", 10, 10.0, True])
            if rng.random() < 0.1:
                held["$is_bot"] = True
            session = rng.choice([None, None, f"own-{person % 17}", f"own-{person % 13}"])
            made.append(event(rng.choice("aabbcd"), f"person-{person}", at_ms, session=session, **held))
    rng.shuffle(made)
    return made


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    with opened_in_all_states(tmp_path_factory, random_events(SEED)) as made:
        yield made


def parsed(body: dict[str, Any]) -> FunnelQuery:
    whole = {"date_from": "2025-06-15", "date_to": "2025-06-15", "conversion_window": "10m"} | body
    return parse_funnel_query(whole, timezone="UTC", now_ms=NOON)


def ask(rig: Rig, body: dict[str, Any]) -> dict[str, Any]:
    return funnel(rig.context(), parsed(body))


# ---- What is expected ----


class Expected:
    """The groups of a query with their rows, and what follows from them."""

    def __init__(self, rows: Sequence[Row], query: FunnelQuery) -> None:
        self.query = query
        self.steps = len(query.steps)
        sessions = session_ids(rows)
        seen = [row for row in rows if in_scope(row, query.dates.from_ms, query.dates.to_ms, query.filters, query.include_bots)]
        self.rows: dict[Any, list[tuple[Row, int]]] = defaultdict(list)
        for row in seen:
            mask = sum(1 << place for place, step in enumerate(query.steps) if holds(row, step.filters, step.event))
            self.rows[sessions[row.id] if query.aggregate_by is AggregateBy.SESSION else row.person].append((row, mask))

    def world(self) -> World:
        """For ClickHouse, in the order of arrival."""
        table = [(group, row.at_ms, mask) for group, rows in enumerate(self.rows.values()) for row, mask in rows]
        persons, times, masks = (np.array(column, np.int64) for column in zip(*table, strict=True))
        return World(persons, times, masks.astype(np.uint32), self.steps)

    def outcomes(self) -> dict[Any, oracle.Outcome]:
        """Each group's outcome by the plain reference."""
        modes = {mode.value for mode in self.query.modes}
        return {
            group: oracle.funnel([(row.at_ms, mask) for row, mask in rows], self.steps, self.query.window_ms, modes)
            for group, rows in self.rows.items()
        }

    def lines(self, outcomes: Sequence[oracle.Outcome]) -> list[dict[str, Any]]:
        """The answer's `steps` for these groups."""
        counts = [sum(outcome.level > place for outcome in outcomes) for place in range(self.steps)]
        lines: list[dict[str, Any]] = []
        for place, count in enumerate(counts):
            before = counts[max(place - 1, 0)]
            times = [outcome.times[place + 1] for outcome in outcomes if outcome.level > place]
            taken_ms = [reached - start for start, reached in times]
            lines.append(
                {
                    "step": place + 1,
                    "event": self.query.steps[place].event,
                    "count": count,
                    "conversion_rate": count / counts[0] if counts[0] else None,
                    "step_conversion_rate": count / before if before else None,
                    "drop_off": before - count,
                    "median_seconds": statistics.median(taken_ms) / 1000 if times else None,
                    "average_seconds": pytest.approx(sum(taken_ms) / len(times) / 1000, rel=1e-12) if times else None,
                }
            )
        return lines

    def breakdown(self, outcomes: dict[Any, oracle.Outcome]) -> list[tuple[Any, list[dict[str, Any]]]]:
        """The answer's `breakdowns`: the value is that of the group's first event that matched step 1."""
        assert self.query.breakdown is not None
        by_value: dict[str, list[oracle.Outcome]] = defaultdict(list)
        for group, rows in self.rows.items():
            first = next((row for row, mask in rows if mask & 1), None)
            if first is not None:
                value = first.properties.get(self.query.breakdown.property)
                by_value[json.dumps(int(value) if type(value) is float else value)].append(outcomes[group])
        nothing = by_value.pop("null", None)
        order = sorted(by_value, key=lambda text: (-len(by_value[text]), text))
        limit = self.query.breakdown.limit
        found = [(json.loads(text), by_value[text]) for text in order[:limit]]
        if nothing is not None:
            found.append((None, nothing))
        if order[limit:]:
            found.append(("$other", [outcome for text in order[limit:] for outcome in by_value[text]]))
        return [(value, self.lines(mine)) for value, mine in found]


STEPS = [
    {"event": "a"},
    {"event": "a", "filters": [{"property": "n", "operator": "gte", "value": 3}]},
    {"event": "b", "properties": {"n": [1, 2, 3]}},
    {"event": "a", "filters": [{"property": "n", "operator": "lt", "value": 5}]},
    {"event": "c"},
]
QUERIES: dict[str, dict[str, Any]] = {
    "three steps": {"steps": [{"event": "a"}, {"event": "b"}, {"event": "c"}]},
    "rows of several steps": {"steps": STEPS},
    "by session": {"steps": STEPS[:4], "aggregate_by": "session", "conversion_window": "1h"},
    "with bots": {"steps": STEPS[:3], "include_bots": True},
    "filtered": {"steps": STEPS[:3], "filters": [{"property": "plan", "operator": "is_not", "value": "pro"}], "aggregate_by": "session"},
    "cut": {"steps": STEPS[:3], "date_from": "2025-06-15T12:00:01Z", "date_to": "2025-06-15T12:20:03.002Z", "conversion_window": "1s"},
    "cut sessions": {"steps": STEPS[:3], "date_from": "2025-06-15T12:09:00Z", "date_to": "2025-06-15T12:40:00Z", "aggregate_by": "session"},
    "one step twice": {"steps": [{"event": "b"}, {"event": "b"}, {"event": "b"}], "conversion_window": "365d"},
    "nobody": {"steps": [{"event": "no such"}, {"event": "a"}]},
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_levels_are_those_of_clickhouse_in_every_set_of_modes(
    rigs: dict[State, Rig], clickhouse: "ClickHouse", name: str
) -> None:
    print(f"FUNNEL_SEED={SEED}")
    rows = rows_of(rigs["buffer"])
    queries = [parsed(QUERIES[name] | {"modes": modes}) for modes in MODES]
    world = Expected(rows, queries[0]).world()
    questions = [(query.window_ms, modes) for query, modes in zip(queries, legal_modes(), strict=True)]
    answers = clickhouse.levels(world, questions)
    for number, (query, levels) in enumerate(zip(queries, answers, strict=True)):
        counts = [int((levels > place).sum()) for place in range(len(query.steps))]
        # One form answers each set of modes, all of them the first; the next query begins with another form.
        asked = list(rigs.values()) if number == 0 else [rigs[STATES[(number + len(name)) % len(STATES)]]]
        for rig in asked:
            found = funnel(rig.context(), query)
            assert [line["count"] for line in found["steps"]] == counts, MODES[number]
    if name != "nobody":
        assert answers[0].max() > 1, "a test that nobody can fail"


@pytest.mark.parametrize("name", QUERIES)
def test_counts_rates_and_times_are_those_of_the_reference(rigs: dict[State, Rig], name: str) -> None:
    print(f"FUNNEL_SEED={SEED}")
    rows = rows_of(rigs["buffer"])
    for modes, limit in ([], 2), (["strict_deduplication", "strict_once"], 9):
        body = QUERIES[name] | {"modes": modes, "breakdown": "plan", "breakdown_limit": limit}
        answers = [ask(rig, body) for rig in rigs.values()]
        assert all(answer == answers[0] for answer in answers)
        expected = Expected(rows, parsed(body))
        outcomes = expected.outcomes()
        assert answers[0]["steps"] == expected.lines(list(outcomes.values()))
        found = [(line["breakdown_value"], line["steps"]) for line in answers[0]["breakdowns"]]
        assert found == expected.breakdown(outcomes)
        for line in [answers[0], *answers[0]["breakdowns"]]:
            assert line["conversion_rate"] == line["steps"][-1]["conversion_rate"]


@pytest.mark.parametrize("name", [name for name in QUERIES if QUERIES[name].get("aggregate_by") != "session"])
def test_persons_beyond_any_key_are_numbered_anew(rigs: dict[State, Rig], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for state, modes in zip(
        STATES, ([], ["strict_order"], ["strict_once"], ["strict_once", "strict_deduplication"], ["strict_increase"]), strict=True
    ):
        rig = rigs[state]
        body = QUERIES[name] | {"modes": modes, "breakdown": "plan", "breakdown_limit": 2}
        plain = ask(rig, body)
        with monkeypatch.context() as patch:
            patch.setattr(rig, "max_person", MANY_PERSONS)
            assert ask(rig, body) == plain


def _narrow(min_ms: int, max_ms: int, window_ms: int) -> Packing:
    return Packing(min_ms, 61)


def test_groups_that_no_key_has_room_for_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from sv.engine.duck.funnels import funnel_sql as statements

    rig.buffer(rig.batch([event("a", f"person-{n}", NOON) for n in range(9)]))
    monkeypatch.setattr(statements, "packing_of", _narrow)
    rig.max_person = MANY_PERSONS
    with pytest.raises(ValidationFailed, match="date_from"):
        ask(rig, {"steps": [{"event": "a"}, {"event": "b"}]})


# ---- Small stories ----


def counts(rig: Rig, body: dict[str, Any]) -> list[int]:
    return [line["count"] for line in ask(rig, body)["steps"]]


def steps(names: str) -> list[dict[str, str]]:
    return [{"event": name} for name in names.split()]


def test_the_answer_echoes_the_query(rig: Rig) -> None:
    rig.buffer(rig.batch(events("ann: view@0m, buy@12m; bob: view@3m")))
    answer = ask(
        rig,
        {
            "steps": steps("view buy"),
            "conversion_window": "1h",
            "modes": ["strict_order", "strict_increase"],
            "timezone": "Europe/Berlin",
        },
    )
    assert answer["steps"] == [
        {
            "step": 1, "event": "view", "count": 2, "conversion_rate": 1.0, "step_conversion_rate": 1.0, "drop_off": 0,
            "median_seconds": 0.0, "average_seconds": 0.0,
        },
        {
            "step": 2, "event": "buy", "count": 1, "conversion_rate": 0.5, "step_conversion_rate": 0.5, "drop_off": 1,
            "median_seconds": 720.0, "average_seconds": 720.0,
        },
    ]  # fmt: skip
    assert {key: value for key, value in answer.items() if key != "steps"} == {
        "conversion_rate": 0.5, "conversion_window": "1h", "date_from": "2025-06-14T22:00:00.000Z", "date_to": "2025-06-15T22:00:00.000Z",
        "timezone": "Europe/Berlin", "aggregate_by": "person", "modes": ["strict_increase", "strict_order"], "breakdown": None,
    }  # fmt: skip


def test_a_funnel_over_nothing_has_no_rates(rig: Rig, state: State) -> None:
    for sent in ([], events("ann: other@0m")):
        rig.place_events(sent, state, batches=1)
        for more in (
            {},
            {"aggregate_by": "session"},
            {"modes": ["strict_once"]},
            {"modes": ["strict_order"]},
            {"breakdown": "plan"},
        ):
            answer = ask(rig, {"steps": steps("view buy"), **more})
            assert [line["count"] for line in answer["steps"]] == [0, 0]
            assert [line["conversion_rate"] for line in [*answer["steps"], answer]] == [None, None, None]
            assert answer.get("breakdowns", []) == []


def test_an_event_at_the_window_s_last_instant_counts(rig: Rig, state: State) -> None:
    rig.place_events(events("ann: view@0ms, buy@600000ms; bob: view@0ms, buy@600001ms"), state)
    assert counts(rig, {"steps": steps("view buy")}) == [2, 1]
    assert counts(rig, {"steps": steps("view buy"), "conversion_window": "11m"}) == [2, 2]


def test_a_funnel_may_have_32_steps_and_one_row_may_be_all_of_them(rig: Rig, state: State) -> None:
    rig.place_events(events("ann: view@0m; bob: view@0m, view@1m; cid: buy@0m"), state)
    for modes, last in ([], 2), (["strict_order"], 2), (["strict_once"], 0), (["strict_increase"], 0):
        found = counts(rig, {"steps": steps(" ".join(["view"] * 32)), "modes": modes})
        assert (found[0], found[31]) == (2, last), modes


def test_the_same_name_in_two_projects_is_two_persons_and_one_in_two_sessions_two_groups(rig: Rig, state: State) -> None:
    rig.place([rig.batch(events("ann: view#s@0m, buy#t@1m")), rig.batch(events("ann: buy#s@2m"), project="q")], state)
    assert counts(rig, {"steps": steps("view buy")}) == [1, 1]
    assert counts(rig, {"steps": steps("view buy"), "aggregate_by": "session"}) == [1, 0]


def test_a_row_outside_the_scope_ends_no_chain_in_a_strict_mode(rig: Rig, state: State) -> None:
    rig.place_events(events('ann: view@0m, other{"n": 1}@1m, buy@2m; bob: view@0m, other{"$is_bot": true}@1m, buy@2m'), state)
    strict = {"steps": steps("view buy"), "modes": ["strict_order"]}
    assert counts(rig, strict) == [2, 1]
    assert counts(rig, strict | {"include_bots": True}) == [2, 0]
    assert counts(rig, strict | {"filters": [{"property": "n", "operator": "is_not_set"}]}) == [2, 2]


def test_the_order_of_arrival_decides_between_rows_of_one_millisecond(rig: Rig, state: State) -> None:
    # In q step 2 is taken by the row that can do nothing else, and the other row of step 2 ends the chain. In p that other row comes
    # first, is step 1 already, and is passed over.
    both, second, third = (event("x", "ann", NOON, steps=text) for text in ("12", "2", "3"))
    modes = ["strict_once", "strict_deduplication"]
    query: dict[str, Any] = {
        "steps": [{"event": "x", "filters": [{"property": "steps", "operator": "icontains", "value": n}]} for n in "123"],
        "modes": modes,
    }
    rig.place(
        [
            rig.batch([row], project=project)
            for project in "pq"
            for row in ([both, second, third] if project == "p" else [second, both, third])
        ],
        state,
    )
    found = {project: [line["count"] for line in funnel(rig.context(project), parsed(query))["steps"]] for project in "pq"}
    masks = {"p": [0b011, 0b010, 0b100], "q": [0b010, 0b011, 0b100]}
    levels = {project: oracle.funnel([(NOON, mask) for mask in masks[project]], 3, 600_000, modes).level for project in "pq"}
    assert levels == {"p": 3, "q": 2}
    assert found == {"p": [1, 1, 1], "q": [1, 1, 0]}


def test_rows_come_by_time_and_arrival_where_that_is_asked_for(rigs: dict[State, Rig]) -> None:
    for rig in rigs.values():
        matchers = [Matcher("a"), Matcher("b", (Filter("n", Operator.LT, 4),))]
        scope = Scope(NOON, NOON + DAY_MS)
        rows = rig.engine.funnel_rows(rig.context().snapshot, scope, matchers, MINUTE_MS, "person", True, True, LIMITS)
        found = [
            (int(key >> rows.bits), int(key & (1 << rows.bits) - 1) + rows.origin_ms, int(mask))
            for key, mask in zip(rows.keys, rows.masks, strict=True)
        ]
        people = {row.person for row in rows_of(rig) if row.event == "a" and in_scope(row, NOON, NOON + DAY_MS)}
        assert found == [
            (row.person, row.at_ms, (row.event == "a") | (row.event == "b" and row.properties["n"] < 4) << 1)
            for row in rows_of(rig)
            if row.person in people and in_scope(row, NOON, NOON + DAY_MS)
        ]


def test_what_arrives_while_a_query_runs_changes_none_of_its_answers(rig: Rig) -> None:
    rig.place_events(random_events(2), "mixed")
    body = QUERIES["by session"] | {"breakdown": "plan"}
    query = parsed(body)
    context = rig.context()
    before = funnel(context, query)
    late = [event(name, f"aaa-{n}", NOON + n, plan="late") for n in range(50) for name in "abc"]
    rig.tables.drain(rig.buffers[-1], [rig.batch(late)])
    assert funnel(context, query) == before
    assert funnel(rig.context(), query) != before


def test_a_breakdown_names_a_value_once_however_it_was_written(rig: Rig) -> None:
    rig.buffer(rig.batch([event("a", f"person-{n}", NOON, plan=plan) for n, plan in enumerate([10, 10.0, 1e1, "10", None])]))
    answer = ask(rig, {"steps": steps("a b"), "breakdown": "plan"})
    assert Counter({repr(line["breakdown_value"]): line["steps"][0]["count"] for line in answer["breakdowns"]}) == Counter(
        {"10": 3, "'10'": 1, "None": 1}
    )
