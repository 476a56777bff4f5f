"""Two projects never see each other's events, whatever is asked and however the events are held."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sv.engine.port import Matcher, PageKeys, Scope
from sv.insights.events import get_event, list_events
from sv.insights.funnels import funnel
from sv.insights.trends import trends
from sv.model.errors import NotFound
from sv.model.filters import Filter, Operator
from sv.model.queries import EventsQuery
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.engine.rig import ALL, LIMITS, NOON, Rig, State, event, events, in_pieces

STORY = "ann: view#s@0m, buy#s@1m, view@2m; bob: view@0m, buy@40m"


def secret(project: str) -> list[dict[str, Any]]:
    """The same story with the same people in either project, but for what gives the project away."""
    return [made | {"properties": {"owner": project, f"only_{project}": 1}} for made in events(STORY)]


def twins(rig: Rig, state: State) -> None:
    """Two projects whose requests take turns."""
    batches = [
        rig.batch(piece, project=project)
        for pieces in zip(*(list(in_pieces(secret(project) * 3, 6)) for project in ("p", "q")), strict=True)
        for project, piece in zip(("p", "q"), pieces, strict=True)
    ]
    rig.place(batches, state)


TODAY: dict[str, Any] = {"date_from": "2025-06-15", "date_to": "2025-06-15"}


def ask_trends(rig: Rig, project: str, body: dict[str, Any]) -> Any:
    return trends(rig.context(project), parse_trends_query(TODAY | body, timezone="UTC", now_ms=NOON))


def ask_funnel(rig: Rig, project: str, body: dict[str, Any]) -> Any:
    body = {"steps": [{"event": "view"}, {"event": "buy"}], "conversion_window": "1h"} | body
    return funnel(rig.context(project), parse_funnel_query(TODAY | body, timezone="UTC", now_ms=NOON))


def ask_list(rig: Rig, project: str, **query: Any) -> Any:
    listed = list_events(rig.context(project), EventsQuery(limit=1000, **query))
    return [{key: value for key, value in item.items() if key != "id"} for item in listed["data"]]


QUESTIONS: dict[str, Callable[[Rig, str], Any]] = {
    "list": ask_list,
    "list by person": lambda rig, project: ask_list(rig, project, distinct_id="ann"),
    "list by session": lambda rig, project: ask_list(rig, project, session_id="s"),
    "list by filter": lambda rig, project: ask_list(rig, project, filters=(Filter("owner", Operator.IS_SET),)),
    "trends": lambda rig, project: ask_trends(rig, project, {"events": [{"name": "view", "math": math} for math in ("total", "unique_persons", "unique_sessions")]}),
    "breakdown": lambda rig, project: ask_trends(rig, project, {"events": [{"name": "view"}], "breakdown": "owner", "breakdown_limit": 1}),
    "funnel": lambda rig, project: ask_funnel(rig, project, {"breakdown": "owner"}),
    "funnel by session": lambda rig, project: ask_funnel(rig, project, {"breakdown": "owner", "aggregate_by": "session"}),
    "strict funnel": lambda rig, project: ask_funnel(rig, project, {"modes": ["strict_order"]}),
    "funnel of rows": lambda rig, project: ask_funnel(rig, project, {"modes": ["strict_once", "strict_deduplication"]}),
}  # fmt: skip


def swapped(answer: Any) -> Any:
    """An answer about q as it would be about p."""
    if isinstance(answer, dict):
        return {("only_p" if key == "only_q" else key): swapped(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [swapped(item) for item in answer]
    return "p" if answer == "q" else answer


def without_derived(answer: Any) -> Any:
    """Derived session ids name a person's number, which differs between projects."""
    if isinstance(answer, dict):
        return {key: "auto" if str(value).startswith("auto-") else without_derived(value) for key, value in answer.items()}
    return [without_derived(item) for item in answer] if isinstance(answer, list) else answer


def test_an_answer_is_what_it_would_be_if_the_other_project_were_not_there(rig: Rig, state: State) -> None:
    nothing = {question: ask(rig, "p") for question, ask in QUESTIONS.items()}
    twins(rig, state)
    for question, ask in QUESTIONS.items():
        mine, theirs = ask(rig, "p"), ask(rig, "q")
        assert "only_q" not in repr(mine) and "'q'" not in repr(mine), question
        assert without_derived(swapped(theirs)) == without_derived(mine), question
        assert mine != nothing[question], question
        assert ask(rig, "nobody's") == nothing[question], question


def test_every_way_into_the_engine_keeps_to_its_project(rig: Rig, state: State) -> None:
    twins(rig, state)
    view, scope = Matcher("view"), Scope(0, NOON * 2)
    mine = {number for (project, _), number in rig.persons.numbers.items() if project == "p"}
    snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
    rows = rig.engine.page(snapshot, scope, Matcher(None), PageKeys(1000), LIMITS)
    assert len(rows) == 15
    assert all('"owner":"p"' in row.properties for row in rows)
    keys = rig.engine.funnel_keys(snapshot, scope, [view], 1000, "person", True, LIMITS)
    assert keys.foreign is not None
    assert {int(key) >> keys.bits for key in np.concatenate([*keys.steps[0], *keys.foreign])} == mine
    found = rig.engine.funnel_rows(snapshot, scope, [view], 1000, "person", True, True, LIMITS)
    assert {int(key) >> found.bits for key in found.keys} == mine
    values = rig.engine.first_values(snapshot, scope, view, "owner", "person", None, LIMITS)
    assert (values.groups.tolist(), values.values) == (sorted(mine), ['"p"'])
    cells = rig.engine.trend(snapshot, scope, view, "total", None, [0], "owner", 5, LIMITS)
    assert (cells.values, cells.totals.tolist()) == (['"p"'], [9.0])


def test_no_id_of_another_project_leads_anywhere(rig: Rig, state: State) -> None:
    twins(rig, state)
    context = rig.context("p")
    for row in rig.rows(project="q"):
        with pytest.raises(NotFound):
            get_event(context, row.id)
        if row.session_id.startswith("auto-"):
            # Both projects number their persons from 1 on, so that the name may be that of a session of the project's own.
            found = list_events(context, EventsQuery(session_id=row.session_id))["data"]
            assert {item["id"] for item in found} <= {own.id for own in rig.rows()}


def test_a_project_whose_name_is_sql_is_a_project_like_any_other(rig: Rig) -> None:
    awkward = "p' or '1'='1"
    rig.buffer(rig.batch([event("e", "ann", NOON)], project=awkward), rig.batch([event("e", "ann", NOON)] * 2))
    assert (len(rig.rows(ALL, project=awkward)), len(rig.rows(ALL)), len(rig.rows(ALL, project="p'"))) == (1, 2, 0)
