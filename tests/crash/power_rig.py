"""Power cuts: a file system of its own in a file, which ends at one moment with whatever of it was on disk by then.

The kernel itself ends it (`EXT4_IOC_SHUTDOWN`, as the file systems' own tests do): from that moment on nothing more is written, neither
what waits in memory nor the journal. What is mounted again afterwards is what a machine finds whose power came back. The server is stopped
a moment before, since without power nobody answers: what it reads of such a disk may be zeros, and a project that was there is gone. Left to itself this file system writes nothing for minutes (`commit=300`), so that what wasn't synced is lost.

The disk below keeps what it was given, in that order: what a disk without a battery forgets of its own cache is not shown by this.
"""

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crash_rig import Server, wait_for

SIZE_BYTES: Final = 2 << 30
SHUT_DOWN: Final = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
WITHOUT_THE_JOURNAL: Final = struct.pack("I", 2)

WITHOUT_LOG_SYNC: Final = "os.fdatasync = lambda number: None"
WITHOUT_FOLDER_SYNC: Final = (
    "os.fsync = lambda number, sync=os.fsync: None if stat.S_ISDIR(os.fstat(number).st_mode) else sync(number)"
)
SERVE: Final = """
import functools, os, stat, sys
from sv.cli import main
import sv.server
class SmallLog:
    open = staticmethod(functools.partial(sv.server.Log.open, segment_bytes=262144))
sv.server.Log = SmallLog
{lie}
sys.exit(main())
"""
"""`sv`, with files of the log so small that there is a new one every second or so. lie: leaves out one of the syncs which the promises rest
on, and the cuts have to find what is lost by that."""


class Unmountable(Exception):
    """Here nobody lets us mount a file system out of a file; its message says why."""


class PowerDisk:
    """An ext4 in a file. `cut` is the moment at which the power goes, `mount` the one at which it is back."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / "disk.img"
        self.path = folder / "disk"
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(SIZE_BYTES)
        try:
            _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self._image))
            self.mount()
        except Unmountable:
            self._image.unlink()
            raise

    def mount(self) -> None:
        _run("mount", "-o", "loop,commit=300", str(self._image), str(self.path))

    def cut(self) -> None:
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUT_DOWN, WITHOUT_THE_JOURNAL)
        finally:
            os.close(folder)

    def unmount(self) -> None:
        """Once nobody has a file of it open."""
        wait_for(lambda: subprocess.run(["umount", str(self.path)], capture_output=True).returncode == 0, "the disk to be free")

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], capture_output=True)
        self._image.unlink()


@contextlib.contextmanager
def powered_disk(folder: Path) -> Iterator[PowerDisk]:
    """Raises Unmountable where there can be none."""
    disk = PowerDisk(folder)
    try:
        yield disk
    finally:
        disk.close()


class CutServer(Server):
    """A server on such a disk. To kill it is to cut the power: of the disk first, and the disk is back when this returns."""

    def __init__(self, disk: PowerDisk, settings: dict[str, str], *, output: Path, lie: str = "") -> None:
        super().__init__(disk.path / "data", settings, output=output)
        self.code = SERVE.format(lie=lie)
        self._disk = disk
        self.cuts = 0

    def kill(self) -> None:
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda pid=pid: _is_still(pid), "the server to stand still")
        self._disk.cut()
        super().kill()
        self._disk.unmount()
        self._disk.mount()
        self.cuts += 1

    def close(self) -> None:
        if self._process is not None:
            super().kill()


def _is_still(pid: int) -> bool:
    """Whether none of the process's threads runs any more. One that has just ended is looked for once more."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(stat.rpartition(")")[2].split()[0] in "TZX" for stat in stats)
    return False


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        raise Unmountable(str(error)) from error
    if done.returncode:
        raise Unmountable(f"{' '.join(words)}: {done.stderr.strip()}")
