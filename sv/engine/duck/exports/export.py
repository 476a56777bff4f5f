"""Events as they leave: lines of JSON, CSV or Parquet, in the fields of ingest, so that an import takes them in again.

The engine itself makes the lines, so that Python only hands bytes on: four times as quick as rows would be. `properties` are those
that readers of the API see: the client's own, and after them what enrichment adds.

| field | |
|---|---|
| event, anonymousId, userId, sessionId, groups | as sent; absent where nothing was |
| timestamp | ISO 8601, UTC, milliseconds |
| eventId | the client's own |
| properties | a JSON object; in CSV and Parquet as text |
"""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from sv.engine.duck.files import read_files
from sv.engine.duck.relation import in_scope, joined, matches
from sv.engine.duck.schema import ENRICHED_PROPERTIES, STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import Matcher, Scope
from sv.model.exports import ExportFormat
from sv.model.limits import DAY_MS, EXPORT_ROW_GROUP_BYTES, EXPORT_ROW_GROUP_EVENTS
from sv.model.part import Part
from sv.model.snapshot import Snapshot

FIELDS: Final = ("event", "timestamp", "anonymousId", "userId", "sessionId", "groups", "eventId", "properties")
CSV_HEADER: Final = (",".join(FIELDS) + "\n").encode()
ZSTD_LEVEL: Final = 3

ROW_GROUP_SHARE: Final = 32
"""Of the engine's memory: one of these is how large a row group is at most, before it is written. Two exports have four of them, and
the encoder as much again: at a `memory_limit` of 512 MiB they took more than that."""

_TIME: Final = "strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ')"


def _addition(name: str, is_known: str, member: str) -> str:
    """`member`, a text of JSON, where enrichment knows something and the client sent no property of this name.

    The client's JSON is canonical, so a glance nearly always tells. The glance leaves out the key's first quote, of which a text is full:
    the engine looks closer at each place that begins alike. Cases, since the engine evaluates all of a conjunction's terms.
    """
    return f"""case when {is_known} then case
      when not contains(properties, '{name}":') then {member}
      when not json_exists(properties, '/{name}') then {member}
    end end"""


def _text_addition(name: str) -> str:
    """Not of `$identify` where the name has no `$`: an import would take it for a trait. It comes out of the URL again."""
    column = STRING_PROPERTY_COLUMNS[name]
    is_known = f"{column} is not null" if name.startswith("$") else f"{column} is not null and event <> '$identify'"
    return _addition(name, is_known, f"""',"{name}":' || to_json({column})::varchar""")


_ADDITIONS: Final = (
    *(_text_addition(name) for name in ENRICHED_PROPERTIES),
    _addition("$is_bot", "is_bot", """',"$is_bot":true'"""),
)
_ADDED: Final = f"concat({', '.join(_ADDITIONS)})"

# In two pieces, which a line's one `concat` copies, and each operator before it would. And not `properties[:-2]`, which counts from the end
# and costs five times as much.
_BODY: Final = """case
    when added = '' then properties
    when properties = '{}' then '{'
    else substring(properties, 1, length(properties) - 1)
  end"""
_TAIL: Final = """case
    when added = '' then ''
    when properties = '{}' then added[2:] || '}'
    else added || '}'
  end"""


def _member(name: str, column: str) -> str:
    return f"""case when {column} is not null then ',"{name}":' || to_json({column})::varchar end"""


def _quoted(text: str, *more: str) -> str:
    """A CSV field of these texts, one after the other; nothing where the first is null."""
    escaped = ", ".join(f"""replace({each}, '"', '""')""" for each in (text, *more))
    return f"""case when {text} is not null then concat('"', {escaped}, '"') end"""


_GROUPS: Final = "case when len(groups) > 0 then to_json(groups)::varchar end"

_LINES: Final[dict[ExportFormat, str]] = {
    ExportFormat.NDJSON: f"""concat(
    '{{"event":', to_json(event)::varchar, ',"timestamp":"', {_TIME}, '"',
    {_member("anonymousId", "anonymous_id")}, {_member("userId", "user_id")}, {_member("sessionId", "session_id")},
    case when len(groups) > 0 then ',"groups":' || to_json(groups)::varchar end,
    {_member("eventId", "client_event_id")},
    ',"properties":', {_BODY}, {_TAIL}, '}}', chr(10)
  )""",
    ExportFormat.CSV: f"""concat(
    {_quoted("event")}, ',', {_TIME}, ',', {_quoted("anonymous_id")}, ',', {_quoted("user_id")}, ',', {_quoted("session_id")}, ',',
    {_quoted(_GROUPS)}, ',', client_event_id::varchar, ',', {_quoted(_BODY, _TAIL)}, chr(10)
  )""",
}

# The engine's cast to a time with a zone asks a calendar about each, which takes four times as long.
_COLUMNS: Final = f"""
  event, make_timestamptz(epoch_us(timestamp)) as timestamp, anonymous_id as "anonymousId", user_id as "userId", session_id as "sessionId",
  case when len(groups) > 0 then groups end as groups, client_event_id::varchar as "eventId", {_BODY} || {_TAIL} as properties
"""


def known_days(
    snapshot: Snapshot, scope: Scope, matcher: Matcher, received_before_ms: int
) -> tuple[Counter[int], list[Part], Snapshot]:
    """What is known of days without reading events: (events by the start of their UTC day in ms, the parts that these are all of, the
    snapshot of what has to be read)."""
    is_all = scope.include_bots and not scope.filters and matcher == Matcher(None)
    known = [part for part in snapshot.parts if is_all and _is_whole(part, scope, received_before_ms)]
    days: Counter[int] = Counter()
    for part in known:
        days[part.min_ts_ms // DAY_MS * DAY_MS] += part.rows
    ids = {part.part_id for part in known}
    return days, known, snapshot.with_parts(tuple(part for part in snapshot.parts if part.part_id not in ids))


def _is_whole(part: Part, scope: Scope, received_before_ms: int) -> bool:
    """Whether all of its events are of one UTC day, in the range, and were received before then."""
    is_within = scope.from_ms <= part.min_ts_ms and part.max_ts_ms < scope.to_ms and part.max_received_ms < received_before_ms
    return is_within and part.min_ts_ms // DAY_MS == part.max_ts_ms // DAY_MS


def rows_of_files_sql(paths: Sequence[Path]) -> Sql:
    """How many rows files have as their footers say it, which shows that they are there and not cut off."""
    return Sql(f"select count(*) from ({read_files(paths)})", {})


def days_sql(events: str, scope: Scope, matcher: Matcher, received_before_ms: int, params: Params) -> Sql:
    """(start of a UTC day in ms, events) of each day that has some, ascending."""
    is_wanted = condition(scope, matcher, received_before_ms, params)
    return params.sql(f"""
        select epoch_ms(timestamp) // {DAY_MS} * {DAY_MS} as day_ms, count(*)
        from ({events})
        where {is_wanted}
        group by day_ms
        order by day_ms
        """)


def rows_sql(events: str, condition: str, form: ExportFormat, is_ordered: bool, params: Params) -> Sql:
    """A `line` an event that meets the condition, or for Parquet its columns."""
    selected = _COLUMNS if form is ExportFormat.PARQUET else f"{_LINES[form]} as line"
    names = ", ".join(f'"{name}"' for name in FIELDS) if form is ExportFormat.PARQUET else "line"
    source = f"select *, {_ADDED} as added from ({events}) where {condition}"
    if not is_ordered:
        return params.sql(f"select {selected} from ({source})")
    return params.sql(f"select {names} from (select {selected}, timestamp as moment, id from ({source})) order by moment, id")


def condition(scope: Scope, matcher: Matcher, received_before_ms: int, params: Params) -> str:
    """That an event is wanted of an export."""
    before = f"received_at < make_timestamp_ms({params.bind(received_before_ms)})"
    return joined([in_scope(scope, params), matches(matcher, params), before])


def lines_of(batches: Iterable[Any], form: ExportFormat) -> Generator[bytes]:
    """The lines of record batches with the one column `line`, after the header that the format may have."""
    if form is ExportFormat.CSV:
        yield CSV_HEADER
    for batch in batches:
        yield _text_of(batch.column(0))


def parquet_of(batches: Iterable[Any], memory_bytes: int) -> Generator[bytes]:
    """A Parquet file, piece by piece as it is written. memory_bytes: the engine's, of which a group is a share at most.

    A row group is encoded on a thread of its own, at the caller's priority, while the events of the next one are read: the engine's
    threads and the encoder, which has one, would take turns otherwise.
    """
    sink = _Sink()
    writer: Any = None
    with ThreadPoolExecutor(1, "sv-encode") as encoding:
        under_way: Future[None] | None = None
        for group in _row_groups(batches, min(EXPORT_ROW_GROUP_BYTES, memory_bytes // ROW_GROUP_SHARE)):
            writer = writer or _parquet_writer(sink, group.schema)
            if under_way is not None:
                under_way.result()
                yield sink.take()
            under_way = encoding.submit(writer.write_table, group)
        if under_way is not None:
            under_way.result()
    writer = writer or _parquet_writer(sink, _EMPTY)
    writer.close()
    yield sink.take()


def _row_groups(batches: Iterable[Any], most_bytes: int) -> Generator[Any]:
    waiting: list[Any] = []
    events, size = 0, 0
    for batch in batches:
        waiting.append(batch)
        events += batch.num_rows
        size += batch.nbytes
        if events >= EXPORT_ROW_GROUP_EVENTS or size >= most_bytes:
            yield pa.Table.from_batches(waiting)
            waiting, events, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)


_EMPTY: Final = pa.schema(
    [
        ("event", pa.string()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("anonymousId", pa.string()),
        ("userId", pa.string()),
        ("sessionId", pa.string()),
        ("groups", pa.list_(pa.string())),
        ("eventId", pa.string()),
        ("properties", pa.string()),
    ]
)
"""The columns of a file without an event."""


def _parquet_writer(sink: "_Sink", schema: Any) -> Any:
    import pyarrow.parquet as pq  # here, since it takes a while, and other forms go without

    # Few values repeat beyond these names, and looking for repetition costs as much as it saves. So does the smallest and the largest of
    # properties, by which no reader leaves anything out. Times come in order, so that what is between two takes a byte or two.
    names = ["event", "anonymousId", "userId", "sessionId"]
    return pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=names,  # pyright: ignore[reportArgumentType]
        write_statistics=[*names, "timestamp", "eventId"],  # pyright: ignore[reportArgumentType]
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
    )


class _Sink:
    """A file to write to, of which what was written is taken away."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts = []
        return taken


def _text_of(column: Any) -> bytes:
    """All texts of a string array, one after the other: as they lie in memory."""
    if not len(column):
        return b""
    wide = pa.types.is_large_string(column.type)
    _, offsets, content = column.buffers()
    places = memoryview(offsets).cast("q" if wide else "i")
    return content[places[column.offset] : places[column.offset + len(column)]].to_pybytes() if content is not None else b""
