"""The engine's side of events at rest (`sv.store.ports.Tables`): the buffer's tables, and the files."""

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from sv.engine.duck import files
from sv.engine.duck.buffer import drain as draining
from sv.engine.duck.buffer.batch_parts import are_large, in_parts, part_bytes
from sv.engine.duck.buffer.drain import Agent, NumberPersons, Staged, buffer_name
from sv.engine.duck.database import NO_ASYNC_THREADS, Database
from sv.engine.duck.keys import key_files, key_writing, open_files
from sv.engine.duck.summaries import reading as summaries
from sv.model.batch import StoredBatch
from sv.model.errors import Unavailable
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.redaction import redacted
from sv.model.rollup import Summary
from sv.model.unwanted import Unwanted

log = logging.getLogger(__name__)

FURTHER_PARTS: Final = 8
"""Of a part of batches that took more memory than there is: as many are tried in its place."""

SHARE_BESIDE: Final = 4
LEAST_BESIDE_BYTES: Final = 64 << 20
"""One of so many shares of the memory, or this, is for looking at files once the database itself, which keeps its own, has failed."""


class DuckTables:
    """Each call has a cursor of its own, so that queries go on meanwhile. bad_batch: the error class that the store expects for a batch
    whose content is at fault."""

    def __init__(
        self,
        database: Database,
        *,
        agent_of: Callable[[str], Agent],
        number_persons: NumberPersons,
        salt: int,
        event_id_window_ms: int,
        bad_batch: type[Exception],
        recall_event_ids: Callable[[], None],
    ) -> None:
        self.database = database
        self._agent_of = agent_of
        self._number_persons = number_persons
        self._salt = salt
        self._event_id_window_ms = event_id_window_ms
        self._bad_batch = bad_batch
        self._recall = recall_event_ids
        self._has_recalled = False
        self._recalled: set[Path] = set()
        self._recalling = threading.Lock()
        self._buffers: set[int] = set()
        self._writers: set[duckdb.DuckDBPyConnection] = set()
        self._writers_lock = threading.Lock()
        self.key_files = open_files.KeyFiles(self.memory_bytes // open_files.SHARE)
        with self._cursor() as cursor:
            cursor.execute(draining.RECENT_EVENT_IDS)

    @property
    def memory_bytes(self) -> int:
        """See the port."""
        return self.database.memory_bytes

    @contextmanager
    def _cursor(self) -> Generator[duckdb.DuckDBPyConnection]:
        with self.database.cursor() as cursor:
            try:
                yield cursor
            except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
                raise Unavailable(f"the engine can't go on: {str(error).splitlines()[0]}") from error

    @contextmanager
    def _beside(self) -> Generator[duckdb.DuckDBPyConnection]:
        """An engine for one look at a file: the database refuses everything, and a file may be why."""
        memory_bytes = max(self.database.memory_bytes // SHARE_BESIDE, LEAST_BESIDE_BYTES)
        bounds = {"memory_limit": f"{memory_bytes // 1024}KiB", "threads": "1"}
        with duckdb.connect(":memory:", config={**bounds, "async_threads": NO_ASYNC_THREADS, "temp_directory": ""}) as engine:
            try:
                yield engine
            except duckdb.OutOfMemoryException as error:
                raise Unavailable(f"the engine can't go on: {str(error).splitlines()[0]}") from error

    @contextmanager
    def _writing(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A cursor for work that may take seconds, and that leaves nothing behind when it is interrupted."""
        with self._cursor() as cursor:
            with self._writers_lock:
                self._writers.add(cursor)
            try:
                yield cursor
            except duckdb.InterruptException as error:
                raise Unavailable("the server is about to end") from error
            finally:
                with self._writers_lock:
                    self._writers.remove(cursor)

    def interrupt_writing(self) -> None:
        with self._writers_lock:
            for cursor in self._writers:
                cursor.interrupt()

    def interrupt_all(self) -> None:
        self.database.interrupt()

    def create_buffer(self, generation: int) -> None:
        with self._cursor() as cursor:
            draining.create_buffer(cursor, generation)
        self._buffers.add(generation)

    def drain(self, generation: int, batches: Sequence[StoredBatch], *, remember_event_ids: bool = True) -> int:
        """See the port. Repeated event ids are looked up only where a batch carries some."""
        most = part_bytes(self.memory_bytes)
        if are_large(batches, most):
            return self._drain_large(generation, batches, most, remember_event_ids)
        with self._cursor() as cursor:
            with self._blaming_the_batch():
                staged = draining.stage_batches(cursor, batches, self._agent_of, self._salt)
            if self._looks_for_repeats(staged):
                self._recall_once()
            with self._blaming_the_batch(), _transaction(cursor):
                return self._move(cursor, generation, staged, remember_event_ids)

    def _drain_large(self, generation: int, batches: Sequence[StoredBatch], most: int, remember_event_ids: bool) -> int:
        """Drain what is too large for one statement in parts, all or nothing; in smaller parts where memory doesn't suffice."""
        if self._event_id_window_ms > 0 and any(b'"eventId":' in stored.batch.events for stored in batches):
            self._recall_once()
        with self._cursor() as cursor, self._blaming_the_batch():
            for size in (most, most // FURTHER_PARTS):
                try:
                    with _transaction(cursor):
                        rows = 0
                        for part in in_parts(batches, size):
                            staged = draining.stage_batches(cursor, part, self._agent_of, self._salt)
                            rows += self._move(cursor, generation, staged, remember_event_ids)
                        return rows
                except duckdb.OutOfMemoryException:
                    if size < most:
                        raise
        raise AssertionError

    def _move(self, cursor: duckdb.DuckDBPyConnection, generation: int, staged: Staged, remember_event_ids: bool) -> int:
        """What is staged to the buffer, within a transaction."""
        if self._looks_for_repeats(staged):
            unremembered = None if remember_event_ids else generation
            draining.drop_repeated_events(cursor, self._event_id_window_ms, unremembered=unremembered)
        return draining.move_stage_to_buffer(cursor, generation, staged, self._number_persons)

    def _looks_for_repeats(self, staged: Staged) -> bool:
        return staged.event_ids > 0 and self._event_id_window_ms > 0

    def _recall_once(self) -> None:
        """Outside of the block that blames the batch: a damaged file is no fault of the batch that made us read it."""
        with self._recalling:
            if not self._has_recalled:
                self._recall()
                self._recalled.clear()
                self._has_recalled = True

    @contextmanager
    def _blaming_the_batch(self) -> Generator[None]:
        try:
            yield
        except (duckdb.DataError, duckdb.InvalidInputException, ValueError) as error:
            raise self._bad_batch(redacted(error)) from error

    def remember_event_ids(self, generation: int) -> None:
        with self._cursor() as cursor:
            draining.remember_event_ids(cursor, generation)

    def has_event_ids(self, generation: int) -> bool:
        with self._cursor() as cursor:
            return self._event_id_window_ms > 0 and draining.has_event_ids(cursor, generation)

    def has_repeats(self, generation: int) -> bool:
        with self._cursor() as cursor:
            return draining.has_repeats(cursor, generation, self._event_id_window_ms)

    def drop_buffer(self, generation: int) -> None:
        with self._cursor() as cursor:
            cursor.execute(f"drop table if exists {buffer_name(generation)}")
        self._buffers.discard(generation)

    def count_bots(self, generation: int) -> int:
        with self._cursor() as cursor:
            return files.count_bots(cursor, generation)

    def buffer_groups(self, generation: int) -> list[files.BufferGroup]:
        with self._cursor() as cursor:
            return files.buffer_groups(cursor, generation, self.memory_bytes)

    def buffer_spans(self, generation: int, project_id: str, days: Sequence[str]) -> list[files.Span]:
        with self._cursor() as cursor:
            return files.buffer_spans(cursor, generation, project_id, days, self.memory_bytes)

    @property
    def most_large_bytes(self) -> int:
        """See the port."""
        return self.memory_bytes // files.LARGE_SHARE

    def large_bytes(self, path: Path) -> int:
        with self._cursor() as cursor:
            try:
                return files.large_bytes(cursor, path, self.memory_bytes)
            except duckdb.OutOfMemoryException:  # a file of an earlier release, or of more memory than there is now
                return self.most_large_bytes + 1

    def write_buffer_days(
        self, generation: int, project_id: str, days: Sequence[str], target: Path, span: files.Span | None = None
    ) -> files.FileFacts:
        with self._writing() as cursor:
            return files.write_buffer_days(cursor, generation, project_id, days, span, target)

    def merge_files(self, sources: Sequence[Path], target: Path) -> files.FileFacts:
        with self._writing() as cursor:
            return files.merge_files(cursor, sources, target)

    def session_ids(self, path: Path, persons: Sequence[int]) -> list[str]:
        with self._cursor() as cursor:
            return files.session_ids(cursor, path, persons)

    def count_unwanted(self, path: Path, unwanted: Unwanted) -> int:
        with self._cursor() as cursor:
            return files.count_unwanted(cursor, path, unwanted)

    def write_without(self, source: Path, unwanted: Unwanted, target: Path) -> files.FileFacts:
        with self._writing() as cursor:
            return files.write_without(cursor, source, unwanted, target)

    def is_readable(self, path: Path) -> bool:
        with self._cursor() if self.database.fault is None else self._beside() as cursor:
            try:
                return files.is_readable(cursor, path)
            except OSError as error:
                raise Unavailable(f"{path.name} can't be opened: {error.strerror}") from error

    def wants_keys(self, part: Part) -> bool:
        return (part.level > 0 or part.rows >= key_files.MIN_ROWS) and part.rows <= key_files.MAX_ROWS

    def open_keys(self, part: Part, path: Path, *, is_checked: bool) -> bool:
        found = key_files.open_key_file(path, part, is_checked=is_checked)
        if found is not None:
            self.key_files.add(part.part_id, found)
        return found is not None

    def are_keys_outdated(self, part_id: int) -> bool:
        return self.key_files.is_outdated(part_id)

    def lost_keys(self) -> set[int]:
        return self.key_files.lost()

    def write_keys(self, part: Part, source: Path, target: Path) -> bool:
        with self._writing() as cursor:
            try:
                key_writing.write_key_file(cursor, source, part, target)
            except key_writing.Unfit as error:
                log.debug("no key file for %s: %s", part.path, error)
                target.write_bytes(b"")
                return False
        return True

    def forget_keys(self, part_id: int) -> None:
        self.key_files.forget(part_id)

    def recall_event_ids(self, parts: Sequence[tuple[str, Path]], since_ms: int) -> None:
        with self._cursor() as cursor:
            cursor.execute(
                f"""
                insert into recent_event_ids
                select $project_ids[file_index::bigint + 1], client_event_id, received_at
                from ({files.read_files([path for _, path in parts], with_index=True)})
                where client_event_id is not null and received_at >= make_timestamp_ms($since_ms)
                """,
                {"project_ids": [project_id for project_id, _ in parts], "since_ms": since_ms},
            )
        self._recalled.update(path for _, path in parts)

    def has_recalled(self, path: Path) -> bool:
        return path in self._recalled

    def summarise(
        self, generations: Sequence[int], after_seq: int, up_to_seq: int, project_id: str | None = None
    ) -> list[Summary]:
        with self._cursor() as cursor:
            return summaries.summarise_buffers(cursor, generations, after_seq, up_to_seq, project_id, self.database.memory_bytes)

    def summarise_file(self, path: Path, project_id: str) -> Iterator[Summary]:
        with self._cursor() as cursor:
            yield from summaries.summarise_file(cursor, path, project_id, self.database.memory_bytes)

    def position_after(self, generations: Sequence[int], after_seq: int, rows: int) -> int | None:
        with self._cursor() as cursor:
            return summaries.position_after(cursor, generations, after_seq, rows)

    def recall_again(self) -> None:
        self.forget_event_ids(MAX_TIMESTAMP_MS)
        self._recalled.clear()
        self._has_recalled = False

    def forget_event_ids(self, before_ms: int) -> None:
        with self._cursor() as cursor:
            cursor.execute("delete from recent_event_ids where received_at < make_timestamp_ms($ms)", {"ms": before_ms})


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    cursor.begin()
    try:
        yield
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
