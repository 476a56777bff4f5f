"""Puts smart events into queries that name them by id.

An unknown id is refused by its path: in a body as ValidationFailed, in a query string as InvalidParameter. Assumes smart events of the
query's own project; archived ones count like any other.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.limits import MAX_FUNNEL_CONDITIONS
from sv.model.queries import EventsQuery, FunnelQuery, Series, Step, TrendsQuery
from sv.model.smart_events import SmartEvent
from sv.model.validate import Problems, show

Part = TypeVar("Part", Series, Step)


def action_ids(query: TrendsQuery | FunnelQuery | EventsQuery) -> list[str]:
    """The ids of the smart events that the query names, each once, in order."""
    match query:
        case TrendsQuery():
            named = [item.action_id for item in query.series]
        case FunnelQuery():
            named = [item.action_id for item in query.steps]
        case EventsQuery():
            named = [query.action_id]
    return list(dict.fromkeys(action_id for action_id in named if action_id is not None))


def with_smart_trends(query: TrendsQuery, found: Mapping[str, SmartEvent], path: str = "events") -> TrendsQuery:
    """The query with its series' smart events. Raises ValidationFailed for ids that `found` lacks."""
    return msgspec.structs.replace(query, series=_filled(query.series, found, path))


def with_smart_steps(query: FunnelQuery, found: Mapping[str, SmartEvent], path: str = "steps") -> FunnelQuery:
    """The query with its steps' smart events. Raises ValidationFailed for ids that `found` lacks, and where their rules are too many."""
    steps = _filled(query.steps, found, path)
    count = sum(rule.condition_count for step in steps if step.smart is not None for rule in step.smart.rules)
    if count > MAX_FUNNEL_CONDITIONS:
        raise ValidationFailed.at(
            path, f"expected at most {MAX_FUNNEL_CONDITIONS:,} conditions in the rules of all smart events, got {count:,}"
        )
    return msgspec.structs.replace(query, steps=steps)


def with_smart_event(query: EventsQuery, found: Mapping[str, SmartEvent]) -> EventsQuery:
    """The query with the rules of its smart event. Raises InvalidParameter for an id that `found` lacks."""
    if query.action_id is None:
        return query
    smart = found.get(query.action_id)
    if smart is None:
        raise InvalidParameter(f"action_id: {_unknown(query.action_id)}")
    return msgspec.structs.replace(query, rules=smart.rules)


def _filled(items: tuple[Part, ...], found: Mapping[str, SmartEvent], path: str) -> tuple[Part, ...]:
    problems = Problems()
    filled: list[Part] = []
    for place, item in enumerate(items):
        if item.action_id is None:
            filled.append(item)
        elif item.action_id in found:
            filled.append(msgspec.structs.replace(item, smart=found[item.action_id]))
        else:
            problems.add(f"{path}[{place}].action_id", _unknown(item.action_id))
    problems.finish()
    return tuple(filled)


def _unknown(action_id: str) -> str:
    return f"expected the id of a smart event of this project, got {show(action_id)}"
