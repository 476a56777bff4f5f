"""Rules of smart events: how they are read, shown, and refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model import limits
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator
from sv.model.saved_parsing import (
    ChartKind,
    InsightKind,
    parse_insight,
    parse_insight_change,
    parse_preview,
    parse_smart_event,
    parse_smart_event_change,
)
from sv.model.smart_events import RULE_FIELDS, Rule, UrlMatch, normal_text, rule_json

NOW = 1743416430000
ASKED: dict[str, Any] = {"timezone": "UTC", "now_ms": NOW}


def read(*rules: Any) -> tuple[Rule, ...]:
    found = parse_smart_event({"name": "n", "rules": list(rules)}).rules
    assert found is not None
    return found


def faults(body: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as raised:
        parse_smart_event(body)
    return {detail.field: detail.message for detail in raised.value.details}


def test_a_rule_has_what_it_names() -> None:
    (rule,) = read({"event": " buy ", "properties": {"plan": "pro"}, "url": "/x", "selector": " a > b ", "text": " Buy\n now "})
    assert (rule.event, rule.filters, rule.url, rule.url_match, rule.text) == (
        "buy", (Filter("plan", Operator.EXACT, "pro"),), "/x", UrlMatch.EXACT, "Buy now",
    )  # fmt: skip
    assert rule.selector is not None
    assert rule.selector.text == "a > b"


@pytest.mark.parametrize(("match", "operator"), [("exact", "exact"), ("contains", "icontains"), ("regex", "regex")])
def test_a_url_is_short_for_a_filter(match: str, operator: str) -> None:
    (rule,) = read({"url": "/x", "url_match": match, "filters": [{"property": "a", "operator": "is_set"}]})
    assert rule.all_filters == (Filter("a", Operator.IS_SET), Filter("$current_url", Operator(operator), "/x"))


def test_a_rule_that_is_shown_is_read_as_itself() -> None:
    rules = read(
        {"event": "a", "filters": [{"property": "p", "operator": "exact", "value": [1, "x", True]}, {"property": "q", "operator": "is_set"}]},
        {"url": "^/x", "url_match": "regex", "properties": {"k": 1.5}},
        {"selector": r".md\:x > [a='\"']", "text": "é"},
    )  # fmt: skip
    assert read(*map(rule_json, rules)) == rules


def test_blanks_are_those_of_html() -> None:
    assert normal_text(" \t a \r\n\f b\u00a0c ") == "a b\u00a0c"


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        ({}, "rules[0]", "at least one of"),
        ({"filters": [], "properties": {}}, "rules[0]", "at least one of"),
        ({"url_match": "regex"}, "rules[0]", "at least one of"),
        ({"event": "a", "url_match": "exact"}, "rules[0].url_match", "none without a url"),
        ({"url": "/", "url_match": "like"}, "rules[0].url_match", "exact, contains, regex"),
        ({"url": "x" * 1001, "url_match": "regex"}, "rules[0].url", "1 to 1,000"),
        ({"selector": "a:hover"}, "rules[0].selector", "pseudo-classes are not supported) at character 2"),
        ({"selector": 5}, "rules[0].selector", "a string"),
        ({"text": " \n"}, "rules[0].text", "not blank"),
        ({"event": "a", "colour": 1}, "rules[0].colour", "unknown field"),
        ({"filters": [{"property": "p", "operator": "like"}]}, "rules[0].filters[0].operator", "exact"),
        ("a", "rules[0]", "an object"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_path(rule: Any, field: str, message: str) -> None:
    found = faults({"name": "n", "rules": [rule]})
    assert message in found[field], found


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "rules"}),
        ({"name": " ", "rules": []}, {"name", "rules"}),
        ({"name": "x" * 201, "rules": [{"event": "a"}] * 21}, {"name", "rules"}),
        ({"name": "n", "rules": [{"event": "a"}], "archived": True}, {"archived"}),
        ({"name": "n", "rules": [{"event": "a"}], "description": "x" * 2001}, {"description"}),
        ({"name": "n", "rules": [{"properties": {str(n): n for n in range(50)}}] * 3}, {"rules"}),
        ({"name": "n", "rules": [{"selector": " ".join(["a"] * 21)}] * 3}, {"rules"}),
        ({"name": "n", "rules": [{"url": str(n) * 8192} for n in range(9)]}, {"rules"}),
        ([], {"body"}),
    ],
)
def test_a_wrong_smart_event_is_refused_with_every_field(body: Any, fields: set[str]) -> None:
    assert set(faults(body)) == fields


def test_the_most_that_is_allowed_is_read() -> None:
    rules = read(*[{"properties": {str(n): n for n in range(5)}, "selector": "a b c"}] * limits.MAX_RULES)
    assert len(rules) == 20


def test_a_change_leaves_what_it_does_not_name() -> None:
    change = parse_smart_event_change({"archived": False})
    assert (change.name, change.description, change.rules, change.is_archived) == (None, None, None, False)
    assert parse_smart_event_change({"description": ""}).description == ""
    for body in ({}, {"name": None}, {"rules": None, "archived": None}):
        nothing = parse_smart_event_change(body)
        assert (nothing.name, nothing.description, nothing.rules, nothing.is_archived) == (None, None, None, None)


def test_a_preview_needs_rules_only_where_none_are_saved() -> None:
    assert parse_preview({}, **ASKED, needs_rules=False).rules is None
    with pytest.raises(ValidationFailed, match="rules"):
        parse_preview({}, **ASKED, needs_rules=True)
    asked = parse_preview({"rules": [{"event": "a"}], "limit": 0, "date_from": "-7d"}, **ASKED, needs_rules=True)
    assert (asked.rules, asked.query.limit) == ((Rule("a"),), 0)


def test_an_insight_is_kept_as_it_was_sent_and_its_faults_begin_in_query() -> None:
    body = {"name": "n", "kind": "trends", "query": {"events": [{"action_id": "x"}], "date_from": "-7d"}}
    made = parse_insight(body, **ASKED)
    assert (made.query, made.chart) == (b'{"events":[{"action_id":"x"}],"date_from":"-7d"}', None)
    assert parse_insight(body | {"chart": "bar"}, **ASKED).chart is ChartKind.BAR
    assert parse_insight_change({"chart": "line"}, InsightKind.TRENDS, **ASKED).chart is ChartKind.LINE
    for wrong, field in (
        ({"kind": "funnel"}, "query.steps"),
        ({"query": {"events": [{}]}}, "query.events[0].name"),
        ({"query": 5}, "query"),
        ({"kind": "x"}, "kind"),
        ({"chart": "pie"}, "chart"),
        ({"chart": 1}, "chart"),
        ({"kind": "funnel", "query": {"steps": [{"event": "a"}, {"event": "b"}]}, "chart": "bar"}, "chart"),
    ):
        with pytest.raises(ValidationFailed) as raised:
            parse_insight(body | wrong, **ASKED)
        assert field in {detail.field for detail in raised.value.details}, raised.value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
RULE = st.dictionaries(st.sampled_from(RULE_FIELDS), JSON | st.sampled_from(["a > b", "regex", "x"]), max_size=4)
FIELDS = st.sampled_from(["name", "description", "rules", "archived", "kind", "query", "chart", "limit", "date_from", "x"])


@given(st.dictionaries(FIELDS, JSON | st.lists(RULE, max_size=3), max_size=5) | JSON)
@settings(max_examples=150, deadline=None)
def test_any_body_is_read_or_refused(body: Any) -> None:
    for parse in (
        parse_smart_event,
        parse_smart_event_change,
        lambda sent: parse_preview(sent, **ASKED, needs_rules=True),
        lambda sent: parse_insight(sent, **ASKED),
        lambda sent: parse_insight_change(sent, InsightKind.FUNNEL, **ASKED),
    ):
        fault = fault_of(parse, body)
        assert fault is None or (fault.details and fault.message.encode())


def fault_of(parse: Callable[[Any], object], body: Any) -> ValidationFailed | None:
    try:
        parse(body)
    except ValidationFailed as fault:
        return fault
    return None
