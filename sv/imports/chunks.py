"""Turns rows into chunks: batches of events with the same User-Agent, checked by ingest's own rules.

A chunk ends after so many rows or bytes. Its number is the place in the file up to which it reaches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sv.imports.arrays import columns_of
from sv.imports.blocks import Block, set_times
from sv.imports.columns import Columns, RowError
from sv.imports.moments import Times
from sv.imports.rows import UNREADABLE, BadRow, Row, Source
from sv.ingest.decode import decode, is_dense, judged
from sv.ingest.events import Decoded, DropReason, ShallowEvent
from sv.ingest.one_by_one import decode_slowly
from sv.model.batch import EventColumns
from sv.model.errors import ClientFault
from sv.model.json_repair import repair
from sv.model.limits import FOLD_ROWS, MAX_BODY_BYTES, MAX_DEPTH, MAX_EVENTS_PER_REQUEST, MAX_USER_AGENT_CHARS, MIB

CHUNK_ROWS: Final = FOLD_ROWS
"""A chunk becomes at least a file, and is what a stopped import does again: a second of work.

No more than one transaction may fold: a chunk's sums commit with its files (ROLLUP-2), and whoever else writes metadata waits meanwhile."""

CHUNK_BYTES: Final = 16 * MIB
"""Of events as JSON, where they are large: several chunks are in memory at the same time, here and in the engine."""

REST_ROWS: Final = 16
REST_BYTES: Final = 8
"""Times as many rows and bytes has a chunk that goes into a folder at rest, where nobody waits meanwhile. What a chunk costs by itself, the
planning of its statements and a transaction, is then a sixteenth of each event's, and a person who comes back is written less often."""

REST_SHARE: Final = 16
"""Of the engine's memory: one of these is how many bytes such a chunk has at most. Some are in memory as they came, and two as rows."""

MAX_WAITING_IDS: Final = 1 << 15
"""Event ids of events that wait to become batches."""

MIN_BLOCK_ROWS: Final = 32
"""A smaller block that isn't ordinary is read row by row."""

_encoder: Final = msgspec.json.Encoder()
_shallow: Final = msgspec.json.Decoder(list[ShallowEvent])


class ChunkSize(Struct, frozen=True, gc=False):
    """How large a chunk may be. bytes: of events as JSON; the last row may lie beyond. in_columns: whether batches may be columns."""

    rows: int
    bytes: int
    in_columns: bool = False


def size_for_all() -> ChunkSize:
    """The chunk size that every target takes."""
    return ChunkSize(CHUNK_ROWS, CHUNK_BYTES)


def size_at_rest(memory_bytes: int) -> ChunkSize:
    """The chunk size for a folder at rest whose engine has this much memory."""
    size = min(max(memory_bytes // REST_SHARE, CHUNK_BYTES), CHUNK_BYTES * REST_BYTES)
    return ChunkSize(CHUNK_ROWS * REST_ROWS, size, in_columns=True)


class Rejected(Struct, frozen=True, gc=False):
    """A row that was not taken: where a person finds it, the reason's code, and what is wrong."""

    at: int
    code: str
    message: str


class Batch(Struct, frozen=True, gc=False):
    """Checked events of one User-Agent: a canonical JSON array or, where a chunk may have them, columns; the place of each event's row."""

    user_agent: str
    places: Sequence[int]
    events: bytes
    columns: EventColumns | None = None


class Chunk(Struct, frozen=True):
    """Rows of a file up to and with the one that ends at `number`.

    event_count: of all batches. first_ms, last_ms: of its events' times; None where it has none. undated: events without a time of their
    own.
    """

    number: int
    rows: int
    event_count: int
    batches: list[Batch]
    rejections: list[Rejected]
    first_ms: int | None
    last_ms: int | None
    undated: int

    def without_events(self) -> "Chunk":
        """What is counted of it."""
        return replace(self, batches=[])


def decode_events(events: bytes, now_ms: int) -> Decoded:
    """Check a JSON array of events by the rules of ingest. Raises what `decode` raises."""
    body = b'{"projectToken":"","events":' + repair(events) + b"}"
    return decode_slowly(body, now_ms) if is_dense(body) else decode(body, now_ms)


@dataclass(slots=True)
class _Group:
    """Events of one User-Agent that are collected for a batch."""

    texts: list[bytes] = field(default_factory=list[bytes])
    places: list[int] = field(default_factory=list[int])
    moments: list[int | None] = field(default_factory=list[int | None])


class _Builder:
    """Builds one chunk."""

    def __init__(self, now_ms: int, size: ChunkSize) -> None:
        self._now_ms = now_ms
        self._size = size
        self._groups: dict[str, _Group] = {}
        self._waiting_ids: dict[str, str] = {}
        self._batches: list[Batch] = []
        self._rejections: list[Rejected] = []
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._undated = 0
        self._bytes = 0
        self.rows = 0
        self.end = 0

    @property
    def is_full(self) -> bool:
        return self.rows >= self._size.rows or self._bytes >= self._size.bytes

    def reject(self, row: Row | BadRow, code: str, message: str) -> None:
        self._rejections.append(Rejected(row.at, code, message))

    def add(self, row: Row, event: dict[str, Any], user_agent: str) -> None:
        try:
            text = _encoder.encode(event)
        except RecursionError:
            self.reject(row, DropReason.NESTED_TOO_DEEP, f"expected at most {MAX_DEPTH} levels, got more (properties)")
            return
        except (UnicodeEncodeError, TypeError, OverflowError) as error:
            self.reject(row, UNREADABLE, str(error))
            return
        user_agent = user_agent[:MAX_USER_AGENT_CHARS]
        if isinstance(event_id := event.get("eventId"), str):
            self._close_others_of(event_id.replace("-", "").lower(), user_agent)
        moment = event.get("timestamp")
        group = self._groups.setdefault(user_agent, _Group())
        group.texts.append(text)
        group.places.append(row.at)
        group.moments.append(None if moment is None else int(moment) if isinstance(moment, int | float) else self._now_ms)
        self._bytes += len(text)
        if len(group.texts) == MAX_EVENTS_PER_REQUEST:
            self._close(self._groups.pop(user_agent), user_agent)

    def _close_others_of(self, event_id: str, user_agent: str) -> None:
        """Of several events with one id the first one counts. So if another User-Agent's group has the id, that group becomes a batch
        first."""
        if self._waiting_ids.get(event_id, user_agent) != user_agent or len(self._waiting_ids) == MAX_WAITING_IDS:
            self._close_all()
        self._waiting_ids[event_id] = user_agent

    def has_room_for(self, rows: int, size: int) -> bool:
        """Whether so many more rows of so many bytes fit, so that the chunk doesn't end before the last of them."""
        return self.rows + rows <= self._size.rows and self._bytes + size <= self._size.bytes

    def add_block(self, block: Block, size: int, events: Sequence[ShallowEvent], times: Times) -> bool:
        """Add all events of the block as one batch. Returns False where that isn't possible; then nothing was added."""
        if self._size.in_columns and (columns := columns_of(events, times, self._now_ms)) is not None:
            self._begin_block(block, size)
            self._batches.append(Batch("", block.places, b"", columns))
            self._reach(columns.first_ms, columns.last_ms)
            return True
        set_times(events, times)
        are_dated = [event.timestamp is not None for event in events]
        try:
            decoded = judged("", events, self._now_ms, MAX_BODY_BYTES)
        except (OverflowError, UnicodeEncodeError):
            return False
        if b"\\u0000" in decoded.events_json:
            return False  # maybe a NUL, which is repaired row by row
        self._begin_block(block, max(size, len(decoded.events_json)))
        times_ms = [event.timestamp if isinstance(event.timestamp, int) else 0 for event in events]
        moments = [time if is_dated else None for time, is_dated in zip(times_ms, are_dated, strict=True)]
        self._keep(decoded, "", block.places, moments)
        return True

    def _begin_block(self, block: Block, size: int) -> None:
        if self._waiting_ids:
            self._close_all()
        elif "" in self._groups:  # so that a User-Agent's events stay in order
            self._close(self._groups.pop(""), "")
        self.rows += len(block.places)
        self.end = block.end
        self._bytes += size

    def _close_all(self) -> None:
        for user_agent, group in self._groups.items():
            self._close(group, user_agent)
        self._groups.clear()
        self._waiting_ids.clear()

    def build(self) -> Chunk:
        self._close_all()
        self._rejections.sort(key=lambda rejected: rejected.at)
        events = sum(len(batch.places) for batch in self._batches)
        return Chunk(self.end, self.rows, events, self._batches, self._rejections, self._first_ms, self._last_ms, self._undated)

    def _close(self, group: _Group, user_agent: str) -> None:
        if self._size.in_columns and not user_agent and (columns := self._columns(group)) is not None:
            self._batches.append(Batch("", group.places, b"", columns))
            self._reach(columns.first_ms, columns.last_ms)
            return
        try:
            decoded = decode_events(b"[" + b",".join(group.texts) + b"]", self._now_ms)
        except ClientFault as fault:  # of one row, by which ingest would refuse a request
            self._close_halves(group, user_agent, fault)
            return
        self._keep(decoded, user_agent, group.places, group.moments)

    def _columns(self, group: _Group) -> EventColumns | None:
        try:
            events = _shallow.decode(repair(b"[" + b",".join(group.texts) + b"]"))
        except (msgspec.DecodeError, RecursionError):
            return None
        return columns_of(events, [event.timestamp for event in events], self._now_ms)

    def _keep(self, decoded: Decoded, user_agent: str, places: Sequence[int], moments: Sequence[int | None]) -> None:
        """Count these events. places, moments: of every event, including rejected ones; a moment is None for an event without a time of its
        own."""
        for rejection in decoded.rejections:
            self._rejections.append(Rejected(places[rejection.index], rejection.code, rejection.message))
        if not decoded.accepted:
            return
        if decoded.rejections:
            refused = {rejection.index for rejection in decoded.rejections}
            kept = [nth for nth in range(len(places)) if nth not in refused]
            places, moments = [places[nth] for nth in kept], [moments[nth] for nth in kept]
        self._batches.append(Batch(user_agent, places, decoded.events_json))
        times = [self._now_ms if moment is None else moment for moment in moments]
        self._undated += moments.count(None)
        self._reach(min(times), max(times))

    def _reach(self, first_ms: int, last_ms: int) -> None:
        """Extend the bounds of the chunk's times to these."""
        self._first_ms = first_ms if self._first_ms is None else min(self._first_ms, first_ms)
        self._last_ms = last_ms if self._last_ms is None else max(self._last_ms, last_ms)

    def _close_halves(self, group: _Group, user_agent: str, fault: ClientFault) -> None:
        middle = len(group.texts) // 2
        if not middle:
            self._rejections.append(Rejected(group.places[0], UNREADABLE, fault.message))
            return
        for part in (slice(middle), slice(middle, None)):
            self._close(_Group(group.texts[part], group.places[part], group.moments[part]), user_agent)


class _Cutter:
    """Cuts rows, in their order, into chunks; the last chunk may be unfinished."""

    def __init__(
        self, source: Source, columns: Columns, zone: tzinfo, now_ms: int, file_name: str, size: ChunkSize, *, is_first: bool
    ) -> None:
        self._source = source
        self._columns = columns
        self._zone = zone
        self._now_ms = now_ms
        self._file_name = file_name
        self._size = size
        self._is_first = is_first
        self.builder = _Builder(now_ms, size)

    def take_block(self, block: Block) -> Iterator[Chunk]:
        """Take these rows; returns the chunks that are full now."""
        count = len(block.places)
        if count > MAX_EVENTS_PER_REQUEST:
            for low in range(0, count, MAX_EVENTS_PER_REQUEST):
                yield from self.take_block(block.part(low, min(low + MAX_EVENTS_PER_REQUEST, count)))
            return
        if count >= MIN_BLOCK_ROWS and not self._is_first and self.builder.has_room_for(count, size := block.size):
            found = block.events(self._zone)
            if found is not None and self.builder.add_block(block, size, *found):
                yield from self._full()
                return
        if count < MIN_BLOCK_ROWS or self._is_first:
            for row in block.rows():
                yield from self.take(row)
            return
        room = self._size.rows - self.builder.rows
        middle = room if room < count else count // 2
        yield from self.take_block(block.part(0, middle))
        yield from self.take_block(block.part(middle, count))

    def take(self, row: Row | BadRow) -> Iterator[Chunk]:
        """Take this row; returns the chunk if it is full now."""
        builder = self.builder
        builder.rows += 1
        builder.end = row.end
        if isinstance(row, BadRow):
            builder.reject(row, row.code, row.message)
        else:
            if self._is_first and self._source.columns is None:
                self._columns.check_times(self._source, row.fields, self._file_name)
            self._is_first = False
            try:
                has_text_fields = self._source.has_text_fields
                event, user_agent = self._columns.event_of(row.fields, self._zone, has_text_fields=has_text_fields)
                builder.add(row, event, user_agent)
            except RowError as error:
                builder.reject(row, error.code, error.message)
        yield from self._full()

    def _full(self) -> Iterator[Chunk]:
        if self.builder.is_full:
            yield self.builder.build()
            self.builder = _Builder(self._now_ms, self._size)


def cut(
    source: Source, columns: Columns, zone: tzinfo, after: int, now_ms: int, file_name: str, size: ChunkSize | None = None
) -> Iterator[Chunk]:
    """The chunks of the rows that end after this place. Raises InvalidParameter for a file that can't be read, or whose columns can't be
    meant."""
    cutter = _Cutter(source, columns, zone, now_ms, file_name, size or size_for_all(), is_first=after == 0)
    for found in source.blocks(after) if columns.are_plain else source.rows(after):
        yield from cutter.take(found) if isinstance(found, Row | BadRow) else cutter.take_block(found)
    if cutter.builder.rows:
        yield cutter.builder.build()
