"""Trends in SQL: a measure by bucket and breakdown value, over explicit bucket starts.

Starts come from the calendar, so time zones and daylight saving are settled before SQL sees them. A row finds its bucket by
arithmetic: time is cut into cells as wide as the shortest bucket, a list tells in which bucket each cell begins, and another when the
next one does, of which a cell has the start of one at most.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from sv.engine.duck.keys.session_codes import digest_sql
from sv.engine.duck.properties import Property
from sv.engine.duck.relation import in_range, in_scope, joined, keyed_sessions, matches
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import Matcher, Measure, Scope

OTHER_SLOT: Final = 0
NO_VALUE_SLOT: Final = -1

_MEASURES: Final[dict[str, str]] = {
    "total": "count(*)",
    "unique_persons": "count(distinct person)",
    "unique_sessions": "count(distinct session_key)",
    "per_session": "count(*) / nullif(count(distinct session_key), 0)",
    "median": "quantile_cont(number, 0.5)",
    "p90": "quantile_cont(number, 0.9)",
    "p95": "quantile_cont(number, 0.95)",
    "p99": "quantile_cont(number, 0.99)",
}


# Doubles are summed as integers: those of a band of forty powers of two, scaled, are of up to 94 bits, which leaves a hugeint room for the
# sum of 2 ** 33 of them. Scaling takes two steps, since 2 ** 1150 is no double.
_BAND: Final = (
    "case when number = 0 or abs(number) between 2e-5 and 16e6 then 0 else floor((log2(abs(number)) + 16) / 40)::integer end"
)
_SCALE: Final = "case when band = 0 then 34359738368.0::double else pow(2.0::double, 35 - 20 * band) end"
_SUMS: Final = f"""
    select slot, bucket, band, sum((number * scale * scale)::hugeint), count(*)
    from (select *, {_SCALE} as scale from (select *, {_BAND} as band from slotted))
    group by slot, bucket, band
    """
_EACH: Final = "select slot, bucket, number, count(*) as events from slotted group by all"

_PIECES: Final = {
    "events": "select slot, bucket, count(*) from slotted group by all",
    "persons": "select slot, bucket, person from slotted group by all",
    "sessions": f"""
        select slot, bucket, {digest_sql("session_key")} as digest, count(*) as events from slotted group by slot, bucket, session_key
        """,
}

_NUMBER_PIECES: Final[dict[str, str]] = {
    "sum": _SUMS,
    "avg": _SUMS,
    "min": "select slot, bucket, min(number) from slotted group by all",
    "max": "select slot, bucket, max(number) from slotted group by all",
    **dict.fromkeys(("median", "p90", "p95", "p99"), _EACH),
}


def scaled_by(band: int) -> int:
    """The power of two by which the sums of `number_pieces_sql` are scaled, for a band."""
    return 70 - 40 * band


def needs_sessions(measure: Measure) -> bool:
    return measure in ("unique_sessions", "per_session")


def top_values_sql(
    events: str, scope: Scope, matcher: Matcher, number_of: str | None, breakdown: str, limit: int, params: Params
) -> Sql:
    """(value, events) of the breakdown values of most events that are measured, as JSON texts, most first, at most limit + 1; no row for
    "no value"."""
    conditions = [in_scope(scope, params), matches(matcher, params)]
    if number_of is not None:
        conditions.append(f"({Property(number_of, params).number()}) is not null")
    return params.sql(f"""
        with events as not materialized ({events})
        select {Property(breakdown, params).json()} as value, count(*)
        from events
        where {joined(conditions)}
        group by value
        having value is not null
        order by count(*) desc, value
        limit {limit + 1:d}
        """)


def cells_sql(
    events: str,
    scope: Scope,
    matcher: Matcher,
    measure: Measure,
    number_of: str | None,
    starts_ms: Sequence[int],
    breakdown: str | None,
    top: Sequence[str],
    params: Params,
) -> Sql:
    """(slot, bucket or null for the whole range, measure).

    slot: 1-based place in `top`, OTHER_SLOT beyond it, NO_VALUE_SLOT for events without the property; without a breakdown all
    events are in NO_VALUE_SLOT. bucket: from 0.
    """
    slotted = _slotted(events, scope, matcher, needs_sessions(measure), number_of, starts_ms, breakdown, top, params)
    return params.sql(f"""
        {slotted}
        select slot, bucket, ({_MEASURES[measure]})::double
        from slotted
        group by grouping sets ((slot, bucket), (slot))
        """)


def pieces_sql(
    events: str,
    scope: Scope,
    matcher: Matcher,
    starts_ms: Sequence[int],
    breakdown: str | None,
    top: Sequence[str],
    params: Params,
    *,
    of: Literal["events", "persons", "sessions"],
) -> Sql:
    """(slot, bucket, events), (slot, bucket, person) or (slot, bucket, digest, events), of each cell, person or session once: what can be
    put together with others'. Arguments and columns as of `cells_sql`."""
    return params.sql(f"""
        {_slotted(events, scope, matcher, of == "sessions", None, starts_ms, breakdown, top, params)}
        {_PIECES[of]}
        """)


def number_pieces_sql(
    events: str,
    scope: Scope,
    matcher: Matcher,
    measure: Measure,
    number_of: str,
    starts_ms: Sequence[int],
    breakdown: str | None,
    top: Sequence[str],
    params: Params,
) -> Sql:
    """What a measure of numbers can be put together from, exactly: for sums and averages (slot, bucket, band, sum, events), integers, the
    sum being 2 ** `scaled_by(band)` times as great; for extremes (slot, bucket, number); for quantiles (slot, bucket, number, events), each
    number once. Arguments and columns as of `cells_sql`."""
    return params.sql(f"""
        {_slotted(events, scope, matcher, False, number_of, starts_ms, breakdown, top, params)}
        {_NUMBER_PIECES[measure]}
        """)


def _slotted(
    events: str,
    scope: Scope,
    matcher: Matcher,
    by_session: bool,
    number_of: str | None,
    starts_ms: Sequence[int],
    breakdown: str | None,
    top: Sequence[str],
    params: Params,
) -> str:
    """The head of a statement with `slotted`: slot, bucket, person, session_key and number of each event that is measured."""
    condition = f"({joined([in_scope(scope, params), matches(matcher, params)])})"
    columns = {
        **({"value": Property(breakdown, params).json()} if breakdown is not None else {}),
        "bucket": bucket_of(starts_ms, params),
        "number": Property(number_of, params).number() if number_of is not None else "null::double",
    }
    if by_session:
        matched = keyed_sessions("events", columns, in_range(scope, params), condition)
    else:
        named = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        matched = f"select person, {named}, null::varchar as session_key from events where {condition}"
    measured = "where number is not null" if number_of is not None else ""
    head = f"""
        with events as not materialized ({events}),
        matched as ({matched}),"""
    if breakdown is None:  # a join with nothing takes longer than all else of a small statement
        return f"""{head}
        slotted as (
          select {NO_VALUE_SLOT} as slot, bucket, person, session_key, number
          from matched
          {measured}
        )"""
    return f"""{head}
        top as (
          select unnest({params.bind(list(top))}::varchar[]) as value, unnest(range(1, {len(top) + 1})) as slot
        ),
        slotted as (
          select
            case when value is null then {NO_VALUE_SLOT} else coalesce(slot, {OTHER_SLOT}) end as slot, bucket, person, session_key,
            number
          from matched left join top using (value)
          {measured}
        )"""


def bucket_of(starts_ms: Sequence[int], params: Params) -> str:
    if len(starts_ms) == 1:
        return "0"
    first, last = starts_ms[0], len(starts_ms) - 1
    since = f"(epoch_ms(timestamp) - {params.bind(first)})"
    offsets = [start - first for start in starts_ms[1:]]
    if all(offset == offsets[0] * place for place, offset in enumerate(offsets, start=1)):
        return f"least({since} // {params.bind(offsets[0])}, {last})"
    width = min(following - start for start, following in pairwise((0, *offsets)))
    cells = offsets[-1] // width
    begun = params.bind([bisect_right(offsets, cell * width) for cell in range(cells + 1)])
    nexts = params.bind([*offsets, 1 << 62])
    bucket = f"list_extract({begun}::integer[], least({since} // {params.bind(width)}, {cells}) + 1)"
    return f"({bucket} + ({since} >= list_extract({nexts}::bigint[], {bucket} + 1))::integer)"
