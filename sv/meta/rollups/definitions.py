"""Definitions: which events and properties there are, how often, when, and with which values.

Items are described in `sv.engine.duck.summaries.definitions`. Names are kept per project for all builds (`event_names`, `property_names`),
so that what owners wrote beside them and their places in lists outlive a rebuild; what was counted belongs to a build.

Bounded: beyond MAX_EVENT_NAMES, MAX_PROPERTY_NAMES and MAX_PROPERTY_PAIRS new ones are in no definition, which is logged once a build;
those that are known go on counting. Names that no build counts and of which nobody wrote anything give way first.
"""

import logging
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.rollups.change import Change
from sv.model.limits import (
    DAY_MS,
    EXAMPLE_VALUES_MAX,
    KEPT_VOLUME_DAYS,
    MAX_EVENT_NAMES,
    MAX_PROPERTY_NAMES,
    MAX_PROPERTY_PAIRS,
)

log = logging.getLogger(__name__)

Values = dict[str, str | int]

NAME: Final = "definitions"
VERSION: Final = 1

TABLES: Final[dict[str, str]] = {
    "event_rollups": "(build, event) in (select build, event from event_rollups where build = ?1 limit ?2)",
    "event_day_rollups": "(build, event, day) in (select build, event, day from event_day_rollups where build = ?1 limit ?2)",
    "property_rollups": "(build, property) in (select build, property from property_rollups where build = ?1 limit ?2)",
    "event_property_rollups": """(build, event, property) in (
      select build, event, property from event_property_rollups where build = ?1 limit ?2
    )""",
    "definition_builds": "build = ?1 and ?2 > 0",
}

_COUNTS: Final = ("event_count", "strings", "datetimes", "numbers", "booleans", "arrays", "objects")
_COUNT_LIST: Final = ", ".join(_COUNTS)


def _counted(first: int) -> str:
    """The counts and examples of an item, from this place on."""
    return ", ".join([*(f"value ->> {first + place}" for place in range(len(_COUNTS))), f"value -> {first + len(_COUNTS)}"])


# Items on their way, each text taken apart once. A pair is there where both its names are known.
_STAGES: Final = (
    "create temp table if not exists new_days (name, day, events, first_ms, last_ms)",
    f"create temp table if not exists new_properties (name, {_COUNT_LIST}, examples)",
    f"create temp table if not exists new_pairs (event, property, {_COUNT_LIST}, examples, is_new)",
    "delete from new_days",
    "delete from new_properties",
    "delete from new_pairs",
)
_STAGE_DAYS: Final = """
    insert into new_days
    select value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
    from jsonb_each(:content)
    where value ->> 0 = 'day'
"""
_STAGE_PROPERTIES: Final = f"""
    insert into new_properties
    select value ->> 1, {_counted(2)}
    from jsonb_each(:content)
    where value ->> 0 = 'property'
"""
_STAGE_PAIRS: Final = f"""
    insert into new_pairs
    select
      e.id, p.id, {_counted(3)},
      not exists (select 1 from event_property_rollups r where r.build = :build and r.event = e.id and r.property = p.id)
    from jsonb_each(:content) j
    cross join event_names e on e.project_id = :project_id and e.name = j.value ->> 1
    cross join property_names p on p.project_id = :project_id and p.name = j.value ->> 2
    where j.value ->> 0 = 'pair'
"""


class _Names(Struct, frozen=True):
    """Names of events or of properties. items: a select with `name`. order: the first to be added first. chosen: whom room goes to first.

    flag: of `definition_builds`.
    """

    table: str
    rollups: str
    column: str
    items: str
    order: str
    chosen: str
    most: int
    flag: str
    in_words: str


_EVENT_NAMES: Final = _Names(
    "event_names", "event_rollups", "event",
    "select name, min(first_ms) as first_ms from new_days group by name", "first_ms, name", "first_ms, name",
    MAX_EVENT_NAMES, "is_full_of_events", "event names",
)  # fmt: skip

# The rarest first: lists begin with the name that came last.
_PROPERTY_NAMES: Final = _Names(
    "property_names", "property_rollups", "property",
    "select name, event_count from new_properties", "event_count, name desc", "event_count desc, name",
    MAX_PROPERTY_NAMES, "is_full_of_properties", "property names",
)  # fmt: skip

_MERGE_EVENTS: Final = """
    insert into event_rollups (build, event, first_seen_ms, last_seen_ms)
    select :build, n.id, min(d.first_ms), max(d.last_ms)
    from new_days d
    cross join event_names n on n.project_id = :project_id and n.name = d.name
    where true
    group by n.id
    on conflict (build, event) do update set
      first_seen_ms = min(first_seen_ms, excluded.first_seen_ms),
      last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)
"""

_MERGE_DAYS: Final = """
    insert into event_day_rollups (build, event, day, event_count)
    select :build, n.id, d.day, d.events
    from new_days d
    cross join event_names n on n.project_id = :project_id and n.name = d.name
    where d.day >= :first_day
    on conflict (build, event, day) do update set event_count = event_count + excluded.event_count
"""

_FORGET_DAYS: Final = """
    delete from event_day_rollups
    where build = :build and day < :first_day and event in (
      select n.id from new_days d cross join event_names n on n.project_id = :project_id and n.name = d.name
    )
"""

# The least of both. Nothing to do where the five that are there are all less than the new ones, as they mostly are.
_LEAST_EXAMPLES: Final = f"""
    examples = case
      when excluded.examples in ('[]', examples) then examples
      when json_array_length(examples) = {EXAMPLE_VALUES_MAX} and examples ->> -1 <= excluded.examples ->> 0 then examples
      else (
        select json_group_array(value order by value)
        from (
          select value from json_each(examples)
          union
          select value from json_each(excluded.examples)
          order by value
          limit {EXAMPLE_VALUES_MAX}
        )
      )
    end
"""
_ADDED_UP: Final = ", ".join([*(f"{name} = {name} + excluded.{name}" for name in _COUNTS), _LEAST_EXAMPLES])

_MERGE_PROPERTIES: Final = f"""
    insert into property_rollups (build, property, {_COUNT_LIST}, examples)
    select :build, n.id, {_COUNT_LIST}, examples
    from new_properties s
    cross join property_names n on n.project_id = :project_id and n.name = s.name
    where true
    on conflict (build, property) do update set {_ADDED_UP}
"""

_MERGE_PAIRS: Final = f"""
    insert into event_property_rollups (build, event, property, {_COUNT_LIST}, examples)
    select :build, event, property, {_COUNT_LIST}, examples
    from new_pairs
    where not is_new
    on conflict (build, event, property) do update set {_ADDED_UP}
"""

_ADD_PAIRS: Final = f"""
    insert into event_property_rollups (build, event, property, {_COUNT_LIST}, examples)
    select :build, event, property, {_COUNT_LIST}, examples
    from new_pairs
    where is_new
    order by event_count desc, event, property
    limit :room
"""


def apply(writer: apsw.Connection, change: Change, content: str) -> None:
    """See the package."""
    ((project_id,),) = writer.execute("select project_id from rollup_builds where build = ?", (change.build,)).fetchall()
    values: Values = {
        "build": change.build,
        "content": content,
        "project_id": str(project_id),
        "now_ms": change.now_ms,
        "first_day": change.now_ms // DAY_MS - KEPT_VOLUME_DAYS,
    }
    writer.execute("insert into definition_builds (build) values (:build) on conflict do nothing", values)
    for statement in _STAGES:
        writer.execute(statement)
    for statement in (_STAGE_DAYS, _STAGE_PROPERTIES):
        writer.execute(statement, values)
    for names in (_EVENT_NAMES, _PROPERTY_NAMES):
        _add_names(writer, names, values)
    for statement in (_MERGE_EVENTS, _MERGE_DAYS, _FORGET_DAYS, _MERGE_PROPERTIES, _STAGE_PAIRS, _MERGE_PAIRS):
        writer.execute(statement, values)
    _add_pairs(writer, values)


def delete_names(writer: apsw.Connection, project_id: str | None) -> None:
    """Forget the names of one project or of all, and what was written beside them, inside a transaction of the caller."""
    for table in ("event_names", "property_names"):
        writer.execute(f"delete from {table} where ?1 is null or project_id = ?1", (project_id,))


def prune_names(meta: Meta, project_id: str) -> None:
    """Forget the project's names that no event has any more and that nobody has written anything about."""
    with meta.transaction() as writer:
        for names in (_EVENT_NAMES, _PROPERTY_NAMES):
            writer.execute(_clear_out(names), {"project_id": project_id})


def _add_names(writer: apsw.Connection, names: _Names, values: Values) -> None:
    """Number the names that are new, as far as there is room for them."""
    known = f"select 1 from {names.table} n where n.project_id = :project_id and n.name = s.name"
    strangers = f"({names.items}) s where not exists ({known})"
    new = _number(writer, f"select count(*) from {strangers}", values)
    if not new:
        return
    room = names.most - _number(writer, f"select count(*) from {names.table} where project_id = :project_id", values)
    if new > room and not _number(writer, f"select {names.flag} from definition_builds where build = :build", values):
        writer.execute(_clear_out(names), values)
        room += writer.changes()
    if new > room:
        _say_full(writer, names.flag, f"{names.most:,} {names.in_words}", values)
    writer.execute(
        f"""
        insert into {names.table} (project_id, name, added_ms)
        select :project_id, name, :now_ms
        from (select * from {strangers} order by {names.chosen} limit :room)
        order by {names.order}
        """,
        {**values, "room": max(room, 0)},
    )


def _clear_out(names: _Names) -> str:
    """Delete names that are in no build and that nobody has written anything about."""
    return f"""
    delete from {names.table}
    where project_id = :project_id and description is null and not is_verified and not is_hidden and not exists (
      select 1
      from rollup_builds b cross join {names.rollups} r on r.build = b.build and r.{names.column} = {names.table}.id
      where b.project_id = :project_id
    )
    """


def _add_pairs(writer: apsw.Connection, values: Values) -> None:
    new = _number(writer, "select count(*) from new_pairs where is_new", values)
    if not new:
        return
    room = MAX_PROPERTY_PAIRS - _number(writer, "select pairs from definition_builds where build = :build", values)
    if new > room:
        _say_full(writer, "is_full_of_pairs", f"{MAX_PROPERTY_PAIRS:,} pairs of an event and a property", values)
    added = min(new, max(room, 0))
    writer.execute(_ADD_PAIRS, {**values, "room": added})
    writer.execute("update definition_builds set pairs = pairs + :added where build = :build", {**values, "added": added})


def _say_full(writer: apsw.Connection, flag: str, most: str, values: Values) -> None:
    """Log that some names are in no definition, once for each build."""
    writer.execute(f"update definition_builds set {flag} = 1 where build = :build and not {flag}", values)
    if writer.changes():
        log.warning("project %s has more than %s: new ones are left out of its lists of definitions", values["project_id"], most)


def _number(writer: apsw.Connection, sql: str, values: Values) -> int:
    ((number,),) = writer.execute(sql, values).fetchall()
    assert isinstance(number, int)
    return number
