"""Removes events from the files at rest: a file that holds some is rewritten without them, and the old file is deleted.

Assumes that no more such events arrive (those of a person's number that was retired), or that a later pass finds them (events that are too
old). Takes the maintenance's turn for each file, so that flushes go on in between. Never changes a file: like a merge it writes another
one, puts that in the place of the old one in one transaction of the catalog, and deletes the old one when no query reads it any more.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sv.model.errors import Unavailable
from sv.model.part import NewPart, Part
from sv.model.unwanted import Unwanted
from sv.store.event_store import EventStore
from sv.store.files import part_path, write_durably
from sv.store.maintenance import Maintenance
from sv.store.parts import new_part

log = logging.getLogger(__name__)

REREAD_S = 0.05
"""How soon it is looked again whether anybody still reads a file that was replaced."""

REREADS: Final = 2400
"""How often: for two minutes, in which a query with an ordinary time limit ends.

SCAR: an export has none. Who took one slowly kept its files for hours, and the erasures of all other projects waited as long."""


class Recorder(Protocol):
    """Records in one durable transaction that a part was replaced, and by how many events less."""

    def __call__(self, old_ids: Sequence[int], new_parts: Sequence[NewPart], removed: int) -> Sequence[Part]: ...


class Rewriting:
    """Thread-safe, as far as the maintenance's turns make it."""

    def __init__(self, store: EventStore, maintenance: Maintenance, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._maintenance = maintenance
        self._now_ms = now_ms

    def remove(
        self,
        project_id: str,
        unwanted: Unwanted,
        record: Recorder,
        progress: Callable[[int, int], None],
        is_stopping: Callable[[], bool],
    ) -> bool:
        """Remove the unwanted events from every part of the project. Returns False where it was stopped: what is done stays done.

        progress: called after each file with (files done, files to do in all). Files that this, merges and flushes write meanwhile are
        looked at too, and count as soon as they exist. A file that can't be read is set aside, as by queries. Raises Unavailable.
        """
        done: set[int] = set()
        while True:
            left = self._left(project_id, done)
            if not left:
                return True
            for part in left:
                if is_stopping():
                    return False
                self._remove_from(part, unwanted, record)
                done.add(part.part_id)
                progress(len(done), len(done) + len(self._left(project_id, done)))

    def interrupt(self) -> None:
        """Interrupt whoever is writing a file; see `EventStore.interrupt_writing`."""
        self._store.interrupt_writing()

    def _left(self, project_id: str, done: set[int]) -> list[Part]:
        return [part for part in self._store.catalog.parts(project_id) if part.part_id not in done]

    def session_ids(self, project_id: str, persons: Sequence[int]) -> list[str]:
        """The client sessions in which these persons have events, according to the files. Raises Unavailable."""
        found: set[str] = set()
        with self._maintenance.turn():
            for part in self._store.catalog.parts(project_id):
                try:
                    found.update(self._store.tables.session_ids(self._store.data_folder / part.path, persons))
                except Unavailable:
                    raise
                except Exception:
                    if self._maintenance.check(part):
                        raise
        return sorted(found)

    def wait_until_gone(self, project_id: str, wait: Callable[[float], bool]) -> bool:
        """Wait until the files that were replaced so far are deleted. Returns False where `wait`, which is called with some seconds, said
        to stop. Raises Unavailable where a query or an export still reads one after REREADS looks; then it may be called again.
        """
        awaited = self._store.catalog.dropped_parts(project_id)
        for _ in range(REREADS):
            self._maintenance.sweep()
            if not awaited & self._store.catalog.dropped_parts(project_id):
                return True
            if wait(REREAD_S):
                return False
        raise Unavailable("files that were replaced are still being read, by an export maybe that its client takes slowly")

    def _remove_from(self, part: Part, unwanted: Unwanted, record: Recorder) -> None:
        with self._maintenance.turn():
            self._maintenance.unfinished.settle()
            if part.part_id not in {live.part_id for live in self._store.catalog.parts(part.project_id)}:
                return
            count = self._count(part, unwanted)
            if not count:
                return
            path = part_path(part.project_id, part.day, f"rewrite-{secrets.token_hex(8)}")
            if count < part.rows:
                self._maintenance.unfinished.begin(path, [part.part_id])
            try:
                new_parts = [] if count == part.rows else [self._write_others(part, unwanted, path)]
                parts = record([part.part_id], new_parts, count)
            except Exception:
                self._maintenance.unfinished.doubt(path)
                raise
            self._store.catalog.replace(parts=[part.part_id], by=parts)
            if new_parts:
                self._maintenance.sweep()  # or the disk would have to hold all of the project's files twice

    def _count(self, part: Part, unwanted: Unwanted) -> int:
        if part.max_ts_ms < unwanted.before_ms:
            return part.rows
        if not unwanted.persons and part.min_ts_ms >= unwanted.before_ms:
            return 0
        try:
            return self._store.tables.count_unwanted(self._store.data_folder / part.path, unwanted)
        except Unavailable:
            raise
        except Exception:
            if self._maintenance.check(part):
                raise
            return 0

    def _write_others(self, part: Part, unwanted: Unwanted, path: str) -> NewPart:
        folder = self._store.data_folder
        source = folder / part.path
        facts = write_durably(folder / path, lambda target: self._store.tables.write_without(source, unwanted, target))
        return new_part(part.project_id, path, part.day, facts, self._now_ms(), part.level)
