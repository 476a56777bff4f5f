"""A plan of events and what departs from it."""

from typing import Any

import pytest

from sv.model.command_limits import MAX_DEPARTURES, MAX_PLANNED_PROPERTIES
from sv.model.errors import InvalidParameter
from sv.model.event_plan import ArrivedEvent, Comparison, EventPlan, Plan, PropertyPlan, kind_of, make_plan


def arrived(name: str, **properties: Any) -> ArrivedEvent:
    return ArrivedEvent(name, "2026-01-31T12:00:00.000Z", properties, user_id="ann")


def departures(plan: Plan, *events: ArrivedEvent, is_strict: bool = False, is_complete: bool = False) -> list[tuple[Any, ...]]:
    comparison = Comparison(plan, is_strict=is_strict)
    for event in events:
        comparison.add(event)
    found = comparison.departures(is_complete=is_complete)
    return [(each.wrong, each.event, each.property, each.expected, each.got, each.count, each.of) for each in found]


BUY = Plan({"buy": EventPlan({"amount": PropertyPlan(("number",), required=True), "coupon": PropertyPlan(("string", "null"))})})


def test_what_is_as_planned_is_no_departure() -> None:
    fitting = [arrived("buy", amount=1), arrived("buy", amount=1.5, coupon=None), arrived("buy", amount=2, coupon="x")]
    assert departures(BUY, *fitting, is_strict=True, is_complete=True) == []


def test_each_departure_is_told_once_with_how_many_events_have_it() -> None:
    events = [
        arrived("buy", amount="9"),
        arrived("buy", amount="8"),
        arrived("buy", coupon=True),
        arrived("by"),
        arrived("buy", amount=1, x=[]),
    ]
    assert departures(BUY, *events) == [
        ("changed type", "buy", "amount", "number", "string", 2, 4),
        ("missing property", "buy", "amount", "number", "nothing", 1, 4),
        ("changed type", "buy", "coupon", "string or null", "boolean", 1, 4),
        ("unknown event", "by", None, "a planned event", "by", 1, 1),
    ]
    assert ("unexpected property", "buy", "x", "no such property", "array", 1, 4) in departures(BUY, *events, is_strict=True)


def test_a_planned_event_that_never_came_departs_only_from_a_complete_run() -> None:
    assert departures(BUY) == []
    assert departures(BUY, is_complete=True) == [("event that never came", "buy", None, "at least one", "none", 0, 0)]


def test_names_of_the_clients_own_are_looked_at_only_where_the_plan_names_the_event() -> None:
    view = arrived("$pageview", **{"$current_url": "https://x.test/"})
    assert departures(BUY, view, is_strict=True) == []
    planned = Plan({"$pageview": EventPlan({"title": PropertyPlan(("string",), required=True)})})
    assert departures(planned, view, is_strict=True) == [("missing property", "$pageview", "title", "string", "nothing", 1, 1)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"), (True, "boolean"), (0, "number"), (1.5, "number"), ("", "string"), ([], "array"), ({}, "object"),
        ("2026-01-31", "datetime"), ("2026-01-31T12:00:00.123Z", "datetime"), ("2026-01-31 12:00+02:00", "datetime"),
        ("2026-01-31 and later", "string"), ("20260131", "string"),
    ],
)  # fmt: skip
def test_a_value_is_of_the_kind_that_it_looks_like(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


def test_a_text_that_looks_like_a_date_is_a_text_too() -> None:
    text = Plan({"e": EventPlan({"at": PropertyPlan(("string",))})})
    date = Plan({"e": EventPlan({"at": PropertyPlan(("datetime",))})})
    assert departures(text, arrived("e", at="2026-01-31")) == []
    assert departures(date, arrived("e", at="2026-01-31")) == []
    assert departures(date, arrived("e", at="soon")) == [("changed type", "e", "at", "datetime", "string", 1, 1)]


def test_events_keep_to_the_plan_that_is_made_of_them() -> None:
    events = [
        arrived("buy", amount=1, at="2026-01-31"), arrived("buy", amount=2.5, at="soon", coupon=None),
        arrived("view", **{"$own": 1}), arrived("$pageview"),
    ]  # fmt: skip
    plan = make_plan(events)
    assert plan == Plan(
        {
            "buy": EventPlan(
                {
                    "amount": PropertyPlan(("number",), required=True),
                    "at": PropertyPlan(("string",), required=True),
                    "coupon": PropertyPlan(("null",)),
                }
            ),
            "view": EventPlan(),
        }
    )
    assert departures(plan, *events, is_strict=True, is_complete=True) == []


def test_names_made_of_data_are_refused_as_a_plan_and_cut_off_as_departures() -> None:
    with pytest.raises(InvalidParameter, match="belong into properties"):
        make_plan([arrived("e", **{f"k{n}": 1 for n in range(MAX_PLANNED_PROPERTIES + 1)})])
    comparison = Comparison(BUY, is_strict=False)
    for n in range(MAX_DEPARTURES + 5):
        comparison.add(arrived(f"e{n}"))
    assert len(comparison.departures(is_complete=False)) == MAX_DEPARTURES
    assert comparison.is_cut
