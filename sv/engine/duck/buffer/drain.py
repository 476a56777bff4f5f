"""From logged batches to buffer rows: one pass of SQL, so that ingest keeps Python's lock to itself.

Decoding a batch in Python costs ingest its tail latency: with a flush beside it a p99 of 100 ms against 4. So Python only looks up what is
per request (the User-Agent) and DuckDB does what is per event: takes the JSON apart, enriches, drops repeated event ids, numbers
the persons, makes the event ids.

An event's id is a UUIDv7: 48 bits of the event's own time in milliseconds, then 45 bits of the log's sequence number, 11 of the
event's place in its batch and 18 of the data folder's salt. Replaying the log after a crash therefore gives each event the id
that readers saw before it. The log counts from 1 and stays below 2**44; batches of imports have the top one of the 45 bits set
(`sv.store.importing`), so that the two never meet.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from sv.engine.arrays import booleans, numbers, of_bytes, texts
from sv.engine.duck.buffer import enrich
from sv.engine.duck.buffer.column_stage import stage_columns
from sv.engine.duck.parsed import parsed
from sv.engine.duck.schema import COLUMNS, EVENTS_SHAPE
from sv.model.batch import StoredBatch
from sv.model.enrichment import LOOKED_AT
from sv.model.long_integers import may_have_long_integers


class Agent(Protocol):
    """What is known from a User-Agent header; `None` where it says nothing."""

    @property
    def browser(self) -> str | None: ...
    @property
    def browser_version(self) -> str | None: ...
    @property
    def os(self) -> str | None: ...
    @property
    def device_type(self) -> str | None: ...
    @property
    def is_bot(self) -> bool: ...


PIECES: Final = 8
"""Of a slice of batches: enough to keep a few threads busy, few enough to cost nothing."""

PIECE_BYTES: Final = 2 << 20
"""Of a piece's events, about: what lists of events take in memory while they are taken apart hangs on it."""

NumberPersons = Callable[[str, str], str]
"""(project_id, JSON array of distinct ids) -> JSON array of their numbers, in the same order."""

_BATCHES: Final = pa.schema(
    [
        ("seq", pa.uint64()),
        ("first", pa.int64()),
        ("project_id", pa.string()),
        ("received_ms", pa.int64()),
        ("browser", pa.string()),
        ("browser_version", pa.string()),
        ("os", pa.string()),
        ("device_type", pa.string()),
        ("is_bot", pa.bool_()),
        ("country", pa.string()),
        ("may_have_long", pa.bool_()),
        ("events", pa.string()),
    ]
)

EVENT_ID: Final = """(
    ((ts::ubigint << 16) | 28672::ubigint | ((seq >> 33) & 4095::ubigint))::uhugeint * 18446744073709551616::uhugeint + (
      9223372036854775808::ubigint | (((seq >> 19) & 16383::ubigint) << 48)
      | ((seq & 524287::ubigint) << 29) | (place::ubigint << 18) | $salt::ubigint
    )::uhugeint
  )::uuid"""
"""Of `ts` (Unix milliseconds), `seq` and `place`, in two halves: time, version 7 and 12 bits of the sequence number; variant, its other 33
bits, place and salt."""

_LONG_INTEGER: Final = r"[:,\[](?:-[0-9]{19}|[0-9]{20})"
"""Finds every integer outside 64 bits in canonical JSON, and now and then something else."""

_STAGE: Final = rf"""
create or replace temp table stage as
with lists as (
  select * exclude (events), from_json(events, $shape) as list from batches
), listed as (
  select * exclude (list), unnest(list) as e, first + unnest(range(len(list))) as place from lists
), flat as (
  select
    seq, place, project_id, received_ms, country, may_have_long, e.event as event, e.timestamp as ts,
    browser as agent_browser, browser_version as agent_version, os as agent_os, device_type as agent_device, is_bot as agent_bot,
    coalesce(e.properties::varchar, '{{}}') as properties,
    e.anonymousId as anonymous_id, e.userId as user_id, e.sessionId as session_id, e.groups as groups, e.eventId as client_event_id
  from listed
)
select
  {EVENT_ID} as id,
  event,
  make_timestamp_ms(ts) as timestamp,
  make_timestamp_ms(received_ms) as received_at,
  coalesce(user_id, anonymous_id) as distinct_id,
  anonymous_id, user_id, session_id, groups, client_event_id, properties,
  country, agent_browser, agent_version, agent_os, agent_device, agent_bot,
  project_id, seq, place,
  case when may_have_long then regexp_matches(properties, '{_LONG_INTEGER}') else false end as has_long_integer
from flat
"""

_STAGED: Final = """
select count(*), count(client_event_id), count(*) filter (where has_long_integer),
  count(*) filter (where id is null or event is null or distinct_id is null or timestamp is null)
from stage
"""

_REWRITE: Final = """
update stage set properties = rewritten.properties
from (
  select unnest($seqs::ubigint[]) as seq, unnest($places::bigint[]) as place, unnest($texts::varchar[]) as properties
) rewritten
where stage.seq = rewritten.seq and stage.place = rewritten.place
"""

_IS_WITHIN: Final = "s.received_at - r.received_at < to_milliseconds($window_ms)"
"""Of an event `s` and a remembered one `r` with its id: whether it counts as the same."""

_IS_SEEN: Final = f"""
exists (
  from {{seen}} r where r.project_id = s.project_id and r.client_event_id = s.client_event_id and {_IS_WITHIN}
)
"""
"""Of one event `s`."""

_SOME_ARE_SEEN: Final = f"exists (from {{table}} s join {{seen}} r using (project_id, client_event_id) where {_IS_WITHIN})"
"""Of a table's events, without asking for each."""

_HAS_REPEATS: Final = f"""
select {_SOME_ARE_SEEN.format(table="stage", seen="{seen}")} or exists (
  select 1 from stage where client_event_id is not null group by project_id, client_event_id having count(*) > 1
)
"""

_UNDECIDED: Final = """
create or replace temp table undecided as
select project_id, client_event_id, received_at, seq, place
from stage s
where client_event_id is not null and not {is_seen}
"""

_KEEP_FIRST: Final = """
insert into kept by name
select project_id, client_event_id, unnest(min({'seq': seq, 'place': place, 'received_at': received_at}))
from undecided
group by project_id, client_event_id
"""

_DECIDE: Final = """
delete from undecided using kept
where kept.project_id = undecided.project_id and kept.client_event_id = undecided.client_event_id
  and undecided.received_at - kept.received_at < to_milliseconds($window_ms)
"""

# Numbers are given in this order, and persons are listed by their numbers: so those of one drain are as newest first as all others.
_DISTINCT_IDS: Final = """
select project_id, to_json(list(distinct_id order by first_seen, distinct_id))::varchar
from (
  select project_id, distinct_id, min(timestamp) as first_seen
  from (
    select project_id, distinct_id, timestamp from stage
    union all
    select project_id, anonymous_id, timestamp from stage where user_id is not null and anonymous_id is not null
  )
  group by project_id, distinct_id
)
group by project_id
"""
"""Also the anonymous ids of identified events: those of earlier or later events may be known by them (`sv.model.identity`)."""

_NUMBERED: Final = """
insert into numbered
select $project_id, unnest(from_json($ids, '["VARCHAR"]')), unnest(from_json($numbers, '["BIGINT"]'))
"""

RECENT_EVENT_IDS: Final = (
    "create table if not exists recent_event_ids (project_id varchar, client_event_id uuid, received_at timestamp)"
)


def _event_ids(table: str) -> str:
    return f"select project_id, client_event_id, received_at from {table} where client_event_id is not null"


def _seen_with(table: str) -> str:
    return f"{_event_ids('recent_event_ids')} union all {_event_ids(table)}"


def _remember(table: str) -> str:
    return f"insert into recent_event_ids {_event_ids(table)}"


def buffer_name(generation: int) -> str:
    return f"buffer_{generation:d}"


def create_buffer(cursor: duckdb.DuckDBPyConnection, generation: int) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    cursor.execute(f"create table {buffer_name(generation)} ({columns}, project_id varchar, seq ubigint, referrer varchar)")


class Staged(NamedTuple):
    """event_ids: how many events carry one of the client's. rows: the select of the buffer's rows, which binds `params`."""

    event_ids: int
    rows: str
    params: dict[str, Any]


def stage_batches(
    cursor: duckdb.DuckDBPyConnection, batches: Sequence[StoredBatch], agent_of: Callable[[str], Agent], salt: int
) -> Staged:
    """Make the temporary table (or view) `stage` of this cursor: a row an event.

    Raises ValueError or an error of DuckDB's for batches that don't hold as many whole events as they say.
    """
    if batches[0].columns is not None:
        quickly = stage_columns(cursor, batches, agent_of(batches[0].batch.user_agent), EVENT_ID.replace("$salt", f"{salt:d}"))
        return Staged(0, *(quickly or enrich.rows_sql(LOOKED_AT)))
    cursor.register("batches", _as_table(batches, agent_of))
    cursor.execute(parsed(cursor, _STAGE), {"shape": EVENTS_SHAPE, "salt": salt})
    cursor.unregister("batches")
    rows, with_event_id, with_long_integer, incomplete = _only_row(cursor.execute(parsed(cursor, _STAGED)))
    expected = sum(stored.batch.event_count for stored in batches)
    if rows != expected or incomplete:
        raise ValueError(f"expected {expected} events, got {rows}, of which {incomplete} without name, time or person")
    if with_long_integer:
        _make_long_integers_doubles(cursor)
    return Staged(with_event_id, *enrich.rows_sql(enrich.names_in(stored.batch.events for stored in batches)))


def _as_table(batches: Sequence[StoredBatch], agent_of: Callable[[str], Agent]) -> object:
    """An Arrow table with a row a batch. In pieces, since DuckDB's threads take a piece each."""
    pieces = max(PIECES, sum(len(stored.batch.events) for stored in batches) // PIECE_BYTES)
    size = max(1, len(batches) // pieces)
    taken = [_as_piece(batches[low : low + size], agent_of) for low in range(0, len(batches), size)]
    return pa.Table.from_batches(taken, schema=_BATCHES)


def _as_piece(batches: Sequence[StoredBatch], agent_of: Callable[[str], Agent]) -> Any:
    agents = [agent_of(stored.batch.user_agent) for stored in batches]
    events = [stored.batch.events for stored in batches]
    columns = [
        numbers(np.array([stored.seq for stored in batches], np.uint64)),
        numbers(np.array([stored.first for stored in batches], np.int64)),
        texts([stored.batch.project_id for stored in batches]),
        numbers(np.array([stored.batch.received_ms for stored in batches], np.int64)),
        texts([agent.browser for agent in agents]),
        texts([agent.browser_version for agent in agents]),
        texts([agent.os for agent in agents]),
        texts([agent.device_type for agent in agents]),
        booleans([agent.is_bot for agent in agents]),
        texts([stored.batch.country for stored in batches]),
        booleans([may_have_long_integers(np.frombuffer(each, np.uint8)) for each in events]),
        of_bytes(b"".join(events), [len(each) for each in events]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_BATCHES)


def _make_long_integers_doubles(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write integers beyond 64 bits as the doubles that they are to be read as (docs/api.md, "Fields"). In Python: they are rare."""
    seqs: list[int] = []
    places: list[int] = []
    texts: list[str] = []
    for seq, place, text in cursor.execute("select seq, place, properties from stage where has_long_integer").fetchall():
        seqs.append(seq)
        places.append(place)
        texts.append(msgspec.json.encode(_without_long_integers(msgspec.json.decode(text))).decode())
    cursor.execute(_REWRITE, {"seqs": seqs, "places": places, "texts": texts})


def _without_long_integers(value: Any) -> Any:
    """The same JSON value with doubles for integers outside 64 bits, the largest double where there is none so large.

    Recursive: values nest no deeper than `limits.MAX_DEPTH`.
    """
    if isinstance(value, dict):
        return {key: _without_long_integers(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_long_integers(inner) for inner in cast("list[Any]", value)]
    if not isinstance(value, int) or -(2**63) <= value < 2**64:
        return value
    try:
        return float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max


def drop_repeated_events(cursor: duckdb.DuckDBPyConnection, window_ms: int, *, unremembered: int | None = None) -> None:
    """Keep the first event of each client event id, and then the next that comes a window or more after the kept one.

    In log order, so that cutting the log into other slices keeps the same events. Remembers the kept ones. unremembered: a buffer
    whose event ids are remembered later and as a whole (`remember_event_ids`); what it has by now counts as seen too.
    """
    seen = "recent_event_ids" if unremembered is None else f"({_seen_with(buffer_name(unremembered))})"
    window = {"window_ms": window_ms}
    # Hardly ever, and to decide takes 1.3 to 4 times what this look takes: the less, the more ids are remembered.
    (some_repeat,) = _only_row(cursor.execute(_HAS_REPEATS.format(seen=seen), window))
    if some_repeat:
        _keep_firsts(cursor, seen, window)
    if unremembered is None:
        cursor.execute(_remember("stage"))


def _keep_firsts(cursor: duckdb.DuckDBPyConnection, seen: str, window: dict[str, int]) -> None:
    """Delete the rows of `stage` that `drop_repeated_events` doesn't keep."""
    cursor.execute(_UNDECIDED.format(is_seen=_IS_SEEN.format(seen=seen)), window)
    cursor.execute("create or replace temp table kept as select * from undecided limit 0")
    # A second round comes only where one drain spans more than the window: after a long outage, say.
    while _only_row(cursor.execute("select count(*) from undecided"))[0]:
        cursor.execute(_KEEP_FIRST)
        cursor.execute(_DECIDE, window)
    cursor.execute("delete from stage where client_event_id is not null and (seq, place) not in (select (seq, place) from kept)")


def remember_event_ids(cursor: duckdb.DuckDBPyConnection, generation: int) -> None:
    """Remember the client event ids of a buffer's rows."""
    cursor.execute(_remember(buffer_name(generation)))


def has_event_ids(cursor: duckdb.DuckDBPyConnection, generation: int) -> bool:
    return bool(_only_row(cursor.execute(f"select count(client_event_id) > 0 from {buffer_name(generation)}"))[0])


def has_repeats(cursor: duckdb.DuckDBPyConnection, generation: int, window_ms: int) -> bool:
    """Whether an event of the buffer, whose ids are not remembered yet, repeats one that is."""
    asked = _SOME_ARE_SEEN.format(table=buffer_name(generation), seen="recent_event_ids")
    return bool(_only_row(cursor.execute(f"select {asked}", {"window_ms": window_ms}))[0])


def move_stage_to_buffer(
    cursor: duckdb.DuckDBPyConnection, generation: int, staged: Staged, number_persons: NumberPersons
) -> int:
    """Number the persons of `stage` and append its rows to the buffer in one statement. Returns the rows appended. To be called once."""
    cursor.execute("create or replace temp table numbered (project_id varchar, distinct_id varchar, person bigint)")
    for project_id, ids in cursor.execute(parsed(cursor, _DISTINCT_IDS)).fetchall():
        numbers = number_persons(project_id, ids)
        cursor.execute(parsed(cursor, _NUMBERED), {"project_id": project_id, "ids": ids, "numbers": numbers})
    appended = cursor.execute(parsed(cursor, f"insert into {buffer_name(generation)} by name {staged.rows}"), staged.params)
    rows: int = _only_row(appended)[0]
    return rows


def _only_row(answered: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    row = answered.fetchone()
    assert row is not None
    return row
