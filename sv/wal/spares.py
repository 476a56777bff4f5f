"""Files that are ready to become the next segment, all their blocks written before.

A sync of bytes in blocks that were never written waits for the file system's journal; in blocks that were, it
is several times quicker. A thread of its own fills new files with zeros and wipes the headers of used ones,
so that commits wait for neither. Never raises towards a commit: without a spare the log makes do with a
growing file.
"""

import errno
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from sv.wal.disk import Disk, write_all
from sv.wal.folder import spare_number, spare_path
from sv.wal.header import HEADER_BYTES

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1024 * 1024  # synced one by one, so that a commit never queues behind a whole segment of zeros
_FREE_SEGMENTS = 4  # what must be free before room is taken for a file that nobody needs yet


class Spare(Struct, frozen=True):
    """An open, wiped file of a segment's size."""

    path: Path
    fd: int


class Spares:
    """At most `limit` spares. One is built whenever there is none; the others are segments let go of."""

    def __init__(self, folder: Path, disk: Disk, segment_bytes: int, limit: int, take_number: Callable[[], int]) -> None:
        self._folder = folder
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._limit = limit
        self._take_number = take_number
        self._wake = threading.Condition()
        self._ready: deque[Spare] = deque()
        self._offered: deque[Path] = deque()
        self._is_building = False
        self._clean_from = 0
        self._is_paused = False
        self._is_reported = False  # one line in the log for a series of failures
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="wal-spares", daemon=True)

    def start(self, found: Sequence[Path]) -> None:
        """Begins to work, with the spares that an earlier process left."""
        self._offered.extend(found)
        if self._limit > 0:
            self._thread.start()

    @property
    def has_ready(self) -> bool:
        """Whether `take` would answer a file. Cheap, and right until somebody takes it."""
        return bool(self._ready)

    @property
    def places(self) -> int:
        """How many more files would be kept."""
        with self._wake:
            return max(0, self._limit - len(self._ready) - len(self._offered) - self._is_building)

    def take(self) -> Spare | None:
        """A spare, if one is ready; has the next one built."""
        with self._wake:
            self._wake.notify()
            return self._ready.popleft() if self._ready else None

    def is_clean(self, number: int) -> bool:
        """Whether a file of this number holds nothing of before the last `withhold`."""
        return number >= self._clean_from

    def withhold(self, below: int) -> None:
        """Hands out no file of a smaller number any more. To be deleted by the caller, who finds them by their names."""
        with self._wake:
            self._clean_from = below
            for spare in self._ready:
                self._disk.close(spare.fd)
            self._ready.clear()
            self._offered.clear()
            self._wake.notify()

    def pause(self) -> None:
        """Builds nothing until `resume`: the disk refuses, and every refused record would cost a file of zeros."""
        self._is_paused = True

    def resume(self) -> None:
        """To be called when there is hope that the disk takes a spare."""
        with self._wake:
            self._is_paused = False
            self._wake.notify()

    def offer(self, path: Path) -> None:
        """Takes in a former segment that already bears a spare's name, durably."""
        with self._wake:
            if self.is_clean(spare_number(path)):
                self._offered.append(path)
            self._wake.notify()

    def close(self) -> None:
        """Stops the thread, within one chunk's sync, and closes the files; they stay for the next process."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        while self._ready:
            self._disk.close(self._ready.popleft().fd)

    def _run(self) -> None:
        try:
            self._disk.sync_folder(self._folder)  # a killed process may have named its spares and no more
        except OSError as error:
            log.warning("can't sync %s, its spares stay unused: %s", self._folder, error)
            self._offered.clear()
        while True:
            with self._wake:
                while not (self._is_closing or self._offered or self._wants_one()):
                    self._wake.wait()
                if self._is_closing:
                    return
                offered = self._offered.popleft() if self._offered else None
                self._is_building = True
            spare = self._try_to(self._wipe, offered) if offered else self._try_to(self._build, self._new_part())
            with self._wake:
                self._is_building = False
                if spare is not None and not self.is_clean(spare_number(spare.path)):
                    self._discard(spare)
                elif spare is not None:
                    self._ready.append(spare)
                    self._is_reported = False
                elif offered is None:
                    self._is_paused = True

    def _discard(self, spare: Spare) -> None:
        """Of one that was withheld while it was being made."""
        self._disk.close(spare.fd)
        try:
            self._disk.unlink(spare.path)
        except OSError as error:
            log.debug("%s is left to be deleted by its name: %s", spare.path, error)

    def _wants_one(self) -> bool:
        return not self._ready and not self._is_paused

    def _new_part(self) -> Path:
        return spare_path(self._folder, self._take_number()).with_suffix(".tmp")

    def _try_to(self, make: Callable[[Path], Spare | None], path: Path) -> Spare | None:
        """The spare, or None after an error; the half-made file is removed, for nothing in it is of worth."""
        try:
            spare = make(path)
        except OSError as error:
            level = logging.DEBUG if self._is_reported else logging.WARNING
            log.log(level, "can't make a spare of %s, commits may be slower: %s", path, error)
            self._is_reported = True
            spare = None
        if spare is None:
            try:
                self._disk.unlink(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("can't remove %s: %s", path, error)
        return spare

    def _wipe(self, path: Path) -> Spare | None:
        """Makes a former segment's header blank; None if the file is of another size."""
        # INVARIANT WAL-3: a file changes its life in this order, each step on disk before the next begins:
        # all its records are covered elsewhere; it bears a spare's name; its header is blank; it bears the
        # next segment's name; that segment's header and first frames are written. So a power cut at any
        # moment leaves an old segment whole (its records are covered), a spare, an unused segment, or a new
        # one, and never old frames under a name or a header that would make them count.
        fd = self._disk.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if os.fstat(fd).st_size == self._segment_bytes:
                write_all(self._disk, fd, [bytes(HEADER_BYTES)], 0)
                self._disk.sync_data(fd)
                return Spare(path, fd)
        except OSError:
            self._disk.close(fd)
            raise
        self._disk.close(fd)
        return None

    def _build(self, part: Path) -> Spare | None:
        """A new file full of real zeros; None if the log was closed meanwhile."""
        path = part.with_suffix(".wal")
        if self._disk.free_bytes(self._folder) < _FREE_SEGMENTS * self._segment_bytes:
            raise OSError(errno.ENOSPC, "the little room that is left is kept for records")
        fd = self._disk.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            for start in range(0, self._segment_bytes, _CHUNK_BYTES):
                if self._is_closing:
                    self._disk.close(fd)
                    return None
                write_all(self._disk, fd, [bytes(min(_CHUNK_BYTES, self._segment_bytes - start))], start)
                self._disk.sync_data(fd)
            self._disk.rename(part, path)
        except OSError:
            self._disk.close(fd)
            raise
        return Spare(path, fd)
