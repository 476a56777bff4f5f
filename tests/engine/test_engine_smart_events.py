"""Smart events in funnels, trends and pages: against plain Python, and against the same question asked with plain events and filters."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from sv.engine.port import Matcher
from sv.insights.events import list_events
from sv.insights.funnels import funnel
from sv.insights.trends import trends
from sv.model.errors import ValidationFailed
from sv.model.limits import DAY_MS, MINUTE_MS, SECOND_MS
from sv.model.queries import EventsQuery
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.model.saved_parsing import parse_smart_event
from sv.model.smart_events import Rule, SmartEvent
from sv.model.smart_queries import with_smart_event, with_smart_steps, with_smart_trends
from tests.engine import elements_reference
from tests.engine.funnel import oracle
from tests.engine.funnel.histories import legal_modes
from tests.engine.reference import Row, holds, in_scope, rows_of, session_ids
from tests.engine.rig import NOON, STATES, Event, Rig, State, event, opened_in_all_states

MODES = [sorted(modes) for modes in legal_modes()]
CHAINS: list[Any] = [
    [{"tag": "button", "id": "buy", "text": "Buy"}, {"tag": "form", "classes": ["checkout", "wide"]}],
    [{"tag": "span", "text": " Buy "}, {"tag": "button", "classes": ["btn"]}, {"tag": "form"}],
    [{"tag": "a", "attributes": {"href": "/x"}, "text": "More"}, {"tag": "nav"}],
    [{"tag": "b"}, {"tag": "a"}, {"tag": "i"}, {"tag": "a"}, {"tag": "nav"}],
    [],
    None,
    "no list",
]


def random_events(seed: int) -> list[Event]:
    """Persons with a dozen events each, many at one millisecond, most of them clicks with elements, a tenth from bots."""
    rng = random.Random(seed)
    made: list[Event] = []
    for person in range(40):
        for _ in range(rng.randrange(1, 22)):
            at_ms = NOON + rng.choice([0, 0, 20 * MINUTE_MS]) + rng.randrange(6) * rng.choice([1, SECOND_MS, 9 * MINUTE_MS])
            held: dict[str, Any] = {"n": rng.randrange(6)}
            if rng.random() < 0.7:
                held["$elements"] = rng.choice(CHAINS)
            if rng.random() < 0.7:
                held["$current_url"] = f"https://shop.example/{rng.choice(['cart/', 'cart?a=1', 'Cart', 'home'])}"
            if rng.random() < 0.6:
                held["plan"] = rng.choice(["pro", "free"])
            if rng.random() < 0.1:
                held["$is_bot"] = True
            made.append(
                event(rng.choice("aabc"), f"person-{person}", at_ms, session=rng.choice([None, f"s-{person % 7}"]), **held)
            )
    rng.shuffle(made)
    return made


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    with opened_in_all_states(tmp_path_factory, random_events(3)) as made:
        yield made


def smart(name: str, *rules: dict[str, Any]) -> SmartEvent:
    read = parse_smart_event({"name": name, "rules": list(rules)}).rules
    assert read is not None
    return SmartEvent(
        id=f"id-{name}", name=name, description="", rules=read, is_archived=False, version=1, created_ms=0, updated_ms=0
    )


def filtered(name: str, operator: str, value: Any) -> list[dict[str, Any]]:
    return [{"property": name, "operator": operator, "value": value}]


SMART = {
    each.id: each
    for each in (
        smart("any a", {"event": "a"}),
        smart("a or c", {"event": "a"}, {"event": "c"}),
        smart("small", {"event": "b", "properties": {"n": 1}}, {"event": "b", "filters": filtered("n", "exact", [2, 3])}),
        smart("cart", {"url": "/cart"}, {"url": "Cart", "url_match": "regex", "event": "a"}),
        smart("buy", {"selector": "form button"}, {"text": "Buy", "event": "a"}, {"selector": "nav > a b", "properties": {"n": 0}}),
        smart("nav", {"event": "a", "selector": "nav a"}, {"selector": "[href]", "filters": filtered("plan", "is_not", "pro")}),
        smart("not pro", {"filters": filtered("plan", "is_not", "pro")}),
        smart("nobody", {"event": "no such"}, {"selector": "#no.such > thing"}),
    )
}  # fmt: skip
FUNNELS: dict[str, list[dict[str, Any]]] = {
    "clicks": [{"action_id": "id-buy"}, {"action_id": "id-nav"}, {"action_id": "id-cart"}],
    "rows of several steps": [{"action_id": "id-not pro"}, {"action_id": "id-a or c"}, {"event": "a"}, {"action_id": "id-any a"}],
    "filtered too": [{"action_id": "id-a or c", "filters": filtered("n", "gte", 2)}, {"action_id": "id-small"}, {"event": "b"}],
    "one step twice": [{"action_id": "id-nav"}, {"action_id": "id-nav"}],
    "nobody": [{"action_id": "id-any a"}, {"action_id": "id-nobody"}],
}


def ask(rig: Rig, body: dict[str, Any]) -> dict[str, Any]:
    whole = {"date_from": "2025-06-15", "date_to": "2025-06-15", "conversion_window": "10m"} | body
    return funnel(rig.context(), with_smart_steps(parse_funnel_query(whole, timezone="UTC", now_ms=NOON), SMART))


def rule_holds(row: Row, rule: Rule) -> bool:
    looks_at_elements = rule.selector is not None or rule.text is not None
    return holds(row, rule.all_filters, rule.event) and (
        not looks_at_elements or elements_reference.holds(row.properties.get("$elements"), rule.selector, rule.text)
    )


def means(row: Row, smart_event: SmartEvent) -> bool:
    return any(rule_holds(row, rule) for rule in smart_event.rules)


def counts_of_oracle(rows: Sequence[Row], steps: list[dict[str, Any]], modes: list[str], by_session: bool) -> list[int]:
    """How many groups get to each step, by the plain reference."""
    query = parse_funnel_query({"steps": steps}, timezone="UTC", now_ms=NOON)
    sessions = session_ids(rows)
    groups: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        if in_scope(row, NOON - DAY_MS, NOON + DAY_MS):
            mask = 0
            for place, step in enumerate(query.steps):
                is_meant = step.action_id is None or means(row, SMART[step.action_id])
                mask |= (is_meant and holds(row, step.filters, step.event)) << place
            groups[sessions[row.id] if by_session else row.person].append((row.at_ms, mask))
    levels = [oracle.funnel(group, len(steps), 10 * MINUTE_MS, modes).level for group in groups.values()]
    return [sum(level > place for level in levels) for place in range(len(steps))]


# ---- Funnels ----


@pytest.mark.parametrize("name", FUNNELS)
def test_a_funnel_of_smart_events_is_that_of_the_reference_in_every_set_of_modes(rigs: dict[State, Rig], name: str) -> None:
    rows = rows_of(rigs["buffer"])
    reached: list[int] = []
    for number, modes in enumerate(MODES):
        by_session = number % 3 == 2
        expected = counts_of_oracle(rows, FUNNELS[name], modes, by_session)
        reached.append(expected[1])
        # One form answers each set of modes, all of them the first; the next funnel begins with another form.
        asked = list(rigs.values()) if number == 0 else [rigs[STATES[(number + len(name)) % len(STATES)]]]
        for rig in asked:
            body = {"steps": FUNNELS[name], "modes": modes, "aggregate_by": "session" if by_session else "person"}
            assert [step["count"] for step in ask(rig, body)["steps"]] == expected, modes
    assert (max(reached) > 0) == (name != "nobody"), "a test that nobody can fail"


PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "any a": ({"action_id": "id-any a"}, {"event": "a"}),
    "small": ({"action_id": "id-small"}, {"event": "b", "properties": {"n": [1, 2, 3]}}),
    "small and pro": (
        {"action_id": "id-small", "properties": {"plan": "pro"}},
        {"event": "b", "properties": {"n": [1, 2, 3], "plan": "pro"}},
    ),
}


def without_names(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what its steps are called."""
    for line in [answer, *answer.get("breakdowns", [])]:
        line["steps"] = [{key: step[key] for key in step.keys() - {"event", "action_id"}} for step in line["steps"]]
    return answer


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("more", [{}, {"breakdown": "plan", "breakdown_limit": 1}, {"aggregate_by": "session", "breakdown": "n"}])
def test_a_funnel_is_the_same_with_plain_events_that_say_the_same(
    rigs: dict[State, Rig], name: str, more: dict[str, Any]
) -> None:
    step, plain = PLAIN[name]
    for number, (state, rig) in enumerate(rigs.items()):
        modes = MODES[(7 * number + len(more)) % len(MODES)]
        others = [{"event": "c"}] if number % 3 else [{"event": "a"}, {"event": "c"}]
        place = number % 2 * len(others)
        asked = [{**more, "modes": modes, "steps": [*others[:place], item, *others[place:]]} for item in (step, plain)]
        found, expected = (without_names(ask(rig, body)) for body in asked)
        assert found == expected, (state, modes)


def test_a_step_shows_the_smart_event_s_name_and_id(rigs: dict[State, Rig]) -> None:
    found = ask(rigs["days"], {"steps": [{"action_id": "id-buy"}, {"event": "a"}]})["steps"]
    assert (found[0]["event"], found[0]["action_id"], found[1]["event"]) == ("buy", "id-buy", "a")
    assert "action_id" not in found[1]


def test_a_funnel_s_smart_events_have_a_thousand_conditions_at_most() -> None:
    many = smart("many", *[{"event": "a", "selector": "a > b c", "text": "x"} for _ in range(20)])
    assert sum(rule.condition_count for rule in many.rules) == 100
    for count in (10, 11):
        query = parse_funnel_query({"steps": [{"action_id": "id-many"}] * count}, timezone="UTC", now_ms=NOON)
        if count == 10:
            assert with_smart_steps(query, {"id-many": many}).steps[9].smart == many
        else:
            with pytest.raises(ValidationFailed, match=r"at most 1,000 conditions .* got 1,100"):
                with_smart_steps(query, {"id-many": many})


def test_other_rules_under_the_same_id_are_not_answered_from_what_is_kept(rig: Rig) -> None:
    rig.place_events(random_events(4), "days")
    body = {"date_from": "2025-06-15", "date_to": "2025-06-15", "steps": [{"action_id": "x"}, {"event": "b"}]}
    query = parse_funnel_query(body, timezone="UTC", now_ms=NOON)
    rows = [row for row in rows_of(rig) if in_scope(row, NOON - DAY_MS, NOON + DAY_MS)]
    for made in (SMART["id-buy"], SMART["id-nav"], SMART["id-any a"], SMART["id-buy"]):
        found = funnel(rig.context(), with_smart_steps(query, {"x": msgspec.structs.replace(made, id="x")}))
        assert found["steps"][0]["count"] == len({row.person for row in rows if means(row, made)})


# ---- Trends and pages ----


@pytest.mark.parametrize("action_id", SMART)
def test_a_trend_and_a_page_are_those_of_the_reference(rigs: dict[State, Rig], action_id: str) -> None:
    rows = rows_of(rigs["buffer"])
    meant = [row for row in rows if means(row, SMART[action_id])]
    seen = [row for row in meant if not row.is_bot]
    body = {
        "events": [{"action_id": action_id}, {"action_id": action_id, "math": "unique_persons"}],
        "date_from": "2025-06-15", "date_to": "2025-06-15", "interval": "day",
    }  # fmt: skip
    query = with_smart_trends(parse_trends_query(body, timezone="UTC", now_ms=NOON), SMART)
    page = with_smart_event(EventsQuery(limit=1000, action_id=action_id), SMART)
    for rig in rigs.values():
        total, unique = trends(rig.context(), query)["series"]
        assert (total["event"], total["action_id"]) == (SMART[action_id].name, action_id)
        assert (total["total"], unique["total"]) == (len(seen), len({row.person for row in seen}))
        listed = list_events(rig.context(), page)["data"]
        assert [each["id"] for each in listed] == sorted((row.id for row in meant), reverse=True)


def test_rules_look_at_one_project_s_events_alone(rig: Rig, state: State) -> None:
    click = event("a", "ann", NOON, **{"$elements": CHAINS[0]})
    rig.place([rig.batch([click]), rig.batch([event("a", "bob", NOON, **{"$elements": CHAINS[0]})], project="q")], state)
    for project, person in (("p", "ann"), ("q", "bob")):
        rows = rig.rows(matcher=Matcher(None, rules=SMART["id-buy"].rules), project=project)
        assert [row.distinct_id for row in rows] == [person]
