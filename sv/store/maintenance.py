"""The background work on events at rest, one thread: drain what has come together, flush, compact, delete what nobody reads.

A fault (a full disk, say) stops nothing: the generation stays frozen and readable, its events stay in the log, and the flush is tried
again with growing pauses until it succeeds. What grows meanwhile is bounded by ingest, which refuses when too many bytes are held.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from sv.model.batch import Batch
from sv.model.errors import SvError, Unavailable
from sv.model.part import Part
from sv.model.redaction import public_message, redacted
from sv.store.aside import remove_aside_of_deleted, tell_nobodys
from sv.store.event_store import EventStore, Generation
from sv.store.files import delete_durably, looks_whole, part_path, set_aside, write_durably
from sv.store.flush_plan import plan_files
from sv.store.indexing import Indexing
from sv.store.large import LargeRows
from sv.store.merge_tries import MergeTries
from sv.store.parts import new_part
from sv.store.ports import CatalogRows, DeletedProjects
from sv.store.unfinished import Unfinished
from sv.store.worker import INTERRUPT_EVERY_S

log = logging.getLogger(__name__)

MAX_PAUSE_S: Final = 5.0
"""Between tries while the disk refuses. A failed try is cheap, and this is how long a disk that has room again may go unused."""

LAST_FLUSH_EVENTS: Final = 50_000
"""Each takes 60 µs of processor time, 120 in no order of time, and containers are given ten seconds to end. What is left is in the log."""

IDLE_POLL_S: Final = 5.0
HELD_POLL_S: Final = 1.0
"""How often the number of held events is looked at; their bytes, and the oldest's age, are known without."""

LET_OTHERS_S: Final = 0.001
"""Between two turns: without a pause the thread that has just released the lock would be the first to get it again."""

LOOK_FOR_DELETED_S: Final = 5.0
"""How often projects that another process deleted are looked for."""

Result = TypeVar("Result")
BeforeCommit = Callable[[Sequence[Batch], int], None]
"""(headers of the flushed batches, log position covered): makes durable what must not be lost with the log."""


class _Ending(Exception):
    """The server ends in the middle of a flush. Files that are written stay, and so does what is folded."""


class Maintenance:
    """Runs until `stop`. `flush` and `compact` may also be called by other threads; they take turns.

    fold: brings the rollups up to what is in the buffers; False where what it is given told it to end before. deleted: None where no
    project is ever deleted.
    """

    def __init__(
        self,
        store: EventStore,
        rows: CatalogRows,
        *,
        flush_after_s: float,
        flush_after_events: int,
        flush_after_bytes: int,
        compact_every_s: float,
        fold: Callable[[Callable[[], bool]], bool],
        before_commit: BeforeCommit,
        after_commit: Callable[[int], None],
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        deleted: DeletedProjects | None = None,
    ) -> None:
        self._store = store
        self._rows = rows
        self._flush_after_s = flush_after_s
        self._flush_after_events, self._flush_after_bytes = flush_after_events, flush_after_bytes
        self._compact_every_s = compact_every_s
        self._compacted_at_s = monotonic_s()
        self._fold = fold
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._deleted = deleted
        self._look_for_deleted_at_s = monotonic_s()
        self._turn = threading.RLock()
        self._stopping = threading.Event()
        self._indexing = Indexing(store, monotonic_s, self._is_ending)
        self._merge_tries = MergeTries(now_ms, monotonic_s, self._stopping.is_set)
        self._large = LargeRows(lambda: store.tables, store.data_folder)
        self._told, self._told_to_stay = set[str](), set[str]()
        self._thread = threading.Thread(target=self._run, name="sv-store", daemon=True)
        self.unfinished = Unfinished(store.data_folder, rows)
        self.unfinished.resume([part.part_id for part in store.catalog.parts()])
        self.fault: str | None = None
        self.flushes = self.merges = 0
        self.last_flush_s = monotonic_s()

    def start(self) -> int:
        """Returns the thread's number in the system."""
        self._thread.start()
        return self._thread.native_id or -1

    def end_soon(self) -> None:
        """Begin nothing more that can wait, on whatever thread."""
        self._stopping.set()

    @property
    def is_ending(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """End the thread soon: a file half written is deleted, and the rest of a flush is for `flush_last` or the next start."""
        self._stopping.set()
        self._store.work_arrived.set()
        while self._thread.is_alive():
            self._store.interrupt_writing()
            self._thread.join(INTERRUPT_EVERY_S)

    @contextmanager
    def turn(self) -> Generator[None]:
        """Inside the block nothing is flushed, merged, deleted or reset, except by this thread."""
        with self._turn:
            yield

    def flush(self) -> None:
        """Write all that is held as parts and commit. Raises what went wrong; then all is as before, and readable."""
        with self._turn:
            for generation in self._store.freeze():
                self._flush_generation(generation)
            self._sweep()

    def flush_and(self, act: Callable[[], Result]) -> Result:
        """Flush, and call `act` before anything more is drained: everything accepted so far is in parts then, and what comes later comes
        after it.

        Queries and new persons wait for `act`, so it has to be short.
        """
        with self._turn:
            self.flush()  # the most of it while queries go on
            with self._store.frozen_solid() as generations:
                for generation in generations:
                    self._flush_generation(generation)
                result = act()
            self._sweep()
            return result

    def flush_last(self) -> None:
        """The last flush and sweep before the end. What can't be written, and what would take long, stays in the log."""
        try:
            self.flush() if 0 < self._store.held_events() <= LAST_FLUSH_EVENTS else self.sweep()
        except Exception as error:
            log.error("the last flush failed, its events stay in the log: %s", redacted(error))

    def sweep(self) -> None:
        """Delete now what no query reads any more."""
        with self._turn:
            self.unfinished.settle()
            self._sweep()

    def compact(self, *, everything: bool = False) -> int:
        """Merge the parts that are due, or all of each day. Returns the number of merges. Raises what fails, where it is all."""
        with self._turn:
            self.unfinished.settle()
            self._sweep()
            parts = self._large.mergeable(self._store.catalog.parts())
            plans = self._merge_tries.plans(parts, everything=everything)
        # SCAR: a turn for each merge. Thousands in one turn kept flushes, deletions and other threads waiting until the last was done.
        for plan in plans:
            with self._turn:
                if self._stopping.is_set() and not everything:
                    break
                if self._is_flush_due():
                    self.flush()
                self.unfinished.settle()
                if self._store.catalog.are_live(part.part_id for part in plan):
                    if everything:
                        self._merge(plan)
                    elif not self._merge_tries.attempt(plan, self._merge):
                        break  # the next round goes on: the disk may be full, and others need it too
                    self._sweep()
            self._stopping.wait(LET_OTHERS_S)
        return len(plans)

    def index(self) -> None:
        """Look after key files, letting others have the turn between two of them."""
        while not self._stopping.is_set() and self._indexing.index_next(self._turn):
            pass

    def look_for_deleted(self) -> None:
        """Have `remove_deleted` called soon, on the background thread."""
        self._look_for_deleted_at_s = self._monotonic_s()
        self._store.work_arrived.set()

    def remove_deleted(self) -> None:
        """Have what is left of deleted projects leave the catalog and the disk; what queries still read goes when they are done.

        Their events in memory, and those that come out of the log at a start, go with the next flush, which writes none of them.
        """
        with self._turn:
            self._look_for_deleted_at_s = self._monotonic_s() + LOOK_FOR_DELETED_S
            if self._deleted is None:
                return
            remove_aside_of_deleted(self._store.data_folder, self._deleted, self._told)
            if not (project_ids := self._deleted.with_remains()):
                return
            self.flush()  # or the events that are held would be in the rollups again
            for project_id in project_ids:
                part_ids = [part.part_id for part in self._store.catalog.parts(project_id)]
                self._deleted.forget(project_id)
                self._store.catalog.replace(parts=part_ids, by=())
                log.info("project %s was deleted: removing %d of its event files", project_id, len(part_ids))
            tell_nobodys(self._store.data_folder)
            self._sweep()

    def reset(self, delete_rows: Callable[[int], object]) -> None:
        """Drop every event of every project. For `sv dev` alone. delete_rows: empties the catalog's rows up to a log position."""
        with self._turn:
            covered = self._store.discard_all()
            part_ids = [part.part_id for part in self._store.catalog.parts()]
            delete_rows(covered)
            self._store.catalog.replace(parts=part_ids, by=())
            if self._store.is_engine_open:
                self._store.tables.forget_event_ids(self._now_ms() + 1)
            self._after_commit(covered)
            self._sweep()

    def _run(self) -> None:
        pause_s = 1.0
        while not self._stopping.is_set():
            self._store.work_arrived.wait(self._wait_s())
            self._store.work_arrived.clear()
            if self._stopping.is_set():
                return
            try:
                if self._store.pending_bytes > self._store.drain_when_bytes:
                    self._store.catch_up()
                if self._monotonic_s() >= self._look_for_deleted_at_s:
                    self.remove_deleted()
                if self._is_flush_due():
                    self.flush()
                if self._is_compaction_due():
                    self.compact()
                    self._compacted_at_s = self._monotonic_s()
                self.index()
                if self.fault is not None:
                    log.info("writing event files works again")
                self.fault, pause_s = None, 1.0
            except Exception as error:
                if self._stopping.is_set():
                    return
                self._report(error)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
                self._store.work_arrived.set()

    def _is_ending(self) -> bool:
        """Whether this is the background thread and it is to end. Other threads finish what they are doing."""
        return self._stopping.is_set() and threading.current_thread() is self._thread

    def _report(self, error: Exception) -> None:
        reason = public_message(error)
        if self.fault is None:
            log.error("can't write event files, will try again: %s", reason, exc_info=not isinstance(error, SvError | OSError))
        self.fault = reason

    def _wait_s(self) -> float:
        oldest = self._oldest_s()
        if oldest is None:
            return IDLE_POLL_S
        return min(max(oldest + self._flush_after_s - self._monotonic_s(), 0.02), HELD_POLL_S)

    def _oldest_s(self) -> float | None:
        """Since when something waits to be flushed; 0 if a flush left something behind, which is overdue."""
        return 0.0 if self._store.frozen else self._store.held_since_s()

    def _is_flush_due(self) -> bool:
        oldest = self._oldest_s()
        if oldest is None:
            return False
        store = self._store
        return (
            bool(store.frozen)
            or store.held_events() >= self._flush_after_events
            or store.held_bytes >= self._flush_after_bytes
            or self._monotonic_s() >= oldest + self._flush_after_s
        )

    def _is_compaction_due(self) -> bool:
        """Only where the engine is loaded already: an idle server stays small, and nothing new has come to merge."""
        since_s = self._monotonic_s() - self._compacted_at_s
        return self._store.is_engine_open and 0 < self._compact_every_s <= since_s

    def _flush_generation(self, generation: Generation) -> None:
        """Write, commit, and let queries read the parts in the place of the buffer.

        SCAR: a commit whose sync failed may come back after a crash, and then the files must lie there as they were. So a flush that
        is tried again writes no file a second time.
        """
        tables = self._store.tables
        deleted = self._deleted.ids() if self._deleted is not None else ()
        groups = tables.buffer_groups(generation.number)
        plan = plan_files(groups, tables.most_large_bytes, lambda p, days: tables.buffer_spans(generation.number, p, days))
        # TRICKY: numbered before deleted projects are left out, so that a second try names the others' files alike.
        for number, file in enumerate(plan):
            path = part_path(file.project_id, file.day, f"flush-{generation.last_seq:016x}-{number}")
            if path in generation.written or file.project_id in deleted:
                continue
            if self._is_ending():
                raise _Ending
            facts = write_durably(
                self._store.data_folder / path,
                lambda target, f=file: tables.write_buffer_days(generation.number, f.project_id, f.days, target, f.span),
            )
            generation.written[path] = new_part(file.project_id, path, file.day, facts, self._now_ms())
        self._store.keep_persons()
        if not self._fold(self._is_ending):  # ROLLUP-1
            raise _Ending
        self._before_commit(generation.headers, generation.last_seq)
        tally = generation.tally(tables.count_bots(generation.number))
        self._store.thaw(generation, lambda: self._rows.commit_flush([*generation.written.values()], generation.last_seq, tally))
        self._after_commit(generation.last_seq)
        self.flushes += 1
        self.last_flush_s = self._monotonic_s()

    def _merge(self, plan: Sequence[Part]) -> None:
        tables = self._store.tables
        folder = self._store.data_folder
        readable = self._large.fitting([part for part in plan if self.check(part)])
        if len(readable) < 2:
            return
        first = readable[0]
        path = part_path(first.project_id, first.day, f"merge-{secrets.token_hex(8)}")
        level = max(part.level for part in readable) + 1
        old_ids = [part.part_id for part in readable]
        self.unfinished.begin(path, old_ids)
        try:
            facts = write_durably(
                folder / path, lambda target: tables.merge_files([folder / part.path for part in readable], target)
            )
            part = new_part(first.project_id, path, first.day, facts, self._now_ms(), level)
            parts = self._rows.replace_parts(old_ids, [part])
        except Exception:
            self.unfinished.doubt(path)
            raise
        self._store.catalog.replace(parts=old_ids, by=parts)
        self.merges += 1

    def check(self, part: Part) -> bool:
        """Whether the part's file can be read; one that can't is set aside and leaves the catalog, which is logged. Raises Unavailable.

        TRICKY: the file is moved before the catalog's row is dropped. Were the process killed in between the other way round, the next
        start would delete the file as one that was replaced. Where the disk refuses either, the part is only hidden from queries, and
        the next start deals with it.
        """
        path = self._store.data_folder / part.path
        try:
            if looks_whole(path, part.bytes) and self._store.tables.is_readable(path):
                return True
        except OSError as error:  # too many open files, say, which is no fault of this one
            raise Unavailable(f"{part.path} can't be opened: {error.strerror}") from error
        try:
            set_aside(self._store.data_folder, path, "it can't be read")
            self._rows.set_aside(part.part_id)
        except (OSError, SvError) as error:
            log.error("%s can't be read, and can't be set aside either: %s", path, error)
            self._store.catalog.withdraw(part.part_id)
        else:
            self._store.catalog.replace(parts=[part.part_id], by=())
        return False

    def check_all(self, parts: Sequence[Part]) -> int:
        """Check these parts. Returns how many can't be read any more, whether they were set aside now or since by somebody else."""
        with self._turn:
            live = {part.part_id for part in self._store.catalog.parts()}
            return sum(part.part_id not in live or not self.check(part) for part in parts)

    def _sweep(self) -> None:
        """Delete the buffers and files that no query reads any more."""
        catalog = self._store.catalog
        buffers = catalog.unread_buffers()
        for generation in buffers:
            self._store.tables.drop_buffer(generation)
        catalog.forget(buffers=buffers)
        unread = catalog.unread_parts()
        self._indexing.remove(unread)
        deleted = delete_durably(self._store.data_folder, [part.path for part in unread], self._told_to_stay)
        gone = [part.part_id for part in unread if part.path in deleted]
        if gone:
            self._rows.forget_dropped(gone)
            catalog.forget(parts=gone)
