"""A funnel's entries in SQL: packed keys of (group, time), by step or with a mask of steps, and the first step's breakdown values.

A key is (group << bits) | (ms - origin), with 2^bits beyond time span + window, so that adding the window to a key never reaches the next
group (INVARIANT FUNNEL-1). The group is the person's number or, for sessions and where both don't fit into 64 bits, a number given out
within the query to the groups that did step 1.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.engine.duck.files import read_files
from sv.engine.duck.keys.session_codes import digest_sql
from sv.engine.duck.properties import Property
from sv.engine.duck.relation import in_range, in_scope, keyed_sessions, matches, of_scope
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import GroupBy, Matcher, Scope

KEY_BITS: Final = 64
TAG_BITS: Final = 32


class Packing(Struct, frozen=True):
    """How group and time share 64 bits. `origin_ms` is the earliest time that occurs."""

    origin_ms: int
    bits: int


def packing_of(min_ms: int, max_ms: int, window_ms: int) -> Packing:
    """The narrowest time field for events of [min_ms, max_ms] and this window.

    A window longer than the span says no more than the span itself and costs no bits (`sv.insights.funnel.keys`).
    """
    span_ms = max_ms - min_ms
    return Packing(min_ms, max(1, (span_ms + min(window_ms, span_ms)).bit_length()))


def time_range_sql(events: str, scope: Scope, params: Params) -> Sql:
    """One row: the first and the last event time of the scope in ms, null where there is none."""
    return params.sql(f"""
        with events as not materialized ({events})
        select epoch_ms(min(timestamp)), epoch_ms(max(timestamp)) from events where {in_range(scope, params)}
        """)


def step_keys_sql(events: str, scope: Scope, step: Matcher, packing: Packing, params: Params) -> Sql:
    """One column: the key of each event that matches the step, grouped by person."""
    return params.sql(f"""
        with events as not materialized ({events})
        select {_key("person", packing, params)} as key
        from events
        where {in_scope(scope, params)}
          and {matches(step, params)}
        """)


def file_matches_sql(paths: Sequence[Path], scope: Scope, steps: Sequence[Matcher], packing: Packing, params: Params) -> Sql:
    """(key, tag) of the files' events that match a step at whatever time; a tag is (place in `paths` << steps) | mask of steps.

    What is kept of a file must not hang on the range and the window of a query, so `packing` has neither. With several steps, rows that
    match none may be among the answer's: to look for them costs more than to pass over them.
    """
    conditions = [matches(step, params) for step in steps]
    names = [step.event for step in steps if step.event is not None]
    is_named = len(names) == len(steps) > 1
    wanted = (
        f"event in ({', '.join(map(params.bind, names))})"
        if is_named
        else " or ".join(f"({condition})" for condition in conditions)
    )
    mask = (
        "1"
        if len(steps) == 1
        else " | ".join(f"(case when {condition} then {1 << place} else 0 end)" for place, condition in enumerate(conditions))
    )
    kind = "uinteger" if len(steps) + len(paths).bit_length() <= TAG_BITS else "ubigint"
    return params.sql(f"""
        with events as not materialized ({read_files(paths, with_index=True)})
        select {_key("person", packing, params)} as key, (file_index::{kind} << {len(steps)}) | ({mask})::{kind} as tag
        from events
        where {of_scope(scope, params)}
          and ({wanted})
        """)


def reads_properties(step: Matcher) -> bool:
    """Whether the step looks into the events' JSON, which is most of a file's bytes."""
    # Values are bound, so the condition's own text names columns alone.
    return "properties" in matches(step, Params())


def foreign_keys_sql(
    events: str, scope: Scope, steps: Sequence[Matcher], packing: Packing, params: Params, *, of_starters: bool
) -> Sql:
    """One column: the keys of the rows that match no step; of_starters: of the persons who did step 1 alone."""
    condition = in_scope(scope, params)
    starters = (
        f"and person in (select person from events where {condition} and {matches(steps[0], params)})" if of_starters else ""
    )
    return params.sql(f"""
        with events as not materialized ({events})
        select {_key("person", packing, params)} as key
        from events
        where {condition}
          and not ({_some_step(steps, params)})
          {starters}
        """)


def rows_sql(
    events: str,
    scope: Scope,
    steps: Sequence[Matcher],
    packing: Packing,
    group_by: GroupBy,
    with_foreign: bool,
    in_order: bool,
    is_numbered: bool,
    params: Params,
) -> Sql:
    """(key, mask) of the rows of each group that did step 1; with_foreign: also of rows that match no step.

    in_order: by the events' ids, which is by time and arrival. is_numbered: groups are numbered within the query.
    """
    bits = " | ".join(f"(case when {matches(step, params)} then {1 << place} else 0 end)" for place, step in enumerate(steps))
    columns = {"id": "id", "mask": f"({bits})::uinteger"} if in_order else {"mask": f"({bits})::uinteger"}
    kept = "true" if with_foreign else _some_step(steps, params)
    return params.sql(f"""
        with events as not materialized ({events}),
        masked as materialized (
          {_grouped(scope, columns, kept, group_by, params)}
        ),
        starters as (
          select who, {_number(is_numbered)} as number
          from (select distinct who from masked where mask & 1 = 1)
        )
        select {_key("number", packing, params)} as key, mask
        from masked join starters using (who)
        {"order by id" if in_order else ""}
        """)


def first_values_sql(
    events: str, scope: Scope, step: Matcher, name: str, group_by: GroupBy, is_numbered: bool, params: Params
) -> Sql:
    """(group, value, ms) of each group that did the step: the property on its first event that matched, as JSON text or null, and when.

    Groups are numbered as in `rows_sql` of the same events, scope and first step.
    """
    return params.sql(f"""
        with events as not materialized ({events}),
        firsts as ({_firsts(scope, step, name, group_by, params)})
        select ({_number(is_numbered)})::ubigint as "group", first.value as value, epoch_ms(first.timestamp) as ms
        from firsts
        order by "group"
        """)


def session_rows_sql(events: str, scope: Scope, steps: Sequence[Matcher], origin_ms: int, params: Params) -> Sql:
    """(digest, since, mask) of each row that matches a step: its session, and ms since the origin."""
    bits = " | ".join(f"(case when {matches(step, params)} then {1 << place} else 0 end)" for place, step in enumerate(steps))
    rows = _grouped(scope, {"mask": f"({bits})::uinteger"}, _some_step(steps, params), "session", params)
    return params.sql(f"""
        with events as not materialized ({events})
        select {digest_sql("who")} as digest, (epoch_ms(timestamp) - {params.bind(origin_ms)})::ubigint as since, mask
        from ({rows})
        """)


def session_first_values_sql(events: str, scope: Scope, step: Matcher, name: str, params: Params) -> Sql:
    """(digest, value, ms) of each session that did the step, as `first_values_sql` has them."""
    return params.sql(f"""
        with events as not materialized ({events}),
        firsts as ({_firsts(scope, step, name, "session", params)})
        select {digest_sql("who")} as digest, first.value as value, epoch_ms(first.timestamp) as ms from firsts
        """)


def starters_sql(events: str, scope: Scope, step: Matcher, params: Params) -> Sql:
    """One column: the persons who did the step, in the order in which `rows_sql` numbers them."""
    return params.sql(f"""
        with events as not materialized ({events})
        select distinct person
        from events
        where {in_scope(scope, params)}
          and {matches(step, params)}
        order by person
        """)


def _grouped(scope: Scope, columns: Mapping[str, str], condition: str, group_by: GroupBy, params: Params) -> str:
    """A select of the scope's rows that meet the condition: timestamp, these columns, and `who`, a person's number or session's key."""
    kept = f"({in_scope(scope, params)} and ({condition}))"
    if group_by == "session":
        return f"select *, session_key as who from ({keyed_sessions('events', columns, in_range(scope, params), kept)})"
    named = "".join(f", {expression} as {name}" for name, expression in columns.items())
    return f"select timestamp{named}, person as who from events where {kept}"


def _firsts(scope: Scope, step: Matcher, name: str, group_by: GroupBy, params: Params) -> str:
    """A select of who did the step, and of the first event of each, with `value` and `timestamp`."""
    columns = {"id": "id", "value": Property(name, params).json()}
    return f"""
          select who, arg_min({{'value': value, 'timestamp': timestamp}}, id) as first
          from ({_grouped(scope, columns, matches(step, params), group_by, params)})
          group by who
        """


def _some_step(steps: Sequence[Matcher], params: Params) -> str:
    return " or ".join(f"({matches(step, params)})" for step in steps)


def _number(is_numbered: bool) -> str:
    """A group's number among all that did step 1, in the order of who they are; or the person's number, which `who` is then."""
    return "row_number() over (order by who) - 1" if is_numbered else "who"


def _key(group: str, packing: Packing, params: Params) -> str:
    origin = params.bind(packing.origin_ms)
    return f"(({group})::ubigint << {packing.bits:d}) | (epoch_ms(timestamp) - {origin})::ubigint"
