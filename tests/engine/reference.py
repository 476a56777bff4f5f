"""The engine's answers, worked out slowly from the rows at rest: which session an event is in, which events a query means.

Shares with the engine only the definition of a filter (`sv.model.filters.matches`), which is itself the reference for SQL.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.model.filters import Filter, matches
from sv.model.limits import MINUTE_MS
from tests.engine.rig import Rig

GAP_MS = 30 * MINUTE_MS


@dataclass(frozen=True)
class Row:
    """One event at rest. session: its own session id. properties: with enrichment."""

    id: str
    event: str
    at_ms: int
    distinct_id: str
    person: int
    session: str | None
    is_bot: bool
    properties: dict[str, Any]


def rows_of(rig: Rig, project: str = "p") -> list[Row]:
    """Everything, by time and arrival."""
    found: list[Row] = []
    for held in rig.table("*, epoch_ms(timestamp) as at_ms", project):
        typed = {name: held[column] for name, column in STRING_PROPERTY_COLUMNS.items() if held[column] is not None}
        if held["is_bot"]:
            typed["$is_bot"] = True
        found.append(
            Row(
                str(held["id"]), held["event"], held["at_ms"], held["distinct_id"], held["person"], held["session_id"],
                held["is_bot"] is True, typed | json.loads(held["properties"]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda row: (row.at_ms, row.id))


def session_ids(rows: Iterable[Row]) -> dict[str, str]:
    """The session of every event: its own, or the one that its person's events without a session make."""
    found: dict[str, str] = {}
    by_person: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.at_ms, row.id)):
        if row.session is None:
            by_person[row.person].append(row)
        else:
            found[row.id] = row.session
    for person, mine in by_person.items():
        started_ms = last_ms = None
        for row in mine:
            if started_ms is None or last_ms is None or row.at_ms - last_ms > GAP_MS:
                started_ms = row.at_ms
            found[row.id] = f"auto-{person}-{started_ms}"
            last_ms = row.at_ms
    return found


def holds(row: Row, filters: Sequence[Filter], event: str | None = None) -> bool:
    """Whether an event has the name, if one is given, and meets all filters."""
    return (event is None or row.event == event) and all(matches(item, row.properties) for item in filters)


def in_scope(
    row: Row, from_ms: int, to_ms: int, filters: Sequence[Filter] = (), include_bots: bool = False
) -> bool:  # fmt: skip
    """Whether an insight sees the event at all."""
    return from_ms <= row.at_ms < to_ms and (include_bots or not row.is_bot) and holds(row, filters)
