"""`events` in SQL: one project's rows of a snapshot, from files and buffers as one relation; and conditions over its rows.

Every statement of this package that reads events starts from `relation`, which is what keeps one project's data out of another's
answers: files lie by project, and buffer rows are taken by project.
"""

from pathlib import Path
from typing import Final

from sv.engine.duck.drain import buffer_name
from sv.engine.duck.filters import all_of
from sv.engine.duck.files import read_files
from sv.engine.duck.schema import COLUMN_LIST, COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.port import Matcher, Scope
from sv.model.snapshot import Snapshot

SESSION_GAP: Final = "interval 30 minutes"
"""A derived session is a person's events that carry no session id, with no gap over this (API.md, "Ingest")."""


def relation(snapshot: Snapshot, data_folder: Path, params: Params) -> str:
    """A select with the columns of `schema.COLUMNS` over every event of the snapshot."""
    selects: list[str] = []
    if snapshot.parts:
        selects.append(read_files([data_folder / part.path for part in snapshot.parts]))
    for generation in snapshot.buffers:
        project = params.bind(snapshot.project_id)
        selects.append(f"select {COLUMN_LIST} from {buffer_name(generation)} where project_id = {project}")
    if not selects:
        nothing = ", ".join(f'null::{kind} as "{name}"' for name, kind in COLUMNS.items())
        return f"select {nothing} where false"
    return "\nunion all\n".join(selects)


def in_scope(scope: Scope, params: Params) -> list[str]:
    """The conditions of a scope, to be joined by `and`."""
    conditions = [
        f"timestamp >= make_timestamp_ms({params.bind(scope.from_ms)})",
        f"timestamp < make_timestamp_ms({params.bind(scope.to_ms)})",
    ]
    if not scope.include_bots:
        conditions.append("is_bot is not true")
    return conditions + all_of(scope.filters, params)


def matches(matcher: Matcher, params: Params) -> list[str]:
    """The conditions of a matcher, two-valued, to be joined by `and`."""
    named = [f"event = {params.bind(matcher.event)}"] if matcher.event is not None else []
    return named + all_of(matcher.filters, params)


def joined(conditions: list[str]) -> str:
    return "\n  and ".join(conditions) if conditions else "true"


def derived_sessions(source: str, condition: str) -> str:
    """A select of (id, person, started) for the events of `source` without a session id: when its derived session started.

    Exact for any time range whose rows are all in `source`: two events of a person are in one session when no gap between
    neighbours among the person's events from one to the other is over 30 minutes.
    """
    return f"""
    select id, person, min(timestamp) over (partition by person, nth) as started
    from (
      select *, count(*) filter (where is_start) over (partition by person order by timestamp, id) as nth
      from (
        select id, person, timestamp,
          coalesce(timestamp - lag(timestamp) over (partition by person order by timestamp, id) > {SESSION_GAP}, true) as is_start
        from {source}
        where session_id is null and {condition}
      )
    )
    """


SESSION_KEY: Final = "coalesce('=' || session_id, 'auto-' || person || '-' || epoch_ms(started))"
"""A session's identity in one text. The client's own ids are prefixed so that none can pass for a derived one."""


def keyed_sessions(source: str, condition: str) -> str:
    """A select of the rows of `source` that meet the condition, with `session_key`, derived where the client sent no id."""
    return f"""
    select e.*, {SESSION_KEY} as session_key
    from (select * from {source} where {condition}) e
    left join ({derived_sessions(source, condition)}) d using (id, person)
    """
