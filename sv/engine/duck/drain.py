"""From logged batches to buffer rows: one pass of SQL, so that ingest keeps Python's lock to itself.

Decoding a batch in Python costs ingest its tail latency (ENGINE.md §4: 100 ms against 4). So Python only looks up what is
per request (the User-Agent) and DuckDB does what is per event: takes the JSON apart, enriches, drops repeated event ids, numbers
the persons, makes the event ids.

An event's id is a UUIDv7: 48 bits of the event's own time in milliseconds, then 45 bits of the log's sequence number, 11 of the
event's place in its batch and 18 of the data folder's salt. Replaying the log after a crash therefore gives each event the id
that readers saw before it. The log counts from 1 and stays below 2**44; batches of imports have the top one of the 45 bits set
(`sv.store.importing`), so that the two never meet.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import duckdb
import pyarrow as pa

from sv.engine.duck.schema import COLUMN_LIST, COLUMNS, EVENTS_SHAPE
from sv.model.batch import StoredBatch


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


NumberPersons = Callable[[str, str], str]
"""(project_id, JSON array of distinct ids) -> JSON array of their numbers, in the same order."""

_BATCHES: Final = pa.schema(
    [
        ("seq", pa.uint64()),
        ("project_id", pa.string()),
        ("received_ms", pa.int64()),
        ("browser", pa.string()),
        ("browser_version", pa.string()),
        ("os", pa.string()),
        ("device_type", pa.string()),
        ("is_bot", pa.bool_()),
        ("country", pa.string()),
        ("events", pa.string()),
    ]
)

_PROPERTY_ORDER: Final = (
    "$current_url",
    "$referring_domain",
    "$referrer",
    "$browser",
    "$browser_version",
    "$os",
    "$device_type",
    "$country",
    "$is_bot",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
)
_POINTERS: Final = ["/" + name for name in _PROPERTY_ORDER]
_PLACE: Final = {name: place for place, name in enumerate(_PROPERTY_ORDER, start=1)}


def _own_or(name: str, enriched: str) -> str:
    """The client's own value where it is a string, the enriched one where the client sent no such key."""
    at = _PLACE[name]
    return f"case when kinds[{at}] is null then {enriched} when kinds[{at}] = 'VARCHAR' then texts[{at}] end"


def _own(name: str) -> str:
    return _own_or(name, "null")


def _utm(name: str) -> str:
    """The first `name=` of the URL's query, decoded; as it stands where it decodes to no text; null where absent or empty.

    SCAR: without `try`, one visitor's `%ff` in a URL failed the whole drain.
    """
    raw = f"regexp_extract(current_url, '^[^?#]*\\?(?:[^#]*?&)??{name}=([^&#]*)', 1)"
    text = f"replace(try(url_decode(replace({raw}, '+', ' '))), chr(0), chr(65533))"
    return _own_or(name, f"case when contains(current_url, '{name}=') then nullif(coalesce({text}, {raw}), '') end")


# These three equal `sv.ingest.enrich.urls` and `sv.model.filters.url_path`, which a test holds them to.
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*://"
_URL_PATH: Final = rf"""
    case when starts_with(current_url, '/') or regexp_matches(current_url, '^{_SCHEME}') then
      regexp_replace(regexp_extract(current_url, '^(?:{_SCHEME}[^/?#]*)?([^?#]*)', 1), '/\z', '')
    end"""
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?(?:[/?#]|\z)"
_REFERRING_DOMAIN: Final = rf"lower(nullif(regexp_extract(referrer, '^{_SCHEME}(?:[^/?#]*@)?{_HOST}', 1), ''))"

_STAGE: Final = f"""
create or replace temp table stage as
with lists as (
  select * exclude (events), from_json(events, $shape) as list from batches
), listed as (
  select * exclude (list), unnest(list) as e, unnest(range(len(list))) as place from lists
), flat as (
  select
    seq, place, project_id, received_ms, country, e.event as event, e.timestamp as ts,
    browser as agent_browser, browser_version as agent_version, os as agent_os, device_type as agent_device, is_bot as agent_bot,
    coalesce(e.properties::varchar, '{{}}') as properties,
    e.anonymousId as anonymous_id, e.userId as user_id, e.sessionId as session_id, e.groups as groups, e.eventId as client_event_id,
    json_type(e.properties, $pointers) as kinds,
    json_extract_string(e.properties, $pointers) as texts
  from listed
), located as (
  select *, {_own("$current_url")} as current_url, {_own("$referrer")} as referrer from flat
)
select
  printf(
    '%08x-%04x-7%03x-%04x-%012x', ts >> 16, ts & 65535, ((seq >> 33) & 4095)::bigint, (32768 | ((seq >> 19) & 16383))::bigint,
    (((seq & 524287) << 29) | (place << 18) | $salt)::bigint
  )::uuid as id,
  event,
  make_timestamp_ms(ts) as timestamp,
  make_timestamp_ms(received_ms) as received_at,
  coalesce(user_id, anonymous_id) as distinct_id,
  anonymous_id, user_id, session_id, groups, client_event_id, properties,
  current_url,
  {_URL_PATH} as url_path,
  {_own_or("$referring_domain", _REFERRING_DOMAIN)} as referring_domain,
  {_own_or("$browser", "agent_browser")} as browser,
  {_own_or("$browser_version", "agent_version")} as browser_version,
  {_own_or("$os", "agent_os")} as os,
  {_own_or("$device_type", "agent_device")} as device_type,
  {_own_or("$country", "country")} as country,
  case when kinds[{_PLACE["$is_bot"]}] is null then agent_bot else texts[{_PLACE["$is_bot"]}] = 'true'
    and kinds[{_PLACE["$is_bot"]}] = 'BOOLEAN' end as is_bot,
  {_utm("utm_source")} as utm_source,
  {_utm("utm_medium")} as utm_medium,
  {_utm("utm_campaign")} as utm_campaign,
  {_utm("utm_term")} as utm_term,
  {_utm("utm_content")} as utm_content,
  project_id, seq, place
from located
"""

_DROP_REPEATED: Final = """
delete from stage where (seq, place) in (
  select (seq, place) from (
    select seq, place, row_number() over (partition by project_id, client_event_id order by seq, place) as nth
    from stage where client_event_id is not null
  ) where nth > 1
  union all
  select (s.seq, s.place) from stage s join recent_event_ids r
    on r.project_id = s.project_id and r.client_event_id = s.client_event_id
  where s.received_at - r.received_at < to_milliseconds($window_ms)
)
"""


_DISTINCT_IDS: Final = """
select project_id, to_json(list(distinct distinct_id order by distinct_id))::varchar from stage group by project_id
"""

_NUMBERED: Final = """
insert into numbered
select $project_id, unnest(from_json($ids, '["VARCHAR"]')), unnest(from_json($numbers, '["BIGINT"]'))
"""

RECENT_EVENT_IDS: Final = (
    "create table if not exists recent_event_ids (project_id varchar, client_event_id uuid, received_at timestamp)"
)


def _remember(table: str) -> str:
    return f"""
        insert into recent_event_ids
        select project_id, client_event_id, received_at from {table} where client_event_id is not null
        """


def buffer_name(generation: int) -> str:
    return f"buffer_{generation:d}"


def create_buffer(cursor: duckdb.DuckDBPyConnection, generation: int) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    cursor.execute(f"create table {buffer_name(generation)} ({columns}, project_id varchar)")


def stage_batches(
    cursor: duckdb.DuckDBPyConnection, batches: Sequence[StoredBatch], agent_of: Callable[[str], Agent], salt: int
) -> int:
    """Make the temporary table `stage` of this cursor: a row an event. Returns how many carry an event id of the client's."""
    agents = [agent_of(stored.batch.user_agent) for stored in batches]
    table = pa.Table.from_arrays(
        [
            pa.array([stored.seq for stored in batches], pa.uint64()),
            pa.array([stored.batch.project_id for stored in batches], pa.string()),
            pa.array([stored.batch.received_ms for stored in batches], pa.int64()),
            pa.array([agent.browser for agent in agents], pa.string()),
            pa.array([agent.browser_version for agent in agents], pa.string()),
            pa.array([agent.os for agent in agents], pa.string()),
            pa.array([agent.device_type for agent in agents], pa.string()),
            pa.array([agent.is_bot for agent in agents], pa.bool_()),
            pa.array([stored.batch.country for stored in batches], pa.string()),
            pa.array([stored.batch.events for stored in batches], pa.binary()).cast(pa.string()),
        ],
        schema=_BATCHES,
    )
    cursor.register("batches", table)
    cursor.execute(_STAGE, {"shape": EVENTS_SHAPE, "pointers": _POINTERS, "salt": salt})
    cursor.unregister("batches")
    row = cursor.execute("select count(client_event_id) from stage").fetchone()
    assert row is not None
    return int(row[0])


def drop_repeated_events(cursor: duckdb.DuckDBPyConnection, window_ms: int, *, remember: bool = True) -> None:
    """Keep the first event of each client event id within the window; remember the kept ones, unless told otherwise."""
    cursor.execute(_DROP_REPEATED, {"window_ms": window_ms})
    if remember:
        cursor.execute(_remember("stage"))


def remember_event_ids(cursor: duckdb.DuckDBPyConnection, generation: int) -> None:
    """Remember the client event ids of a buffer's rows."""
    cursor.execute(_remember(buffer_name(generation)))


def move_stage_to_buffer(cursor: duckdb.DuckDBPyConnection, generation: int, number_persons: NumberPersons) -> int:
    """Number the persons of `stage` and append its rows to the buffer in one statement. Returns the rows appended."""
    cursor.execute("create or replace temp table numbered (project_id varchar, distinct_id varchar, person bigint)")
    for project_id, ids in cursor.execute(_DISTINCT_IDS).fetchall():
        numbers = number_persons(project_id, ids)
        cursor.execute(_NUMBERED, {"project_id": project_id, "ids": ids, "numbers": numbers})
    row = cursor.execute(
        f"""
        insert into {buffer_name(generation)} by name
        select {COLUMN_LIST}, project_id from stage join numbered using (project_id, distinct_id)
        """
    ).fetchone()
    cursor.execute("drop table stage")
    assert row is not None
    return int(row[0])
