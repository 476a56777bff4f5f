"""Lists of events: a page by key, one event by its id, and the derived session of those that carry none."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from sv.engine.duck.relation import SESSION_GAP_MS, in_scope, joined, matches, session_starts
from sv.engine.duck.schema import ENRICHED_PROPERTIES
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS as PROPERTY_COLUMN
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import EventRow, Matcher, PageKeys, Scope
from sv.model.identity import Owner

_DERIVED_ID: Final = re.compile(r"auto-([0-9]{1,18})-([0-9]{1,15})")
_ENRICHED: Final = ", ".join(PROPERTY_COLUMN[name] for name in ENRICHED_PROPERTIES)


class DerivedSession(Struct, frozen=True):
    """What the id of a derived session says: whose it is, and when it started, in Unix ms."""

    person: int
    started_ms: int

    @property
    def id(self) -> str:
        """The id. It stays the same unless an earlier event of the session comes in late."""
        return f"auto-{self.person}-{self.started_ms}"

    @property
    def known_from_ms(self) -> int:
        """Events from here on are enough to show that the session starts where it does."""
        return self.started_ms - SESSION_GAP_MS


def derived_session(session_id: str | None) -> DerivedSession | None:
    """The derived session that this id stands for; None for an id that can't be one."""
    found = _DERIVED_ID.fullmatch(session_id) if session_id is not None else None
    if found is None:
        return None
    session = DerivedSession(int(found[1]), int(found[2]))
    return session if session.id == session_id else None


def page_sql(events: str, scope: Scope, persons: Sequence[int] | None, matcher: Matcher, keys: PageKeys, params: Params) -> Sql:
    """Rows for `event_row`, newest first. persons: whose events, in the place of those that carry `keys.distinct_id`."""
    return params.sql(f"""
        with events as not materialized ({events})
        select
          id::varchar, event, epoch_ms(timestamp), epoch_ms(received_at), distinct_id, anonymous_id, user_id, session_id, groups,
          properties, is_bot, person, {_ENRICHED}
        from events
        where {_on_page(scope, persons, matcher, keys, params)}
        order by timestamp desc, id desc
        limit {keys.limit:d}
        """)


def fitting_sql(
    events: str, scope: Scope, persons: Sequence[int] | None, matcher: Matcher, keys: PageKeys, most_bytes: int, params: Params
) -> Sql:
    """Two numbers: how many of the first rows have properties of at most `most_bytes` together, and how many rows there are."""
    return params.sql(f"""
        with events as not materialized ({events}),
          sizes as (
            select timestamp, id, strlen(properties) as size
            from events
            where {_on_page(scope, persons, matcher, keys, params)}
            order by timestamp desc, id desc
            limit {keys.limit:d}
          ),
          sums as (select sum(size) over (order by timestamp desc, id desc rows unbounded preceding) as so_far from sizes)
        select count(*) filter (where so_far <= {most_bytes:d}), count(*) from sums
        """)


def _on_page(scope: Scope, persons: Sequence[int] | None, matcher: Matcher, keys: PageKeys, params: Params) -> str:
    conditions = [in_scope(scope, params), matches(matcher, params)]
    if persons is not None:
        conditions.append(f"person in (select unnest({params.bind(list(persons))}::bigint[]))")
    elif keys.distinct_id is not None:
        conditions.append(f"distinct_id = {params.bind(keys.distinct_id)}")
    if keys.person is not None:
        conditions.append(f"person = {params.bind(keys.person)}")
    if keys.event_id is not None:
        conditions.append(f"id = {params.bind(keys.event_id)}::uuid")
    if keys.session_id is not None:
        conditions.append(_in_session(keys.session_id, scope.to_ms, params))
    if keys.before_ms is not None and keys.before_id is not None:
        before, before_id = params.bind(keys.before_ms), params.bind(keys.before_id)
        conditions.append(
            f"(timestamp < make_timestamp_ms({before}) or (timestamp = make_timestamp_ms({before}) and id < {before_id}::uuid))"
        )
    return joined(conditions)


def _in_session(session_id: str, to_ms: int, params: Params) -> str:
    """Rows of a session: by the client's id, or by a derived id."""
    own = f"session_id = {params.bind(session_id)}"
    derived = derived_session(session_id)
    if derived is None:
        return own
    person, started = params.bind(derived.person), params.bind(derived.started_ms)
    known_from, until = params.bind(derived.known_from_ms), params.bind(to_ms)
    sessions = session_starts(f"""
        select id, person, timestamp
        from events
        where session_id is null and person = {person}
          and timestamp >= make_timestamp_ms({known_from}) and timestamp < make_timestamp_ms({until})
        """)
    return f"({own} or id in (select id from ({sessions}) where epoch_ms(started) = {started}))"


def anonymous_persons(rows: list[tuple[Any, ...]]) -> list[int]:
    """The persons of an answer's events that carry no user id."""
    return sorted({row[11] for row in rows if row[6] is None})


def event_row(row: tuple[Any, ...], sessions: dict[str, str], owners: Mapping[int, Owner]) -> EventRow:
    """An answer's row as a value. sessions: the derived session id of each event without one. owners: persons that are others'."""
    event_id, event, timestamp, received, distinct_id, anonymous_id, user_id, session_id, groups, properties, is_bot = row[:11]
    enriched = {name: value for name, value in zip(ENRICHED_PROPERTIES, row[12:], strict=True) if value is not None}
    if is_bot:
        enriched["$is_bot"] = True
    owner = owners.get(row[11])
    if owner is not None:
        distinct_id = owner.distinct_id
    return EventRow(
        event_id, event, timestamp, received, distinct_id, anonymous_id, user_id,
        session_id if session_id is not None else sessions[event_id], groups or [], properties, enriched,
    )  # fmt: skip


class Sessionless(Struct, frozen=True):
    """An event without a session id of its own."""

    event_id: str
    person: int
    timestamp_ms: int


def sessionless(rows: list[tuple[Any, ...]]) -> list[Sessionless]:
    """The events of an answer whose session has to be derived."""
    return [Sessionless(row[0], row[11], row[2]) for row in rows if row[7] is None]


def sessions_sql(events: str, wanted: list[Sessionless], from_ms: int, params: Params) -> Sql:
    """(id, person, start in ms) of the wanted events' sessions, as far as events from `from_ms` on tell. At least one is wanted."""
    persons = params.bind(sorted({event.person for event in wanted}))
    ids = params.bind([event.event_id for event in wanted])
    until = params.bind(max(event.timestamp_ms for event in wanted))
    sessions = session_starts(f"""
        select id, person, timestamp
        from events
        where session_id is null and person in (select unnest({persons}::bigint[]))
          and timestamp >= make_timestamp_ms({params.bind(from_ms)}) and timestamp <= make_timestamp_ms({until})
        """)
    return params.sql(f"""
        with events as not materialized ({events})
        select id::varchar, person, epoch_ms(started)
        from ({sessions})
        where id in (select unnest({ids}::varchar[])::uuid)
        """)
