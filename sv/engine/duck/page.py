"""Lists of events: a page by key, one event by its id, and the derived session of those that carry none."""

import re
from typing import Any, Final

from sv.engine.duck.relation import derived_sessions, in_scope, joined, matches
from sv.engine.duck.schema import ENRICHED_PROPERTIES
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS as PROPERTY_COLUMN
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import EventRow, Matcher, PageKeys, Scope

_DERIVED_ID: Final = re.compile(r"auto-([0-9]{1,18})-([0-9]{1,15})")
_ENRICHED: Final = ", ".join(PROPERTY_COLUMN[name] for name in ENRICHED_PROPERTIES)


def derived_session_id(person: int, started_ms: int) -> str:
    """The id of a session that the client gave none: stable as long as no earlier event of it comes in late."""
    return f"auto-{person}-{started_ms}"


def page_sql(events: str, scope: Scope, matcher: Matcher, keys: PageKeys, params: Params) -> Sql:
    """Rows for `event_row`, newest first."""
    conditions = [*in_scope(scope, params), *matches(matcher, params)]
    if keys.distinct_id is not None:
        conditions.append(f"distinct_id = {params.bind(keys.distinct_id)}")
    if keys.event_id is not None:
        conditions.append(f"id = {params.bind(keys.event_id)}::uuid")
    if keys.session_id is not None:
        conditions.append(_in_session(keys.session_id, params))
    if keys.before_ms is not None and keys.before_id is not None:
        before, before_id = params.bind(keys.before_ms), params.bind(keys.before_id)
        conditions.append(
            f"(timestamp < make_timestamp_ms({before}) or (timestamp = make_timestamp_ms({before}) and id < {before_id}::uuid))"
        )
    return params.sql(f"""
        with events as not materialized ({events})
        select
          id::varchar, event, epoch_ms(timestamp), epoch_ms(received_at), distinct_id, anonymous_id, user_id, session_id, groups,
          properties, is_bot, person, {_ENRICHED}
        from events
        where {joined(conditions)}
        order by timestamp desc, id desc
        limit {keys.limit:d}
        """)


def sessions_sql(events: str, persons: list[int], params: Params) -> Sql:
    """(id, person, start in ms) of every event without a session id of these persons."""
    condition = f"person in (select unnest({params.bind(persons)}::bigint[]))"
    return params.sql(f"""
        with events as not materialized ({events})
        select id::varchar, person, epoch_ms(started) from ({derived_sessions("events", condition)})
        """)


def event_row(row: tuple[Any, ...], sessions: dict[str, str]) -> EventRow:
    """An answer's row as a value. sessions: the derived session id of each event without one."""
    event_id, event, timestamp, received, distinct_id, anonymous_id, user_id, session_id, groups, properties, is_bot = row[:11]
    enriched = {name: value for name, value in zip(ENRICHED_PROPERTIES, row[12:], strict=True) if value is not None}
    if is_bot:
        enriched["$is_bot"] = True
    return EventRow(
        event_id, event, timestamp, received, distinct_id, anonymous_id, user_id,
        session_id if session_id is not None else sessions[event_id], groups or [], properties, enriched,
    )  # fmt: skip


def persons_without_session(rows: list[tuple[Any, ...]]) -> list[int]:
    return sorted({row[11] for row in rows if row[7] is None})


def _in_session(session_id: str, params: Params) -> str:
    """Rows of a session: by the client's id, or by a derived id, which names a person and a start."""
    own = f"session_id = {params.bind(session_id)}"
    derived = _DERIVED_ID.fullmatch(session_id)
    if derived is None:
        return own
    person, started = params.bind(int(derived[1])), params.bind(int(derived[2]))
    sessions = derived_sessions("events", f"person = {person}")
    return f"({own} or id in (select id from ({sessions}) where epoch_ms(started) = {started}))"
