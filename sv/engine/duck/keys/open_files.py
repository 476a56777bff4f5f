"""Which key files queries may use, and what is kept in memory of each.

A description takes 6 to 260 KiB, by how many event names and values its part has, and there are as many as projects have days. Never holds
more of them than it may: those that were asked for longest ago go first, and are read again when they are asked for.
"""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sv.engine.duck.keys.key_files import KeyFile, Reading, open_key_file
from sv.model.part import Part
from sv.model.redaction import redacted

log = logging.getLogger(__name__)

SHARE: Final = 8
"""Of the engine's memory: one of these is for descriptions. To read one again takes 0.05 to 0.1 ms, and 1 ms of a part with 2,000 names."""

MAX_PERSONS: Final = 100
"""More are not looked for file by file: reading the files costs no more."""


class KeyFiles:
    """The key files that queries may use, by the part's number. Thread-safe: each method is one step.

    most_bytes: of descriptions in memory, beside those that queries hold at the moment; None is no bound. when_gone: called with the number
    of a part that no query reads any more.
    """

    def __init__(self, most_bytes: int | None = None) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._files: OrderedDict[int, KeyFile] = OrderedDict()
        """Those in memory, the one that was asked for longest ago first."""
        self._paths: dict[int, str] = {}
        """Of the others."""
        self._outdated: set[int] = set()
        self._lost: set[int] = set()
        self.bytes = 0
        self.when_gone: Callable[[int], None] = lambda _part_id: None

    def add(self, part_id: int, file: KeyFile) -> None:
        """TRICKY: nobody has asked for it, so it is the first to go. At a start the newest parts come first, and are asked for most."""
        with self._lock:
            self._discard(part_id)
            self._put(part_id, file)
            if not file.is_current:
                self._outdated.add(part_id)
            self._files.move_to_end(part_id, last=False)
            self._make_room()

    def discard(self, part_id: int) -> None:
        with self._lock:
            self._discard(part_id)

    def forget(self, part_id: int) -> None:
        """The part is gone."""
        self.discard(part_id)
        self.when_gone(part_id)

    def of(self, parts: Sequence[Part]) -> list[tuple[Part, KeyFile]]:
        """The parts that have a key file, each with it."""
        return [(part, file) for part in parts if (file := self._get(part)) is not None]

    def without(self, parts: Sequence[Part], persons: Sequence[int]) -> tuple[Part, ...]:
        """The parts that may have an event of one of these persons: without those whose key file shows that they have none."""
        if len(persons) > MAX_PERSONS:
            return tuple(parts)
        return tuple(part for part in parts if self._may_hold(part, persons))

    def is_outdated(self, part_id: int) -> bool:
        """Whether the part's key file is of an earlier layout."""
        with self._lock:
            return part_id in self._outdated

    def lost(self) -> set[int]:
        """The parts whose key files were given up since this was asked last."""
        with self._lock:
            found, self._lost = self._lost, set()
            return found

    def give_up(self, part: Part, file: KeyFile, error: OSError) -> None:
        """Stop using the key file; queries read the part itself instead. Says nothing where it was made anew meanwhile."""
        with self._lock:
            if self._files.get(part.part_id, file) is not file:
                return
        self._give_up(part.part_id, os.fspath(file.path), redacted(error))

    def _may_hold(self, part: Part, persons: Sequence[int]) -> bool:
        file = self._get(part)
        if file is None:
            return True
        try:
            with Reading(file) as reading:
                return reading.has_any(persons)
        except OSError as error:
            self.give_up(part, file, error)
            return True

    def _get(self, part: Part) -> KeyFile | None:
        """The part's key file, read again where it was left out of memory; its rows were checked before."""
        with self._lock:
            file = self._files.get(part.part_id)
            if file is not None:
                self._files.move_to_end(part.part_id)
                return file
            path = self._paths.get(part.part_id)
        if path is None:
            return None
        try:
            file = open_key_file(Path(path), part, is_checked=True)
        except OSError as error:
            self._give_up(part.part_id, path, redacted(error))
            return None
        if file is None:
            self._give_up(part.part_id, path, "it is damaged, or gone")
            return None
        with self._lock:
            if self._paths.pop(part.part_id, None) is not None:  # else another thread was first, or nobody is to use it any more
                self._put(part.part_id, file)
                self._make_room()
        return file

    def _give_up(self, part_id: int, path: str, reason: str) -> None:
        with self._lock:
            self._discard(part_id)
            self._lost.add(part_id)
        log.warning("can't read the key file %s, so queries on that part are slower: %s", path, reason)

    # Called with `_lock` locked.

    def _put(self, part_id: int, file: KeyFile) -> None:
        self._files[part_id] = file
        self.bytes += file.held_bytes

    def _discard(self, part_id: int) -> None:
        self._paths.pop(part_id, None)
        self._outdated.discard(part_id)
        file = self._files.pop(part_id, None)
        if file is not None:
            self.bytes -= file.held_bytes

    def _make_room(self) -> None:
        while self._most_bytes is not None and self.bytes > self._most_bytes:
            part_id, file = self._files.popitem(last=False)
            self.bytes -= file.held_bytes
            self._paths[part_id] = os.fspath(file.path)
