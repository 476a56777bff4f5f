"""Makes `stage` from an import's columns (`sv.model.batch.EventColumns`): a view, so that nothing is copied before the buffer."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from sv.engine.arrays import booleans, numbers
from sv.engine.duck.buffer import enrich
from sv.engine.duck.parsed import parsed
from sv.model.batch import StoredBatch
from sv.model.enrichment import IS_BOT, LOOKED_AT

_ROWS: Final = pa.schema(
    [
        ("seq", pa.uint64()),
        ("place", pa.int64()),
        ("event", pa.string()),
        ("ts", pa.int64()),
        ("anonymous_id", pa.string()),
        ("user_id", pa.string()),
        ("session_id", pa.string()),
        ("groups", pa.list_(pa.string())),
        ("properties", pa.string()),
        ("may_differ", pa.bool_()),
    ]
)

_CONSTANTS: Final = """
create or replace temp table stage_constants as
select
  $project_id::varchar as project_id, make_timestamp_ms($received_ms) as received_at, $browser::varchar as agent_browser,
  $version::varchar as agent_version, $os::varchar as agent_os, $device::varchar as agent_device, $is_bot::boolean as agent_bot
"""

# `json` writes what `from_json` does, so that a property's text doesn't depend on whether its event was logged or imported.
_STAGE: Final = """
create or replace temp view stage as
select
  {event_id} as id,
  event,
  make_timestamp_ms(ts) as timestamp,
  received_at,
  coalesce(user_id, anonymous_id) as distinct_id,
  anonymous_id, user_id, session_id, groups, null::uuid as client_event_id,
  case when may_differ then json(properties)::varchar else properties end as properties,
  null::varchar as country, agent_browser, agent_version, agent_os, agent_device, agent_bot,
  project_id, seq, place{own}
from batches cross join stage_constants
"""


_URLS: Final = f"""
create or replace temp table urls as
select *, {enrich.URL_PATH} as path, {", ".join(f"{enrich.utm(name)} as query_{name}" for name in enrich.UTM_NAMES)}
from (
  select *, {enrich.URL_COLUMNS}
  from (select distinct {{url}}::varchar as current_url from stage)
)
"""

_REFERRERS: Final = f"""
create or replace temp table referrers as
select *, {enrich.REFERRING_DOMAIN} as domain
from (
  select *, {enrich.REFERRER_COLUMNS}
  from (select distinct {{referrer}}::varchar as referrer from stage)
)
"""

# The same rows as `drain` makes, from values that are columns already. Each different URL is taken apart only once.
_ENRICHED: Final = """
select
  id, event, timestamp, received_at, distinct_id, person, anonymous_id, user_id, session_id, groups, client_event_id, properties,
  {url} as current_url, urls.path as url_path, {values}, agent_bot as is_bot, {queries}, project_id, seq, {referrer} as referrer
from stage
join numbered using (project_id, distinct_id)
left join urls on urls.current_url = {url}
left join referrers on referrers.referrer = {referrer}
"""

_FROM_AGENTS: Final = {
    "$referring_domain": "referrers.domain",
    "$browser": "agent_browser",
    "$browser_version": "agent_version",
    "$os": "agent_os",
    "$device_type": "agent_device",
    "$country": "country",
}


def stage_columns(
    cursor: duckdb.DuckDBPyConnection, batches: Sequence[StoredBatch], agent: Any, event_id: str
) -> tuple[str, dict[str, Any]] | None:
    """Make `stage` from batches that all have columns and came from one User-Agent, which `agent` describes. event_id: the expression for
    it.

    Returns the select of the buffer's rows and what it binds; None where the properties have to be parsed first.
    """
    first = batches[0].batch
    cursor.execute(
        parsed(cursor, _CONSTANTS),
        {
            "project_id": first.project_id,
            "received_ms": first.received_ms,
            "browser": agent.browser,
            "version": agent.browser_version,
            "os": agent.os,
            "device": agent.device_type,
            "is_bot": agent.is_bot,
        },
    )
    own = _own_names(batches)
    schema = _ROWS
    for name in own or ():
        schema = schema.append(pa.field(_column(name), pa.string()))
    cursor.register("batches", pa.Table.from_batches([_as_rows(stored, own or (), schema) for stored in batches], schema=schema))
    columns = "".join(f", {_column(name)}" for name in own or ())
    cursor.execute(_STAGE.format(event_id=event_id, own=columns))
    return None if own is None else (_enriched(cursor, own), {})


def _enriched(cursor: duckdb.DuckDBPyConnection, own: Sequence[str]) -> str:
    url, referrer = (_column(name) if name in own else "null::varchar" for name in ("$current_url", "$referrer"))
    cursor.execute(parsed(cursor, _URLS.format(url=url)))
    cursor.execute(parsed(cursor, _REFERRERS.format(referrer=referrer)))
    values = [f"{_own_or(name, other, own)} as {name[1:]}" for name, other in _FROM_AGENTS.items()]
    queries = [f"{_own_or(name, f'urls.query_{name}', own)} as {name}" for name in enrich.UTM_NAMES]
    return _ENRICHED.format(url=url, referrer=referrer, values=", ".join(values), queries=", ".join(queries))


def _own_or(name: str, other: str, own: Sequence[str]) -> str:
    return f"coalesce({_column(name)}, {other})" if name in own else other


def _own_names(batches: Sequence[StoredBatch]) -> tuple[str, ...] | None:
    """The properties that any of the batches has as a column; None where they have to be parsed."""
    held = [stored.columns.own for stored in batches if stored.columns is not None]
    if any(own is None or IS_BOT in own for own in held):
        return None
    there = set(itertools.chain.from_iterable(own for own in held if own is not None))
    return tuple(name for name in LOOKED_AT if name in there)


def _column(name: str) -> str:
    return f"own_{name.removeprefix('$')}"


def _as_rows(stored: StoredBatch, own: Sequence[str], schema: Any) -> Any:
    columns = stored.columns
    assert columns is not None
    rows = stored.batch.event_count
    held = columns.own or {}
    arrays = [
        numbers(np.full(rows, stored.seq, np.uint64)),
        numbers(np.arange(rows)),
        columns.names,
        columns.times,
        columns.anonymous_ids,
        columns.user_ids,
        columns.session_ids,
        pa.nulls(rows, pa.list_(pa.string())) if columns.groups is None else columns.groups,
        columns.properties,
        booleans([columns.may_differ] * rows),
        *(held[name] if name in held else pa.nulls(rows, pa.string()) for name in own),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
