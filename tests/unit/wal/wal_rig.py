"""What the tests of the log share: a listener for commits, disks that fail on demand, and looks into the files."""

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from sv.wal import Commit, Log
from sv.wal.damage import DamageReport
from sv.wal.disk import OS_DISK, Disk
from sv.wal.folder import MAX_SEGMENT_BYTES, Survey, read_segment, survey
from sv.wal.frame import FRAME_BYTES, Framer, Whole
from sv.wal.header import HEADER_BYTES, decode_header
from sv.wal.replay import Replay

SMALL = 16 * 1024
WAIT_S = 20.0


class Told:
    """Takes what the log delivers, group by group, and waits for it."""

    def __init__(self) -> None:
        self.groups: list[list[Commit]] = []
        self._news = threading.Condition()

    def __call__(self, commits: list[Commit]) -> None:
        with self._news:
            self.groups.append(commits)
            self._news.notify_all()

    @property
    def commits(self) -> list[Commit]:
        return [commit for group in self.groups for commit in group]

    @property
    def stored(self) -> list[tuple[int, bytes]]:
        return [(commit.seq, commit.payload) for commit in self.commits if commit.seq is not None]

    @property
    def refused(self) -> list[bytes]:
        return [commit.payload for commit in self.commits if commit.fault is not None]

    def wait_for(self, count: int) -> None:
        """Until that many commits were told of, stored or refused."""
        self.wait_until(lambda: len(self.commits) >= count)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(is_so, WAIT_S), "the log went silent"


class QuickDisk(Disk):
    """A disk whose syncs cost nothing: what these tests end is a process at most, never the machine."""

    def sync_data(self, fd: int) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass


class FaultyDisk(QuickDisk):
    """Fails calls of one kind from the `first` on, `count` of them, with `error` or, for a write, by taking half."""

    def __init__(self, call: str = "", first: int = 0, count: int = 1, error: int | str = errno.EIO) -> None:
        self.call, self.first, self.count, self.error = call, first, count, error
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def has_struck(self) -> bool:
        return self.calls[self.call] >= self.first

    def heal(self) -> None:
        self.count = 0

    def _is_due(self, call: str) -> bool:
        with self._lock:
            self.calls[call] += 1
            n = self.calls[call]
        return call == self.call and self.first <= n < self.first + self.count

    def _strike(self, call: str, path: Path | None = None) -> None:
        if self._is_due(call):
            assert isinstance(self.error, int)
            raise OSError(self.error, os.strerror(self.error), str(path) if path else None)

    def open(self, path: Path, flags: int) -> int:
        self._strike("open", path)
        return super().open(path, flags)

    def pwritev(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
        if self.error != "short":
            self._strike("pwritev")
        elif self._is_due("pwritev"):
            data = b"".join(buffers)
            return os.pwrite(fd, data[: len(data) // 2], offset)
        return super().pwritev(fd, buffers, offset)

    def sync_data(self, fd: int) -> None:
        self._strike("sync_data")

    def sync_folder(self, folder: Path) -> None:
        self._strike("sync_folder", folder)

    def rename(self, source: Path, target: Path) -> None:
        self._strike("rename", source)
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._strike("unlink", path)
        super().unlink(path)


class GatedDisk(QuickDisk):
    """A disk whose syncs of data wait for the gate, so that a test says what arrives during one."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.is_waiting = threading.Event()

    def sync_data(self, fd: int) -> None:
        self.is_waiting.set()
        assert self.gate.wait(WAIT_S)


def open_log(folder: Path, told: Told | None = None, **options: object) -> Log:
    """A log of small segments, on a quick disk, that is never tried again by itself within a test."""
    defaults: dict[str, object] = {"segment_bytes": SMALL, "disk": QuickDisk(), "retry_s": 600.0}
    return Log.open(folder, deliver=told or Told(), **{**defaults, **options})  # type: ignore[arg-type]


def store(folder: Path, payloads: Sequence[bytes], *, each_alone: bool = False, **options: object) -> Told:
    """Opens, appends, closes; all must be stored. `each_alone`: a group a record."""
    told = Told()
    log = open_log(folder, told, **options)
    for count, payload in enumerate(payloads, 1):
        log.append(payload)
        if each_alone:
            told.wait_for(count)
    log.close()
    assert not told.refused
    return told


def look(folder: Path) -> tuple[Survey, DamageReport]:
    """A survey without a log."""
    damage = DamageReport()
    return survey(folder, OS_DISK, damage), damage


def read_back(folder: Path, after_seq: int = 0) -> tuple[list[tuple[int, bytes]], DamageReport]:
    """What a replay gives, without opening the log, and the damage that was found."""
    found, damage = look(folder)
    frames = Replay(QuickDisk(), folder, found.segments, damage, {}).frames(after_seq)
    return [(frame.seq, frame.payload) for frame in frames], damage


def segment_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.wal") if not path.name.startswith("spare"))


def spare_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("spare-*.wal"))


def has_header(path: Path) -> bool:
    """Whether one of the segment's two headers is good, without which nobody knows where its frames are."""
    data, _ = read_segment(OS_DISK, path, MAX_SEGMENT_BYTES)
    return decode_header(data[:HEADER_BYTES]).header is not None


def frame_ranges(path: Path) -> dict[int, tuple[int, int]]:
    """Where each record's frame lies in a sound segment: number to (start, stop)."""
    data, _ = read_segment(OS_DISK, path, MAX_SEGMENT_BYTES)
    header = decode_header(data[:HEADER_BYTES]).header
    if header is None:
        return {}
    framer = Framer(header.number, header.salt)
    pieces = framer.scan(data, HEADER_BYTES, len(data))
    return {piece.seq: (piece.start - FRAME_BYTES, piece.stop) for piece in pieces if isinstance(piece, Whole)}


def change_byte(path: Path, at: int, mask: int = 0xFF) -> None:
    """Flips bits of one byte in place."""
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)[0]
        file.seek(at)
        file.write(bytes([old ^ mask]))
