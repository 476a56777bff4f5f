"""A funnel's entries in SQL: packed keys of (group, time), by step or with a mask of steps, and the first step's breakdown values.

A key is (group << bits) | (ms - origin), with 2^bits beyond time span + window, so that adding the window to a key never reaches the next
group (ENGINE.md §2). The group is the person's number or, for sessions and where both don't fit into 64 bits, a number given out
within the query to the groups that did step 1.
"""

from typing import Final

from msgspec import Struct

from sv.engine.duck.properties import Property
from sv.engine.duck.relation import in_scope, joined, keyed_sessions, matches
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import GroupBy, Matcher, Scope

KEY_BITS: Final = 64


class Packing(Struct, frozen=True):
    """How group and time share 64 bits. `origin_ms` is the earliest time that occurs."""

    origin_ms: int
    bits: int


def packing_of(min_ms: int, max_ms: int, window_ms: int) -> Packing:
    """The narrowest time field for events of [min_ms, max_ms] and this window."""
    return Packing(min_ms, (max_ms - min_ms + window_ms + 1).bit_length())


def time_range_sql(events: str, scope: Scope, params: Params) -> Sql:
    """One row: the first and the last event time of the scope in ms, null where there is none."""
    return params.sql(f"""
        with events as not materialized ({events})
        select epoch_ms(min(timestamp)), epoch_ms(max(timestamp)) from events where {joined(in_scope(scope, params)[:2])}
        """)


def step_keys_sql(events: str, scope: Scope, step: Matcher, packing: Packing, params: Params) -> Sql:
    """One column: the key of each event that matches the step, grouped by person."""
    conditions = [*in_scope(scope, params), *matches(step, params)]
    return params.sql(f"""
        with events as not materialized ({events})
        select {_key("person", packing, params)} as key
        from events
        where {joined(conditions)}
        """)


def foreign_keys_sql(events: str, scope: Scope, steps: list[Matcher], packing: Packing, params: Params) -> Sql:
    """One column: the keys of the rows that match no step, of the persons who did step 1."""
    in_range = joined(in_scope(scope, params))
    some_step = " or ".join(f"({joined(matches(step, params))})" for step in steps)
    return params.sql(f"""
        with events as not materialized ({events})
        select {_key("person", packing, params)} as key
        from events
        where {in_range}
          and not ({some_step})
          and person in (select person from events where {in_range} and {joined(matches(steps[0], params))})
        """)


def rows_sql(
    events: str,
    scope: Scope,
    steps: list[Matcher],
    packing: Packing,
    group_by: GroupBy,
    with_foreign: bool,
    is_renumbered: bool,
    params: Params,
) -> Sql:
    """(key, mask) of the rows of each group that did step 1; with_foreign: also of rows that match no step.

    is_renumbered: persons are numbered anew within the query (sessions always are).
    """
    in_range = joined(in_scope(scope, params))
    if group_by == "session":
        rows, group = keyed_sessions("events", in_range), "session_key"
    else:
        rows, group = f"select * from events where {in_range}", "person"
    bits = " | ".join(
        f"(case when {joined(matches(step, params))} then {1 << place} else 0 end)" for place, step in enumerate(steps)
    )
    some_step = " or ".join(f"({joined(matches(step, params))})" for step in steps)
    kept = "true" if with_foreign else some_step
    numbered = group_by == "session" or is_renumbered
    number = "number" if numbered else "person"
    return params.sql(f"""
        with events as not materialized ({events}),
        masked as materialized (
          select {group} as who, timestamp, ({bits})::uinteger as mask
          from ({rows})
          where {kept}
        ),
        starters as (
          select who{", row_number() over (order by who) - 1 as number" if numbered else ""}
          from (select distinct who from masked where mask & 1 = 1)
        )
        select {_key(number if numbered else "who", packing, params)} as key, mask
        from masked join starters using (who)
        """)


def first_values_sql(
    events: str, scope: Scope, step: Matcher, name: str, group_by: GroupBy, is_renumbered: bool, params: Params
) -> Sql:
    """(group, value) of each group that did the step: the property on its first event that matched, as JSON text or null.

    Groups are numbered as in `rows_sql` of the same scope and first step.
    """
    in_range = joined(in_scope(scope, params))
    if group_by == "session":
        rows, group = keyed_sessions("events", in_range), "session_key"
    else:
        rows, group = f"select * from events where {in_range}", "person"
    value = Property(name, params).json()
    numbered = group_by == "session" or is_renumbered
    number = "(row_number() over (order by who) - 1)" if numbered else "who"
    return params.sql(f"""
        with events as not materialized ({events}),
        firsts as (
          select {group} as who, arg_min({{'value': {value}}}, {{'at': timestamp, 'id': id}}) as first
          from ({rows})
          where {joined(matches(step, params))}
          group by who
        )
        select {number}::ubigint as "group", first.value as value
        from firsts
        order by "group"
        """)


def _key(group: str, packing: Packing, params: Params) -> str:
    origin = params.bind(packing.origin_ms)
    return f"(({group})::ubigint << {packing.bits:d}) | (epoch_ms(timestamp) - {origin})::ubigint"
