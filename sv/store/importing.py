"""A chunk of an import becomes parts, entirely or not at all, and once.

An import is a file's rows cut into chunks; a chunk's number is the place in the file up to which it reaches, so the largest number
taken says where to go on. A chunk is drained into a buffer of its own that no query sees, written as files, and then recorded in the
catalog together with its number in one transaction: whoever kills whom at whatever moment, sending the chunk again is right.

Event ids come from a sequence number a batch, as with the log's (`engine.duck.buffer.drain`). A batch of an import has a number with the
top one of the 45 bits set, which the log never reaches, and a hash of import, chunk and batch in the others.

# INVARIANT STORE-3: the files of a chunk are durable before the catalog lists them, and the catalog lists them in the transaction that
# marks the chunk as taken.
"""

import hashlib
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from msgspec import Struct

from sv.model.batch import VERSION, Batch, EventColumns, StoredBatch
from sv.model.part import NewPart, Part
from sv.model.rollup import Summary
from sv.store.event_store import EventStore
from sv.store.files import delete_files, part_path, write_durably
from sv.store.flush_plan import FilePlan, cut_file
from sv.store.maintenance import Maintenance
from sv.store.parts import new_part
from sv.store.ports import Tables

MAX_BATCH_EVENTS: Final = 2048
"""An event's id has 11 bits for its place in the batch."""

DAY_FILE_ROWS: Final = 5000
"""A day with fewer rows of the chunk shares a file with others: a year's file, cut into chunks, must not become thousands of files."""

MAX_SLICE_BYTES: Final = 8 << 20
MIN_SLICE_BYTES: Final = 1 << 20
SLICES: Final = 128
"""Of the engine's memory: one of these is how many bytes of events one statement takes, which needs some twenty times as much memory.
Each statement costs ten milliseconds by itself: with 2 MiB a third of what its events cost, with 8 MiB little."""

ORDINARY_ROWS: Final = 1 << 18
"""Events of which so many would be the engine's whole memory are ordinary: of 4 KiB where it has 1 GiB. It works on 2,048 at a time: of
such a statement takes ORDINARY_WEIGHT times as much."""

ORDINARY_WEIGHT: Final = 8
"""What is taken by several statements is copied once more, to where the first one put its rows: a fifth of all that draining them costs."""

_SEQ_BITS: Final = 44
_SEQ_MARK: Final = 1 << _SEQ_BITS
_MAX_SEQ: Final = (_SEQ_MARK << 1) - 1
_GENERATIONS_FROM: Final = 1 << 40
"""Far above the generations that the live buffer counts up."""


class ImportBatch(Struct, frozen=True, gc=False):
    """At most MAX_BATCH_EVENTS events that one User-Agent sent: a canonical JSON array, or columns (`sv.model.batch`)."""

    user_agent: str
    event_count: int
    events: bytes
    columns: EventColumns | None = None


class ImportRows(Protocol):
    """The catalog's rows, as far as imports use them; each method one transaction that is durable when it returns."""

    def import_chunks(self, import_id: str) -> set[int]: ...

    def has_import_chunk(self, import_id: str, chunk_no: int) -> bool: ...

    def add_import_chunk(
        self, import_id: str, chunk_no: int, parts: Sequence[NewPart], summaries: Sequence[Summary] = (), now_ms: int = 0
    ) -> Sequence[Part] | None: ...

    def dropped_parts(self, project_id: str | None = None) -> Sequence[Part]: ...


class _Drained(Struct, frozen=True):
    """A chunk in a buffer of its own."""

    project_id: str
    key: str
    chunk_no: int
    batches: Sequence[StoredBatch]
    count: int
    buffer: int


class _Written(Struct, frozen=True):
    """A chunk in files. drained: where its buffer is still needed, since some of its events have event ids."""

    key: str
    chunk_no: int
    count: int
    files: list[NewPart]
    summaries: Sequence[Summary]
    drained: _Drained | None


class ImportChunks:
    """Thread-safe. Chunks take turns with each other, with flushes and with compaction.

    is_alone: whether nobody else uses the engine; then a chunk is summarised while its files are written.
    """

    def __init__(
        self,
        store: EventStore,
        rows: ImportRows,
        maintenance: Maintenance,
        *,
        now_ms: Callable[[], int],
        is_alone: bool = False,
    ) -> None:
        self._is_alone = is_alone
        self._store = store
        self._rows = rows
        self._maintenance = maintenance
        self._now_ms = now_ms
        self._generations = itertools.count(_GENERATIONS_FROM)
        self._in_doubt: set[str] = set()
        self._told: set[str] = set()
        self._uncommitted: set[str] = set()

    def taken(self, project_id: str, import_id: str) -> set[int]:
        """The numbers of the chunks that are in."""
        return self._rows.import_chunks(_key(project_id, import_id))

    def store(self, project_id: str, import_id: str, chunk_no: int, batches: Sequence[ImportBatch]) -> int | None:
        """Take a chunk in; every later query sees it. Returns the events stored, or None where the chunk is in already.

        Fewer are stored than there are where an `eventId` was seen before. A chunk without batches is marked as taken.
        Raises Unavailable (memory, disk), BadBatch; then nothing of it was stored.
        """
        with self._maintenance.turn():
            return self.begin(project_id, import_id, chunk_no, batches)()()

    def begin(
        self, project_id: str, import_id: str, chunk_no: int, batches: Sequence[ImportBatch]
    ) -> Callable[[], Callable[[], int | None]]:
        """`store` in three steps: this drains the chunk and returns a function that writes its files, which returns a function that commits
        them. Each is to be called once.

        Where nobody else uses the engine, other chunks may be at other steps meanwhile. Each step takes the chunks in their order, and none
        is committed after one that failed. All raise what `store` raises.
        """
        key = _key(project_id, import_id)
        with self._maintenance.turn():
            if self._rows.has_import_chunk(key, chunk_no):
                return lambda: lambda: None
            if not batches:
                return lambda: lambda: None if self._rows.add_import_chunk(key, chunk_no, []) is None else 0
            # SCAR: what was accepted gets its rows first. After a restart it may be in the rollups by events that are still to be read
            # out of the log, and that a chunk with the same event ids would have made repetitions.
            self._store.catch_up()
            numbered = _numbered(project_id, key, chunk_no, batches, self._now_ms())
            drained = self._drain(project_id, key, chunk_no, numbered)

        def write() -> Callable[[], int | None]:
            written = self._write(drained)
            return lambda: self._commit(written)

        return write

    def abandon(self) -> None:
        """Delete the files of chunks that were written and won't be committed. For when no step is under way any more."""
        self._uncommitted = self._delete(self._uncommitted)

    def _drain(self, project_id: str, key: str, chunk_no: int, batches: Sequence[StoredBatch]) -> _Drained:
        buffer = next(self._generations)
        tables = self._store.tables
        tables.create_buffer(buffer)
        with self._dropping(buffer):
            # TRICKY: the event ids are remembered after the commit. Were they before, a chunk whose writing fails would be
            # refused as a repetition of itself when it is sent again.
            slices = _slices(batches, tables.memory_bytes)
            count = sum(tables.drain(buffer, some, remember_event_ids=False) for some in slices)
            return _Drained(project_id, key, chunk_no, batches if tables.has_event_ids(buffer) else (), count, buffer)

    def _write(self, drained: _Drained) -> _Written:
        paths: list[str] = []
        with self._dropping(drained.buffer), self._deleting(paths):
            with self._summarising(drained.buffer) as summarised:
                files = self._write_files(drained, paths)
                self._store.keep_persons()
                summaries = summarised()
            written = _Written(
                drained.key, drained.chunk_no, drained.count, files, summaries, drained if drained.batches else None
            )
        if not drained.batches:
            self._drop(drained.buffer)
        self._uncommitted.update(paths)
        return written

    def _commit(self, written: _Written) -> int | None:
        """Record what was written. If one of its event ids came in by another way since the chunk was drained, drain and write it again."""
        drained = written.drained
        if drained is None:
            return self._list(written)
        tables = self._store.tables
        with self._store.paused():  # so that nothing is drained that has one of them; few files that are imported have any
            try:
                paths = [part.path for part in written.files]
                with self._deleting(paths):  # and not what comes after: from there on they may be listed
                    if tables.has_repeats(drained.buffer):
                        self._drop(drained.buffer)
                        self._delete(paths)
                        drained = self._drain(drained.project_id, drained.key, drained.chunk_no, drained.batches)
                        written = self._write(drained)
                stored = self._list(written)
                if stored is not None and written.drained is not None:
                    tables.remember_event_ids(drained.buffer)
                return stored
            finally:
                self._drop(drained.buffer)

    def _list(self, written: _Written) -> int | None:
        """Have it in the catalog."""
        parts = self._record(written.key, written.chunk_no, written.files, written.summaries)
        if parts is None:
            return None
        self._store.catalog.replace(by=parts)
        return written.count

    @contextmanager
    def _dropping(self, buffer: int) -> Generator[None]:
        """Drops the buffer if the block fails."""
        try:
            yield
        except BaseException:
            self._drop(buffer)
            raise

    @contextmanager
    def _deleting(self, paths: list[str]) -> Generator[None]:
        """Deletes these files if the block fails. No commit has seen them, so they would lie in `aside/` for ever."""
        try:
            yield
        except BaseException:
            self._delete(paths)
            raise

    def _drop(self, buffer: int) -> None:
        with suppress(Exception):  # what is left behind is memory, and what went wrong before is the news
            self._store.tables.drop_buffer(buffer)

    @contextmanager
    def _summarising(self, generation: int) -> Generator[Callable[[], Sequence[Summary]]]:
        """Yields a function that returns the summaries of the buffer. After the block nobody reads the buffer any more."""

        def summarise() -> Sequence[Summary]:
            return self._store.tables.summarise([generation], 0, _MAX_SEQ)

        if not self._is_alone:
            yield summarise
            return
        with ThreadPoolExecutor(1, "sv-summarise") as beside:
            yield beside.submit(summarise).result

    def _write_files(self, drained: _Drained, paths: list[str]) -> list[NewPart]:
        """paths: of the files, each added before it is written."""
        tables, buffer, project_id = self._store.tables, drained.buffer, drained.project_id
        unusable = self._in_doubt | {part.path for part in self._rows.dropped_parts(project_id)}
        written: list[NewPart] = []
        for number, file in enumerate(_plan_files(tables, buffer)):
            path = _unused_path(project_id, file.day, f"import-{drained.key}-{drained.chunk_no}-{number}", unusable)
            paths.append(path)
            facts = write_durably(
                self._store.data_folder / path,
                lambda target, f=file: tables.write_buffer_days(buffer, project_id, f.days, target, f.span),
            )
            written.append(new_part(project_id, path, file.day, facts, self._now_ms()))
        return written

    def _record(self, key: str, chunk_no: int, parts: Sequence[NewPart], summaries: Sequence[Summary]) -> Sequence[Part] | None:
        """Commit, and delete the files of earlier commits that failed.

        SCAR: a commit whose sync failed may come back after a crash, and then its files must lie there as they were; so they are
        neither deleted nor written again before a later commit has succeeded.
        """
        paths = {part.path for part in parts}
        self._uncommitted -= paths
        try:
            recorded = self._rows.add_import_chunk(key, chunk_no, parts, summaries, self._now_ms())
        except Exception:
            self._in_doubt |= paths
            raise
        unwanted = self._in_doubt if recorded is not None else self._in_doubt | paths
        self._in_doubt = self._delete(unwanted)
        return recorded

    def _delete(self, paths: Iterable[str]) -> set[str]:
        """Returns those that stay."""
        tried = set(paths)
        return tried - delete_files(self._store.data_folder, tried, self._told)


def _key(project_id: str, import_id: str) -> str:
    """An import's name in the catalog. Of the project too, so that no project's import is another's business."""
    return hashlib.sha256(f"{project_id}\0{import_id}".encode()).hexdigest()[:32]


def _numbered(project_id: str, key: str, chunk_no: int, batches: Sequence[ImportBatch], received_ms: int) -> list[StoredBatch]:
    if any(batch.event_count > MAX_BATCH_EVENTS for batch in batches):
        raise ValueError(f"expected at most {MAX_BATCH_EVENTS} events a batch")
    return [
        StoredBatch(
            seq,
            Batch(VERSION, project_id, received_ms, batch.event_count, batch.user_agent, None, b"", b"", batch.events),
            batch.columns,
        )
        for seq, batch in zip(_sequence_numbers(key, chunk_no, len(batches)), batches, strict=True)
    ]


def _slices(batches: Sequence[StoredBatch], memory_bytes: int) -> Iterator[list[StoredBatch]]:
    most = min(max(memory_bytes // SLICES, MIN_SLICE_BYTES), MAX_SLICE_BYTES) * ORDINARY_WEIGHT
    taken: list[StoredBatch] = []
    size = 0
    for stored in batches:
        if taken and (size >= most or not _are_alike(taken[-1], stored)):
            yield taken
            taken, size = [], 0
        taken.append(stored)
        is_ordinary = stored.size * ORDINARY_ROWS <= stored.batch.event_count * memory_bytes
        size += stored.size * (1 if is_ordinary else ORDINARY_WEIGHT)
    if taken:
        yield taken


def _are_alike(one: StoredBatch, other: StoredBatch) -> bool:
    """Whether one statement may take both."""
    if one.columns is None or other.columns is None:
        return one.columns is other.columns
    return one.batch.user_agent == other.batch.user_agent and (one.columns.own is None) == (other.columns.own is None)


def _sequence_numbers(key: str, chunk_no: int, count: int) -> list[int]:
    """Different numbers for the batches of a chunk, ascending. Two chunks share a number with a probability of 2 to the power of -44."""
    chosen: set[int] = set()
    for nth in range(count):
        digest = hashlib.blake2b(f"{key}/{chunk_no}/{nth}".encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "big") & (_SEQ_MARK - 1)
        while number in chosen:
            number = (number + 1) & (_SEQ_MARK - 1)
        chosen.add(number)
    return [_SEQ_MARK | number for number in sorted(chosen)]


def _plan_files(tables: Tables, generation: int) -> list[FilePlan]:
    groups = tables.buffer_groups(generation)
    small = [group for group in groups if group.rows < DAY_FILE_ROWS]
    return [
        file
        for some in [[group] for group in groups if group.rows >= DAY_FILE_ROWS] + ([small] if small else [])
        for file in cut_file(some, tables.most_large_bytes, lambda p, days: tables.buffer_spans(generation, p, days))
    ]


def _unused_path(project_id: str, day: str | None, name: str, unusable: set[str]) -> str:
    """The path for a file of this name; a killed run's file of that path is written over, one that the catalog knows is not."""
    path = part_path(project_id, day, name)
    nth = 1
    while path in unusable:
        nth += 1
        path = part_path(project_id, day, f"{name}-{nth}")
    return path
