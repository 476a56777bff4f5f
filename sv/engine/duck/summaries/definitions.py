"""Definitions: the names of events and of properties, how often, when, and with which values.

An item is one of

    "day"       event name, UTC day since 1970, events, first and last ms
    "property"  name, events that have it, of these how many a text, a date or time, a number, a boolean, an array, an object; examples
    "pair"      event name, then as a property

and a pair comes after the items of its names. What counts is what queries would see: a property that enrichment added counts like one that
the client sent, with its effective value (`sv.engine.duck.schema`). A null is no value.

An example is eight hexadecimal digits of the value's MD5 and the value as JSON. The least ones are kept, so that which five are shown
depends on the values alone.

TRICKY: `json_keys` and `json_extract` of every value list an object's members in the same order, and take it apart three times faster than
`json_each` or a map does. Values are grouped before anybody looks at them, so that a kind is told once for each different value.
"""

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import msgspec
from msgspec.structs import replace

from sv.engine.duck.parsed import parsed
from sv.engine.duck.properties import IS_BOT
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.summaries.known import NOTHING, Known
from sv.engine.duck.summaries.pieces import Row, fetched, in_pieces, where
from sv.engine.duck.summaries.regular import COUNTED, EVENTS, counted_sql, events_sql, named, rest_of
from sv.model import limits

KINDS: Final = ("string", "datetime", "number", "boolean", "array", "object")
"""The order of their counts."""

_DATE: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?"

ISO_8601: Final = f"{_DATE}(?:[T ]{_TIME})?"
"""A date, or a date and a time, as ISO 8601 and RFC 3339 write them. How many days a month has is not asked."""

_KIND: Final = f"""
    case value[1]
      when '"' then case when value[6] = '-' and regexp_full_match(value, '"{ISO_8601}"') then 'datetime' else 'string' end
      when '{{' then 'object'
      when '[' then 'array'
      when 't' then 'boolean'
      when 'f' then 'boolean'
      else 'number'
    end"""

# Of a double that is a whole number of 64 bits the number: 10 and 10.0 are one value, as for filters and breakdowns. DuckDB writes such
# doubles with a `.0`, and texts end in a quote.
_EXAMPLE: Final = """
    case when ends_with(value, '.0') and value::double between -9223372036854775808 and 18446744073709549568
      then value::double::hugeint::varchar else value end"""

_WRITINGS: Final = 3
"""Of one number in the client's JSON, at most: 0, 0.0 and -0.0."""

_LEAST: Final = (
    f"list_sort(list_distinct(min(left(md5(writing), {limits.EXAMPLE_DIGITS}) || writing, {limits.EXAMPLE_VALUES_MAX * _WRITINGS})))"
    f"[:{limits.EXAMPLE_VALUES_MAX}]"
)

_TYPED_NAMES: Final = ", ".join(f"'{name}'" for name in STRING_PROPERTY_COLUMNS)
_IS_CERTAIN: Final = f"""
    select coalesce(sum(events) filter (is_total), 0)::bigint, coalesce(bool_or(may_differ), false) from {COUNTED}
"""

_COUNTS: Final = ", ".join(("events", *(f"{kind}s" for kind in KINDS)))
_SUMMED: Final = ", ".join(f"sum({kind}s)::bigint as {kind}s" for kind in KINDS)


def summarise(cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, Any], known: Known) -> Iterator[Row]:
    """See the package. Events that have no other properties than those that are known are counted column by column, the rest one by one."""
    if known.names:
        shape = params | {"shape": msgspec.json.encode(dict.fromkeys(known.names, "JSON")).decode()}
        cursor.execute(f"create or replace temp table {EVENTS} as {events_sql(rows)}", params)
        cursor.execute(f"create or replace temp table {COUNTED} as {counted_sql(rows, known)}", shape)
        ((regular, may_differ),) = cursor.execute(_IS_CERTAIN).fetchall()
        if not may_differ:
            effective, names = named(known)
            yield from fetched(cursor.execute(_summary_sql(rows, effective, known), params | names))
            ((total,),) = cursor.execute(f"select count(*) from ({rows})", params).fetchall()
            if regular < total:
                yield from fetched(
                    cursor.execute(_summary_sql(rest_of(rows, known), _values(known), known, days="limit 0"), shape)
                )
            return
    yield from fetched(cursor.execute(parsed(cursor, summary_sql(rows, known)), params))


def summary_sql(rows: str, known: Known = NOTHING) -> str:
    """See the package."""
    known = replace(known, is_few=known.is_little)
    return _summary_sql(rows, _values(known), known)


def _summary_sql(rows: str, effective: str, known: Known, days: str = "") -> str:
    sums = {kind: where(f"kind = '{kind}'", "sum", "events", known) for kind in KINDS}
    counted = ", ".join(f"coalesce({events}, 0)::bigint as {kind}s" for kind, events in sums.items())
    return f"""
with source as not materialized ({rows}), {effective}, {_TOLD}, pairs as (
  select project_id, event, name, sum(events)::bigint as events, {counted}, coalesce({_LEAST}, []) as examples
  from told
  group by project_id, event, name
), properties as (
  select
    project_id, name, sum(pairs.events)::bigint as events, {_SUMMED},
    list_sort(list_distinct(flatten(list(examples))))[:{limits.EXAMPLE_VALUES_MAX}] as examples
  from pairs
  group by project_id, name
  {_first(limits.MAX_PROPERTIES_PER_SUMMARY, "sum(pairs.events) desc, name", known)}
), pairs_kept as (
  select *
  from pairs semi join properties using (project_id, name)
  {_first(limits.MAX_PAIRS_PER_SUMMARY, "events desc, event, name", known)}
), days as (
  select
    project_id, event, epoch_ms(timestamp) // {limits.DAY_MS} as day, count(*) as events,
    min(epoch_ms(timestamp)) as first_ms, max(epoch_ms(timestamp)) as last_ms
  from source
  group by all
  {days}
), items as (
  select project_id, 1 as rank, events, json_array('day', event, day, events, first_ms, last_ms) as item from days
  union all
  select project_id, 2, events, json_array('property', name, {_COUNTS}, examples) from properties
  union all
  select project_id, 3, events, json_array('pair', event, name, {_COUNTS}, examples) from pairs_kept
)
{in_pieces("from items", known, "rank, events desc")}
"""


def _first(count: int, order: str, known: Known) -> str:
    """Of each project the first rows alone. Few events have no more."""
    return "" if known.is_few else f"qualify row_number() over (partition by project_id order by {order}) <= {count}"


def _values(known: Known) -> str:
    """A row is a value of an event's property and how many events have it: `own` of what clients sent, `effective` of what queries see."""
    typed = {name: column for name, column in STRING_PROPERTY_COLUMNS.items() if column in known.columns}
    also = ""
    if typed:
        names, columns = ", ".join(f"'{name}'" for name in typed), ", ".join(typed.values())
        also += f"""
  union all
  select
    project_id, event, name, count(*) as events,
    case when strlen(value) <= {limits.MAX_EXAMPLE_BYTES} then to_json(value)::varchar else '"' end as value
  from (select project_id, event, unnest([{names}]::varchar[]) as name, unnest([{columns}]::varchar[]) as value from source)
  where value is not null
  group by all"""
    if known.has_bots:
        also += f"""
  union all
  select project_id, event, '{IS_BOT}', count(*), 'true' from source where is_bot group by project_id, event"""
    return f"""
members as (
  select
    project_id, event,
    unnest(json_keys(properties)[:{limits.MAX_PROPERTIES_PER_EVENT}]) as name,
    unnest(json_extract(properties, '$.*')[:{limits.MAX_PROPERTIES_PER_EVENT}])::varchar as value
  from source
), own as (
  select
    project_id, event, name, count(*) as events,
    -- of a long value its first character, which tells the kind
    case when strlen(value) <= {limits.MAX_EXAMPLE_BYTES} then value else left(value, 1) end as value
  from members
  where value <> 'null'
  group by all
), effective as (
  select project_id, event, name, events, value
  from own
  where not (name in ({_TYPED_NAMES}) and starts_with(value, '"')) and not (name = '{IS_BOT}' and value = 'true')
  {also}
)"""


_TOLD: Final = f"""
told as (
  select
    *, {_KIND} as kind,
    case when strlen(value) <= {limits.MAX_EXAMPLE_BYTES} and value not in ('"', '[', '{{') then {_EXAMPLE} end as writing
  from effective
  where length(name) between 1 and {limits.MAX_PROPERTY_NAME_CHARS}
)"""
