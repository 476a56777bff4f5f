"""Lists of events: newest first, page by page, and one event by its id.

A page reads the newest files first and goes further back only as long as it isn't full, so its cost follows the page, not the project.
No stretch of time is read twice for a page.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import msgspec

from sv.engine.port import EventRow, Matcher, PageKeys, Scope
from sv.insights.runner import Context
from sv.model.calendar import iso_ms
from sv.model.cursor import Cursor, encode_cursor
from sv.model.errors import NotFound
from sv.model.limits import MAX_PROPERTIES_BYTES, MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.queries import EventsQuery

FIRST_STRETCH_ROWS = 100_000
"""Rows of files that the first stretch of a page may cover; with each further one they are eight times more."""

NARROWER = 8
"""So many times more may be covered where one person is asked for: few of the rows are looked at."""


PAGE_BYTES: Final = 8 * 1024**2
"""Of events' properties, after which a page ends before it has as many events as were asked for: a thousand of the largest would be 60 MB,
and an answer is in memory until its client has taken it."""

SURE_EVENTS: Final = PAGE_BYTES // MAX_PROPERTIES_BYTES
"""As many fit, whatever they hold. SCAR: of more the engine is asked first how many do. It ordered all that were asked for with all that
they hold, which was more than a small server's memory, and then failed within itself (DuckDB 2.0), so that the server ended."""


def list_events(context: Context, query: EventsQuery) -> dict[str, Any]:
    """A page in the contract's shape: `data` and `meta`."""
    cursor = query.cursor
    wanted = query.limit + 1  # one more than asked for tells whether there is a next page
    keys = PageKeys(
        limit=wanted,
        before_ms=cursor.ts if cursor else None,
        before_id=cursor.id if cursor else None,
        distinct_id=query.distinct_id,
        person=query.person,
        session_id=query.session_id,
    )
    matcher = Matcher(query.event, rules=query.rules)
    to_ms = min(query.dates.to_ms, cursor.ts + 1) if cursor else query.dates.to_ms
    rows: list[EventRow] = []
    is_cut = False
    allowed = FIRST_STRETCH_ROWS * (NARROWER if query.person is not None else 1)
    parts = context.engine.holding(context.snapshot.within(query.dates.from_ms, to_ms), keys).parts
    for from_ms, until_ms in _stretches(parts, query.dates.from_ms, to_ms, allowed):
        scope = Scope(from_ms, until_ms, query.filters, include_bots=True)
        still = msgspec.structs.replace(keys, limit=wanted - len(rows))
        if still.limit > SURE_EVENTS:
            left = PAGE_BYTES - sum(map(_size, rows))
            count, is_all = context.engine.fitting(context.snapshot, scope, matcher, still, left, context.limits)
            is_cut = not is_all
            still = msgspec.structs.replace(still, limit=count or int(not rows))
        rows += context.engine.page(context.snapshot, scope, matcher, still, context.limits) if still.limit else []
        if is_cut or len(rows) == wanted:
            break
    page = rows[: _fitting(rows[: query.limit])]
    has_more = is_cut or len(rows) > len(page)
    next_cursor = encode_cursor(Cursor(page[-1].timestamp_ms, page[-1].id)) if has_more else None
    return {"data": [event_json(row) for row in page], "meta": {"next_cursor": next_cursor, "has_more": has_more}}


def _fitting(rows: Sequence[EventRow]) -> int:
    """How many of the first rows a page has, which is one at least where there is one."""
    return min(sum(size <= PAGE_BYTES for size in accumulate(map(_size, rows))) or 1, len(rows))


def _size(row: EventRow) -> int:
    return len(row.properties.encode())


def get_event(context: Context, event_id: str) -> dict[str, Any]:
    """One event. Raises NotFound. Its id says when it happened, so only files of that moment are read."""
    at_ms = event_time_ms(event_id)
    scope = Scope(at_ms, at_ms + 1, include_bots=True)
    rows = context.engine.page(context.snapshot, scope, Matcher(None), PageKeys(1, event_id=event_id), context.limits)
    if not rows:
        raise NotFound(f"no event {event_id} (event_id)")
    return event_json(rows[0])


def event_time_ms(event_id: str) -> int:
    """The event's own time, from the first 48 bits of its UUIDv7."""
    return min(int(event_id.replace("-", "")[:12], 16), MAX_TIMESTAMP_MS)


def event_json(row: EventRow) -> dict[str, Any]:
    """An event as the contract shows it. Enrichment fills in only keys that the client didn't send."""
    properties: dict[str, Any] = msgspec.json.decode(row.properties)
    return {
        "id": row.id,
        "event": row.event,
        "timestamp": iso_ms(row.timestamp_ms),
        "received_at": iso_ms(row.received_ms),
        "distinct_id": row.distinct_id,
        "anonymous_id": row.anonymous_id,
        "user_id": row.user_id,
        "session_id": row.session_id,
        "groups": row.groups,
        "properties": properties | {name: value for name, value in row.enriched.items() if name not in properties},
    }


def _stretches(parts: Sequence[Part], from_ms: int, to_ms: int, allowed: int) -> Iterator[tuple[int, int]]:
    """[from, to) cut into ever longer stretches, newest first: so many rows of the newest files, and at last all that is left.
    parts: by their newest event, newest first."""
    covered = 0
    until_ms = to_ms
    for part, following in pairwise(parts):
        covered += part.rows
        if covered >= allowed:
            start_ms = following.max_ts_ms + 1
            if from_ms < start_ms < until_ms:
                yield start_ms, until_ms
                until_ms = start_ms
                allowed = covered * 8
    yield from_ms, until_ms
