"""The power fails at any call: whatever the disk kept of what was not yet synced, nothing acknowledged is lost.

The disk is a model on top of the real one: bytes and names count as kept for certain only once they were synced; of
the rest each 512-byte sector and each change of a name may have been kept or not.
"""

import errno
import os
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wal_rig import Told, open_log, read_back

from sv.wal import LogFault
from sv.wal.disk import Disk
from sv.wal.header import HEADER_BYTES

SECTOR = 512
NameChange = tuple[str, str, int]  # verb, name, file number; a rename is an "unlink" and a "link" in one


@dataclass
class File:
    kept: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)

    def keep(self, offset: int, data: bytes) -> None:
        if len(self.kept) < offset + len(data):
            self.kept.extend(bytes(offset + len(data) - len(self.kept)))
        self.kept[offset : offset + len(data)] = data

    def after_the_cut(self, chance: random.Random) -> bytes:
        odds = chance.choice([0.0, 0.3, 0.9, 1.0])
        result = File(bytearray(self.kept))
        for offset, data in self.pending:
            at = offset
            while at < offset + len(data):
                stop = min((at // SECTOR + 1) * SECTOR, offset + len(data))
                if chance.random() < odds:
                    result.keep(at, data[at - offset : stop - offset])
                at = stop
        return bytes(result.kept)


class PowerCutDisk(Disk):
    """Counts the calls that change something; at number `cut` the machine is off."""

    def __init__(self, folder: Path, cut: int) -> None:
        self.cut = cut
        self.calls = 0
        self.folder = folder
        self._lock = threading.Lock()
        self._names: dict[str, int] = {}
        self._files: dict[int, File] = {}
        for path in folder.glob("*.*"):
            self._names[path.name] = len(self._files)
            self._files[len(self._files)] = File(bytearray(path.read_bytes()))
        self._kept_names = dict(self._names)
        self._name_changes: list[list[NameChange]] = []
        self._fds: dict[int, int] = {}
        self.hasty: list[str] = []

    @property
    def is_off(self) -> bool:
        return self.calls >= self.cut

    def _count(self) -> None:
        """Called with the lock held."""
        self.calls += 1
        if self.is_off:
            raise OSError(errno.EIO, "the machine is off")

    def open(self, path: Path, flags: int) -> int:
        with self._lock:
            if path.parent == self.folder and flags & os.O_CREAT:
                self._count()
                number = len(self._files)
                self._files[number] = File()
                self._names[path.name] = number
                self._name_changes.append([("link", path.name, number)])
            fd = super().open(path, flags)
            if path.name in self._names:
                self._fds[fd] = self._names[path.name]
            return fd

    def pwritev(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
        with self._lock:
            number = self._fds[fd]
            for name in [name for name, file in self._names.items() if file == number]:
                if name.startswith("spare") and name.endswith(".wal") and self._kept_names.get(name) != number:
                    self.hasty.append(f"{name} is wiped before its name is on disk")
            self._files[number].pending.append((offset, b"".join(buffers)))
            self._count()
            return super().pwritev(fd, buffers, offset)

    def sync_data(self, fd: int) -> None:
        with self._lock:
            self._count()
            file = self._files[self._fds[fd]]
            for offset, data in file.pending:
                file.keep(offset, data)
            file.pending.clear()

    def sync_folder(self, folder: Path) -> None:
        with self._lock:
            self._count()
            if folder == self.folder:
                self._kept_names = dict(self._names)
                self._name_changes.clear()

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            self._count()
            number = self._names.pop(source.name)
            if source.suffix == target.suffix and source.name.startswith("spare"):
                file = self._files[number]
                if file.pending or any(file.kept[:HEADER_BYTES]):
                    self.hasty.append(f"{target.name} is named before its header is blank on disk")
            self._names[target.name] = number
            self._name_changes.append([("unlink", source.name, number), ("link", target.name, number)])
            super().rename(source, target)

    def unlink(self, path: Path) -> None:
        with self._lock:
            self._count()
            super().unlink(path)
            number = self._names.pop(path.name)
            self._name_changes.append([("unlink", path.name, number)])

    def materialise(self, target: Path, chance: random.Random) -> None:
        """Writes what the disk holds when the power is back."""
        target.mkdir()
        changes = self._name_changes
        if chance.random() < 0.5:
            changes = changes[: chance.randint(0, len(changes))]
        else:
            changes = [change for change in changes if chance.random() < 0.5]
        names = dict(self._kept_names)
        for steps in changes:
            for verb, name, number in steps:
                if verb == "link":
                    names[name] = number
                elif names.get(name) == number:
                    del names[name]
        for name, number in names.items():
            (target / name).write_bytes(self._files[number].after_the_cut(chance))


@pytest.mark.parametrize("seed", range(6))
def test_a_power_cut_at_any_call_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "0"
    folder.mkdir()
    truth: list[tuple[int, bytes]] = []
    covered = 0
    for life in range(1, 26):
        told = Told()
        disk = PowerCutDisk(folder, cut=chance.randint(1, 90))
        appended: set[bytes] = set()
        try:
            log = open_log(folder, told, disk=disk, next_seq_floor=covered + 1)
        except LogFault:
            log = None
        for n in range(60 if log else 0):
            assert log is not None
            payload = b"life %d record %d " % (life, n) * chance.choice([1, 20, 90])
            appended.add(payload)
            log.append(payload)
            if chance.random() < 0.5:
                told.wait_for(n + 1)
            if chance.random() < 0.05 and told.stored:
                covered = max(covered, chance.choice(told.stored)[0])
                log.truncate_below(covered)
            if disk.is_off:
                break
        disk.cut = 0
        if log:
            log.close()
        assert disk.hasty == [], "INVARIANT WAL-3"
        acknowledged = [frame for frame in [*truth, *told.stored] if frame[0] > covered]
        folder = tmp_path / str(life)
        disk.materialise(folder, chance)
        back, _ = read_back(folder, covered)
        assert back[: len(acknowledged)] == acknowledged, (seed, life)
        more = [payload for _, payload in back[len(acknowledged) :]]
        assert len(set(more)) == len(more)
        assert set(more) <= appended - {payload for _, payload in told.stored}
        truth = back
