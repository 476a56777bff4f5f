"""Looks after key files (`keys/…`, beside `events/…`): makes those that are missing, checks each before queries use it, makes those anew
that are of an earlier layout once no other is missing, looks again after those that queries could not read, and deletes those whose part is
gone.

What a key file says is in its part too, so nothing waits for one: queries read the part until its key file is there, a disk that refuses it
only costs speed, and a damaged one is made again.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from sv.model.part import Part
from sv.model.redaction import redacted
from sv.store.event_store import EventStore
from sv.store.files import delete_files, files_of_days, write_durably

log = logging.getLogger(__name__)

KEYS: Final = "keys"

TRY_AGAIN_S: Final = 300.0
"""A part whose keys could not be made (a full disk), or not be read, is left alone for so long."""


class Indexing:
    """For the thread that has the maintenance's turn. is_ending: whether failures are due to being interrupted, and so not worth a line in
    the log."""

    def __init__(self, store: EventStore, monotonic_s: Callable[[], float], is_ending: Callable[[], bool]) -> None:
        self._store = store
        self._monotonic_s = monotonic_s
        self._is_ending = is_ending
        self._done: set[int] = set()
        self._not_before_s: dict[int, float] = {}
        self._version = -1
        self._open: list[Part] = []
        self._outdated: dict[int, Part] = {}
        self._told: set[str] = set()

    def next_part(self) -> Part | None:
        """The newest part whose key file nobody has looked at yet, then one whose key file is outdated; None if there is none, and as
        long as the engine is not needed.

        Goes through all parts only when some came or went, or one is due again, and not once for each part: with twenty thousand parts that
        took a minute of processor time at each start.
        """
        if not self._store.is_engine_open:
            return None
        version, now_s = self._store.catalog.version, self._monotonic_s()
        for part_id in self._store.tables.lost_keys():
            self._try_again(part_id)
        if version != self._version or now_s >= min(self._not_before_s.values(), default=now_s + 1):
            self._version = version
            parts = self._store.catalog.parts()
            ids = {part.part_id for part in parts}
            self._done &= ids
            self._outdated = {part_id: part for part_id, part in self._outdated.items() if part_id in ids}
            self._not_before_s = {
                part_id: at_s for part_id, at_s in self._not_before_s.items() if part_id in ids and at_s > now_s
            }
            self._open = sorted((part for part in parts if self._is_open(part)), key=lambda part: part.part_id)
        while self._open and not self._is_open(self._open[-1]):
            self._open.pop()
        return self._open[-1] if self._open else next(iter(self._outdated.values()), None)

    def _is_open(self, part: Part) -> bool:
        return part.part_id not in self._done and part.part_id not in self._not_before_s

    def index_next(self, turn: AbstractContextManager[object]) -> bool:
        """Look after the key file of one part, taking the turn. Returns False where there is nothing to do."""
        with turn:
            part = self.next_part()
            if part is not None:
                self.index(part)
            return part is not None

    def index(self, part: Part) -> None:
        """Let queries use the part's key file; makes it where it is missing, damaged, or known to be outdated."""
        tables = self._store.tables
        source, path = (self._store.data_folder / name for name in (part.path, part.keys_path))
        self._done.add(part.part_id)
        try:
            is_outdated = self._outdated.pop(part.part_id, None) is not None
            if not tables.wants_keys(part):
                return
            if not is_outdated and tables.open_keys(part, path, is_checked=False):
                if tables.are_keys_outdated(part.part_id):
                    self._outdated[part.part_id] = part
                return
            if write_durably(path, lambda target: tables.write_keys(part, source, target)):
                tables.open_keys(part, path, is_checked=True)
            else:
                path.unlink(missing_ok=True)
        except Exception as error:
            if self._is_ending():
                return
            log.warning("can't make the key file of %s, so queries on that part are slower: %s", part.path, redacted(error))
            self._try_again(part.part_id)

    def _try_again(self, part_id: int) -> None:
        self._done.discard(part_id)
        self._not_before_s[part_id] = self._monotonic_s() + TRY_AGAIN_S

    def remove(self, parts: Sequence[Part]) -> None:
        """The key files of parts whose own files are about to go."""
        for part in parts:
            self._store.tables.forget_keys(part.part_id)
        delete_files(self._store.data_folder, [part.keys_path for part in parts], self._told)


def sweep_keys(data_folder: Path, parts: Collection[Part]) -> None:
    """Delete the key files that belong to none of these parts, and those that a kill left half written."""
    known = {part.keys_path for part in parts}
    for name in files_of_days(data_folder, KEYS):
        if name not in known:
            (data_folder / name).unlink(missing_ok=True)
