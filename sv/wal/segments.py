"""The segments of a folder: opening the next, sealing the last, letting go of those no longer needed.

Answers for: numbers, names and the order of steps on disk. The commit thread opens and seals; any thread may
truncate. Never acknowledges anything and never reads a frame.
"""

import contextlib
import logging
import os
import threading
from pathlib import Path

from msgspec import Struct

from sv.wal.disk import Disk
from sv.wal.folder import Survey, files_below, segment_path, spare_path
from sv.wal.frame import END
from sv.wal.header import HEADER_BYTES
from sv.wal.segment import Segment
from sv.wal.spares import Spares

log = logging.getLogger(__name__)


class _Sealed(Struct, frozen=True):
    """A segment that is no longer written. `is_sound`: no write to it failed, so its file may serve again."""

    path: Path
    last_seq: int
    is_sound: bool


class Segments:
    """Opens and lets go of segment files. Replays fill `suspects`: damaged paths, whether copied aside."""

    def __init__(self, folder: Path, disk: Disk, segment_bytes: int, spare_segments: int, found: Survey) -> None:
        self.suspects: dict[Path, bool] = {}
        self._folder = folder
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()  # guards _next_number and _sealed
        self._next_number = self._run_first = found.top_number + 1
        self._sealed = [_Sealed(path, 0, is_sound=True) for path in found.unused]
        self._sealed += [_Sealed(one.path, one.last_seq, is_sound=True) for one in found.segments]
        self._previous = found.next_link()
        self._clean_from = 0
        self._active: Segment | None = None
        for one in found.segments:
            if not one.is_sealed:
                self._secure(one.path)
        self._spares = Spares(folder, disk, segment_bytes, spare_segments, self._take_number)
        self._remove(found.leftovers)
        self._remove(found.spares[spare_segments:])
        self._spares.start(found.spares[:spare_segments])

    def writable(self, size: int) -> Segment:
        """The segment to put `size` bytes of frames into: the active one if they fit, otherwise a fresh one.

        A growing file gives way to a spare as soon as one is ready. A record larger than a segment gets a
        file of its own size. Raises `OSError`; the active segment is then as it was.
        """
        active = self._active
        fits_any = size <= self._segment_bytes - HEADER_BYTES - len(END)
        is_better = fits_any and self._spares.has_ready
        if active is not None and size <= active.room and not (active.is_growing and is_better):
            return active
        fresh = self._open(max(self._segment_bytes, HEADER_BYTES + size + len(END)), use_spare=fits_any)
        self._seal()
        self._active = fresh
        return fresh

    def truncate(self, seq: int) -> int:
        """Lets go of every sealed segment whose last record is at or below `seq`; answers how many.

        What can't be removed now is tried again by the next call. Nothing is let go that is damaged and could
        not be copied aside.
        """
        # INVARIANT WAL-5: a segment is let go only after the caller said that each of its records is durable
        # elsewhere, and the segment with the highest number never is, so that numbers only rise.
        with self._lock:
            due = [one for one in self._sealed if one.last_seq <= seq and self.suspects.get(one.path, True)]
            highest = max((one.path for one in self._sealed), default=None) if self._active is None else None
            due = [one for one in due if one.path != highest]
            self._sealed = [one for one in self._sealed if one not in due]
        places = self._spares.places
        renamed: list[Path] = []
        failed: list[_Sealed] = []
        for one in due:
            is_reusable = one.is_sound and one.path not in self.suspects and self._is_reusable(one.path)
            if is_reusable and len(renamed) < places and self._retire(one.path, renamed):
                continue
            if not self._remove([one.path]):
                failed.append(one)
        with self._lock:
            self._sealed += failed
        if due:
            self._settle(renamed)
        self._spares.resume()
        return len(due) - len(failed)

    def renew(self, next_seq: int) -> None:
        """Goes on in a new file, and has none that was there before be used again. For the commit thread.

        Raises `OSError`; then it goes on in the one before, or in none, and may be called again.
        """
        # INVARIANT WAL-6: a file in which records were before a renewal is never recycled, whatever it is at that moment: the segment
        # being written is sealed, sealed ones are deleted when they are let go, and spares, in which the bytes of former segments lie,
        # are given up. New files are numbered above all those. So once the records are covered, deleting what has smaller numbers takes
        # the last byte of them from the folder.
        with self._lock:
            self._clean_from = self._next_number
        self._spares.withhold(self._clean_from)
        fresh = self._open(self._segment_bytes, use_spare=False)
        self._seal()
        self._active = fresh
        try:
            fresh.write(next_seq, [])  # so that there is a segment of a higher number, whatever goes (WAL-5)
        except OSError:
            self.give_up()
            raise

    def outdated(self) -> list[Path]:
        """The files of before the last renewal that are still there, after deleting the spares among them.

        Segments among them go by `truncate`. Raises `OSError` if the folder can't be listed.
        """
        if not self._clean_from:
            return []
        for path in files_below(self._folder, self._clean_from):
            if path.name.startswith("spare-"):
                self._remove([path])
        return files_below(self._folder, self._clean_from)

    def give_up(self) -> None:
        """To be called when a write failed: closes the active segment for good, and makes no more spares for now."""
        self._spares.pause()
        self._seal(is_sound=False)

    def recover(self) -> None:
        """To be called when the disk takes writes again."""
        self._spares.resume()

    def close(self) -> None:
        """Closes the active segment and stops the making of spares."""
        self._seal()
        self._spares.close()

    def _seal(self, *, is_sound: bool = True) -> None:
        """Closes the active segment for good; the next one will say where it ends.

        One that never stored anything is removed: it may hold bytes of records that were refused. If even
        that fails, the next segment's header says that it is void.
        """
        # INVARIANT WAL-4: the first header on disk after a failed write says where the acknowledged frames of
        # the segment before it end, and which numbers in between are void. It is synced together with the
        # first records that are acknowledged after the failure; refused ones are never replayed from then on.
        active, self._active = self._active, None
        if active is None:
            return
        active.close()
        if active.holds_records:
            self._previous = active.link()
        elif self._remove([active.path]):
            self._give_back(active.number)
            return
        with self._lock:
            last_seq = active.last_seq if active.holds_records else 0
            self._sealed.append(_Sealed(active.path, last_seq, is_sound))

    def _secure(self, path: Path) -> None:
        """Syncs a segment that nobody vouches for, before any of its records is replayed.

        What a killed process wrote last may be in the system's cache alone; and a caller who knows a record
        from the replay may acknowledge its repetition on the strength of that.
        """
        try:
            fd = self._disk.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                self._disk.sync_data(fd)
            finally:
                self._disk.close(fd)
        except OSError as error:
            log.warning("can't sync %s, whose last records may not survive a power cut: %s", path, error)

    def _take_number(self) -> int:
        with self._lock:
            number = self._next_number
            self._next_number += 1
        return number

    def _give_back(self, number: int) -> None:
        """Unless another was taken since, `number` is free again: its file is gone and held nothing.

        Without this a disk that refuses for weeks, tried a thousand times a second, would use up all the
        numbers.
        """
        with self._lock:
            if self._next_number == number + 1:
                self._next_number = number

    def _open(self, capacity: int, *, use_spare: bool) -> Segment:
        number = self._take_number()
        path = segment_path(self._folder, number)
        spare = self._spares.take() if use_spare else None
        fd = None if spare is None else spare.fd
        try:
            if spare is not None:
                self._disk.rename(spare.path, path)
            if fd is None:
                fd = self._disk.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            self._disk.sync_folder(self._folder)
        except OSError:
            self._spares.pause()
            if fd is not None:
                self._disk.close(fd)
            if self._remove([path] if spare is None else [path, spare.path]):
                self._give_back(number)
            raise
        active = self._active
        previous = active.link() if active is not None and active.holds_records else self._previous
        return Segment(
            self._disk,
            fd,
            path,
            number,
            capacity=capacity,
            is_growing=spare is None,
            previous=previous,
            run_first=self._run_first,
        )

    def _is_reusable(self, path: Path) -> bool:
        """Whether it has a spare's size, and was begun after the last renewal (WAL-6)."""
        try:
            return self._spares.is_clean(int(path.stem, 16)) and path.stat().st_size == self._segment_bytes
        except OSError:
            return False

    def _retire(self, path: Path, renamed: list[Path]) -> bool:
        target = spare_path(self._folder, int(path.stem, 16))
        try:
            self._disk.rename(path, target)
        except OSError as error:
            log.warning("can't make a spare of %s: %s", path, error)
            return False
        renamed.append(target)
        return True

    def _settle(self, renamed: list[Path]) -> None:
        """Makes new names durable and only then hands the files on (WAL-3)."""
        try:
            self._disk.sync_folder(self._folder)
        except OSError as error:
            log.warning("can't sync %s: %s; %d spares wait for the next start", self._folder, error, len(renamed))
            return
        for path in renamed:
            self._spares.offer(path)

    def _remove(self, paths: list[Path]) -> bool:
        """Unlinks; says whether every file is gone."""
        is_gone = True
        for path in paths:
            try:
                with contextlib.suppress(FileNotFoundError):
                    self._disk.unlink(path)
            except OSError as error:
                log.warning("can't remove %s: %s", path, error)
                is_gone = False
        return is_gone
