"""Keeps the rollups up to date with the events: folds buffers into them before somebody reads lists, before a flush, and with each chunk of
an import.

`catch_up` is for readers, `fold` for the flush. A rebuild makes a project's rollups anew from its parts and the buffers, while lists go on
reading the old ones. The engine summarises events and the metadata merges summaries; neither knows of the other.

The order of its locks among the others is in ARCHITECTURE.md, "Locks".
"""

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from sv.model.errors import SvError, Unavailable
from sv.model.limits import FOLD_ROWS, MAX_TIMESTAMP_MS
from sv.model.part import Part
from sv.model.redaction import redacted
from sv.model.rollup import ALIASES, Summary, anonymous_ids
from sv.model.snapshot import Snapshot
from sv.store.event_store import EventStore
from sv.store.ports import RollupRows, Turns
from sv.store.worker import Worker

log = logging.getLogger(__name__)

TOGETHER: Final = 4
"""Summaries of a rebuild that one transaction merges: some thousand rows, so that other writers wait little."""

RETRY_S: Final = 5.0
MAX_RETRY_S: Final = 300.0
"""After a rebuild that failed for want of memory or disk; twice as long after each further one. Each reads all files of the project."""


class Rollups:
    """Thread-safe. number_persons: of a project and a JSON array of distinct ids; gives numbers to those that have none."""

    def __init__(
        self, store: EventStore, rows: RollupRows, number_persons: Callable[[str, str], str], now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._rows = rows
        self._number_persons = number_persons
        self._now_ms = now_ms
        self._folding = threading.RLock()
        self._rolled_seq = rows.rolled_seq()

    def catch_up(self) -> None:
        """Fold everything that was accepted before the call. Raises Unavailable."""
        self._store.catch_up()
        self.fold()

    def fold(self, is_ending: Callable[[], bool] = lambda: False) -> bool:
        """Fold everything that is in the buffers. Raises Unavailable; then the rest is still to be folded.

        is_ending: asked now and then. Once it says so the rest is left, and the answer is False.
        """
        if self._rolled_seq >= self._store.drained_seq:
            return True
        with self._folding:
            up_to = self._store.drained_seq
            while self._rolled_seq < up_to:
                if is_ending():
                    return False
                generations = self._store.generations_after(self._rolled_seq)
                tables = self._store.tables
                following = tables.position_after(generations, self._rolled_seq, FOLD_ROWS)
                self._store.keep_persons()
                # A batch is folded whole, and one alone may be all that there is up to the next position.
                self._fold_up_to(generations, max(min(up_to, (following or up_to + 1) - 1), self._rolled_seq + 1))
        return True

    @contextmanager
    def paused(self) -> Generator[None]:
        """Inside the block nothing is folded, except by this thread."""
        with self._folding:
            yield

    def _fold_up_to(self, generations: Sequence[int], seq: int) -> None:
        """Fold the batches up to `seq`. What can't be summarised, for a reason that trying again doesn't mend, costs its batch alone.

        SCAR: not more, and above all not the flush: a server that can't flush refuses every event before long.
        """
        try:
            summaries = self._store.tables.summarise(generations, self._rolled_seq, seq)
            self._rows.fold(summaries, seq, self._now_ms())
        except SvError:
            raise
        except Exception:
            middle = (self._rolled_seq + seq) // 2
            if middle > self._rolled_seq:
                self._fold_up_to(generations, middle)
                self._fold_up_to(generations, seq)
                return
            log.exception("the batch at log position %d is missing in lists of persons and sessions", seq)
            self._rows.fold((), seq, self._now_ms())
        self._rolled_seq = seq

    # Making them anew

    def rebuild(self, project_id: str, turns: Turns, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Make the project's rollups anew from all of its events, and let lists read them. Returns False where something interfered.

        Events that arrive meanwhile go into the old and the new rollups. After a crash in the middle the old ones are unchanged. A part
        that can't be read is set aside, as by a query. Raises Unavailable.
        """
        with turns.turn():
            self.catch_up()
            with self._folding:
                build = self._rows.begin(project_id)
                seq = self._rolled_seq
                snapshot = self._store.catalog.take(project_id, 0, MAX_TIMESTAMP_MS + 1)
                buffered = self._store.tables.summarise(snapshot.buffers, 0, seq, project_id)
        try:
            summaries = self._summaries(snapshot, buffered, turns)
            while together := tuple(islice(summaries, TOGETHER)):
                self._number_anonymous(together)
                if is_stopping() or not self._rows.add(build, together, self._now_ms()):
                    return False
        finally:
            self._store.catalog.release(snapshot)
        with self._folding:
            return self._rows.finish(build)

    def _number_anonymous(self, summaries: Sequence[Summary]) -> None:
        """SCAR: an erasure takes a person's anonymous ids their numbers, and another user's events may have these ids too. Without a number
        such an id had no user in the lists that were made then, and got one when they were made the next time."""
        for summary in summaries:
            if summary.kind == ALIASES:
                self._number_persons(summary.project_id, anonymous_ids(summary))

    def _summaries(self, snapshot: Snapshot, buffered: Sequence[Summary], turns: Turns) -> Iterator[Summary]:
        yield from buffered
        for part in snapshot.parts:
            yield from self._summaries_of(part, turns)

    def _summaries_of(self, part: Part, turns: Turns) -> Iterator[Summary]:
        try:
            yield from self._store.tables.summarise_file(self._store.data_folder / part.path, part.project_id)
        except Unavailable:
            raise
        except Exception as error:
            log.error("the events of %s are missing in lists of persons and sessions: %s", part.path, redacted(error))
            turns.check_all([part])


class RollupWork:
    """Rebuilds rollups that need it, and deletes those that were replaced, on a thread of its own."""

    def __init__(self, rollups: Rollups, rows: RollupRows, turns: Turns) -> None:
        self._rollups = rollups
        self._rows = rows
        self._turns = turns
        self._worker = Worker("sv-rollups", self._run)
        self._wanted: list[str] = []
        self._has_unfinished = False
        self._rebuilding = threading.Lock()
        self._has_started = False

    def start(self) -> None:
        """Take up what an earlier run or release left to do; the thread is started only if there is something.

        SCAR: nothing is written here. A rebuild that fills the disk and is cut off kept the server from starting.
        """
        self._has_unfinished = self._rows.has_unfinished()
        self._wanted = list(self._rows.projects_to_build())
        self._has_started = True
        if self._has_unfinished or self._wanted or self._rows.has_dropped():
            self._worker.wake()

    def purge_soon(self) -> None:
        """Have what was dropped deleted soon; before `start`, by that."""
        if self._has_started:
            self._worker.wake()

    def stop(self) -> None:
        """End the thread; a rebuild that isn't finished begins anew at the next start."""
        self._worker.stop()

    def rebuild(self, project_id: str) -> bool:
        """Rebuild a project's rollups now; see `Rollups.rebuild`. One at a time: two rebuilds of one project would replace each other's
        builds for ever."""
        with self._rebuilding:
            try:
                return self._rollups.rebuild(project_id, self._turns, self._worker.is_stopping)
            except Exception:
                self._has_unfinished = True
                raise
            finally:
                self._worker.wake()  # what was replaced, or got no further, is to be deleted

    def _give_up_unfinished(self) -> None:
        """Of an earlier run, or one that failed: else it had its room for as long as nothing can be made. Not while one is under way."""
        if self._has_unfinished:
            with self._rebuilding:
                self._rows.drop_unfinished()
                self._has_unfinished = False

    def _purge(self) -> None:
        while not self._worker.is_stopping() and self._rows.purge():
            pass

    def _run(self) -> None:
        is_stopping = self._worker.is_stopping
        pause_s = RETRY_S
        while not is_stopping():
            try:
                self._give_up_unfinished()
                if pause_s > RETRY_S:
                    self._purge()  # first: what failed may have taken the room that the next try needs
                while self._wanted and not is_stopping():
                    if self.rebuild(self._wanted[0]):
                        log.info("the lists of project %s were rebuilt from its events", self._wanted[0])
                        self._wanted.pop(0)
                self._purge()
                pause_s = RETRY_S
                self._worker.until_woken()
            except Exception as error:
                reason = redacted(error)
                log.error(
                    "can't rebuild the lists of persons, sessions and names, will try again: %s",
                    reason,
                    exc_info=not isinstance(error, SvError),
                )
                self._worker.pause(pause_s)
                pause_s = min(2 * pause_s, MAX_RETRY_S)
