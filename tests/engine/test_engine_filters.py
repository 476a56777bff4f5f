"""Filters in SQL against their definition in plain Python, on every kind of value under every kind of name."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.engine.duck import filters as filters_in_sql
from sv.engine.duck.filters import MAX_COMPARED, condition
from sv.engine.duck.relation import relation
from sv.engine.duck.sql import Params
from sv.engine.port import Matcher, Scope
from sv.insights.funnels import funnel
from sv.insights.overview import overview
from sv.insights.trends import trends
from sv.model.calendar import iso_ms
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator, matches, parse_filters
from sv.model.limits import DAY_MS, MAX_TIMESTAMP_MS
from sv.model.overview_parsing import parse_overview_query
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.model.smart_events import Rule
from tests.chance import examples
from tests.engine.filter_rig import BORDERS, FRACTIONS, PAGES, REGEXES, TEXTS, filters, properties
from tests.engine.rig import NOON, Rig, State, event, in_pieces, named, opened, properties_of


def answers(rig: Rig, items: list[Filter]) -> dict[str, tuple[bool | None, ...]]:
    """By event id what each filter's condition is, NULL included."""
    params = Params()
    source = relation(rig.snapshot(), rig.folder, params)
    columns = "".join(f", {condition(item, params)}" for item in items)
    with rig.database.cursor() as cursor:
        rows = cursor.execute(f"select id::varchar{columns} from ({source})", params.values).fetchall()
    return {row[0]: row[1:] for row in rows}


def check(rig: Rig, items: list[Filter]) -> None:
    found = answers(rig, items)
    events = rig.rows()
    assert len(found) == len(events)
    for row in events:
        held = properties_of(row)
        for item, answer in zip(items, found[row.id], strict=True):
            assert answer is matches(item, held), (item, held.get(item.property))


def forget(rig: Rig) -> None:
    for generation in rig.buffers:
        rig.tables.drop_buffer(generation)
    rig.buffers.clear()
    rig.parts.clear()


@settings(
    max_examples=examples(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(properties, min_size=20, max_size=40), st.lists(filters(), min_size=25, max_size=25))
def test_filters_mean_in_sql_what_they_are_defined_to_mean(
    shared_rig: Rig, state: State, sent: list[dict[str, Any]], items: list[Filter]
) -> None:
    rig = shared_rig
    made = [event("e", "ann", NOON + place, **held) for place, held in enumerate(sent)]
    rig.place([rig.batch(piece, country="DE") for piece in in_pieces(made, 4)], state)
    try:
        check(rig, items)
    finally:
        forget(rig)


def test_numbers_compare_exactly_whatever_their_size_and_form(rig: Rig) -> None:
    stored: list[Any] = [*BORDERS, *FRACTIONS, 2**64, -(2**63) - 1, 10**30, "10", True, None, [10]]
    rig.buffer(rig.batch([event("e", "ann", NOON, n=value) for value in stored]))
    operators = [Operator.EXACT, Operator.IS_NOT, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE]
    for operator in operators:
        check(rig, [Filter("n", operator, value) for value in [*BORDERS, *FRACTIONS]])


@pytest.mark.parametrize("most", [0, MAX_COMPARED])
def test_a_list_means_any_of_its_values_whatever_their_size_and_form(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(filters_in_sql, "MAX_COMPARED", most)
    stored: list[Any] = [
        *BORDERS, *FRACTIONS, *TEXTS, *PAGES, -0.0, 2**64, -(2**63) - 1, 10**30, True, False, None, [10], ["a"], {},
    ]  # fmt: skip
    rig.buffer(rig.batch([event("e", "ann", NOON, **{"n": value, "$current_url": value}) for value in stored]))
    numbers = [*BORDERS, *FRACTIONS]
    lists: list[tuple[Any, ...]] = [
        *(tuple(numbers[start::3]) for start in range(3)), tuple(TEXTS[::2]), tuple(PAGES[::2]), tuple(PAGES[1::2]),
        (0, -0.0, "10", True), (1e300, -1e300), (0.5, 2.5), (True, False, True), (*numbers, *TEXTS, *PAGES, True),
    ]  # fmt: skip
    for name in ("n", "$current_url"):
        for operator in (Operator.EXACT, Operator.IS_NOT):
            check(rig, [Filter(name, operator, values) for values in lists])


def test_a_long_list_means_the_same_wherever_it_is_asked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [
        event(
            "view" if n % 2 else "buy", f"p{n % 7}", NOON + n, session=f"s{n % 8}" if n % 3 else None, n=n % 50, plan=f"{n % 9}"
        )
        for n in range(120)
    ]
    rig.place_events(sent, "mixed", batches=4)
    numbers, plans = (
        {"property": "n", "value": [*range(0, 50, 3)]},
        {"property": "plan", "operator": "is_not", "value": ["1", "4"]},
    )
    common = {"date_from": iso_ms(NOON), "date_to": iso_ms(NOON + DAY_MS), "filters": [plans]}
    series = [{"name": "view", "filters": [numbers], "math": math} for math in ("unique_persons", "per_session")]
    steps = [{"event": "view", "filters": [numbers]}, {"event": "buy"}]
    seen = {**common, "filters": [plans, numbers, {"property": "$entry_page", "operator": "is_not_set"}]}
    rules = (Rule(event="view", filters=parse_filters([numbers])), Rule(event="buy", filters=parse_filters([plans])))
    now: dict[str, Any] = {"timezone": "UTC", "now_ms": NOON}

    def answered(rig: Rig) -> list[Any]:
        context = rig.context()
        return [
            trends(context, parse_trends_query({"events": series, "breakdown": "plan", "breakdown_limit": 2, **common}, **now)),
            *(
                funnel(context, parse_funnel_query({"steps": steps, "breakdown": "plan", "aggregate_by": by, **common}, **now))
                for by in ("person", "session")
            ),
            overview(context, parse_overview_query(seen, **now), NOON),
            rig.rows(matcher=Matcher(None, rules=rules)),
        ]  # fmt: skip

    one_by_one = answered(rig)
    monkeypatch.setattr(filters_in_sql, "MAX_COMPARED", 0)
    with opened(rig.folder / "other") as fresh:  # which remembers no steps
        fresh.place_events(sent, "mixed", batches=4)
        looked_up = answered(fresh)
    assert one_by_one[-1]
    assert looked_up[:-1] == one_by_one[:-1]
    assert named(looked_up[-1]) == named(one_by_one[-1])


def test_every_text_operator_is_right_on_every_pair_of_texts(rig: Rig) -> None:
    stored = [*TEXTS, *PAGES]
    rig.buffer(rig.batch([event("e", "ann", NOON, **{"$current_url": text, "plan": text}) for text in stored]))
    for operator in (Operator.EXACT, Operator.IS_NOT, Operator.ICONTAINS, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE):
        for name in ("$current_url", "plan"):
            check(rig, [Filter(name, operator, value) for value in stored if value or operator is not Operator.ICONTAINS])
    for name in ("$current_url", "plan"):
        check(rig, [Filter(name, operator, value) for value in REGEXES for operator in (Operator.REGEX, Operator.NOT_REGEX)])


def test_an_enriched_value_is_filtered_like_a_client_s_own(rig: Rig) -> None:
    rig.buffer(
        rig.batch([event("own", "ann", NOON, **{"$browser": "Chrome"}), event("enriched", "ann", NOON)]),
        rig.batch(
            [event("null", "ann", NOON, **{"$browser": None}), event("number", "ann", NOON) | {"properties": {"$browser": 5}}]
        ),
        rig.batch([event("nothing", "ann", NOON)], user_agent=""),
    )

    def found(*items: Filter) -> set[str]:
        return {row.event for row in rig.rows(Scope(0, MAX_TIMESTAMP_MS, items, include_bots=True))}

    assert found(Filter("$browser", Operator.EXACT, "Chrome")) == {"own", "enriched"}
    assert found(Filter("$browser", Operator.IS_SET)) == {"own", "enriched", "number"}
    assert found(Filter("$browser", Operator.EXACT, 5)) == {"number"}
    assert found(Filter("$browser", Operator.IS_NOT, "Chrome")) == {"null", "number", "nothing"}
    assert found(Filter("$browser", Operator.IS_SET), Filter("$browser", Operator.IS_NOT, 5)) == {"own", "enriched"}


def test_filters_of_the_scope_and_of_the_matcher_hold_at_once(rig: Rig, state: State) -> None:
    sent = [event("view" if n % 2 else "buy", "ann", NOON + n, n=n, plan="pro" if n % 3 else "free") for n in range(60)]
    rig.place_events(sent, state)
    scope = Scope(NOON + 10, NOON + 50, (Filter("plan", Operator.EXACT, "pro"),), include_bots=True)
    rows = rig.rows(scope, Matcher("view", (Filter("n", Operator.GT, 20), Filter("n", Operator.LTE, 40))))
    assert [row.timestamp_ms - NOON for row in rows] == [n for n in range(49, 9, -1) if n % 2 and n % 3 and 20 < n <= 40]


def test_an_expression_that_does_not_compile_is_the_caller_s_fault(rig: Rig, state: State) -> None:
    rig.place_events([event("e", "ann", NOON, plan="pro")], state, batches=1)
    for pattern in ["(", "[", "a**", "*", "(?<x", r"\1", r"(?=a)", "a{2000}", "\\", "a{1000}{1000}", r"\p{Nope}"]:
        wrong = rig.engine.check_regex(pattern)
        assert wrong, pattern
        assert "\n" not in wrong
        with pytest.raises(ValidationFailed, match="filters"):
            rig.rows(Scope(0, MAX_TIMESTAMP_MS, (Filter("plan", Operator.REGEX, pattern),)))


def test_an_expression_that_compiles_is_no_fault(rig: Rig) -> None:
    for pattern in [*REGEXES, "", "(?s).", "(?P<n>a)", r"\p{Greek}", "a{1000}", "\0", "ü", "'; select 1"]:
        assert rig.engine.check_regex(pattern) is None, pattern
