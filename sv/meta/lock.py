"""The lock on a data folder: one process at a time.

Answers for a second server failing at once, naming the first. The lock is the kernel's (`flock` on `sv.lock`), so it
ends with the process however that ends; what the file says is only for messages. The file itself stays for ever:
removing it would let two processes each lock a file of that name. For who removes it all the same, taking it for a note of a process that
is gone, the folder itself is locked too, where its file system can.
"""

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from sv.meta.db import sync_folder
from sv.meta.errors import FolderInUse, FolderUnusable
from sv.meta.folder import not_seen, remedy

LOCK_NAME: Final = "sv.lock"

_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_READ_TRIES: Final = 5
_READ_PAUSE_S: Final = 0.02
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_MAX_HOLDER_BYTES: Final = 4096


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a folder. url: where it answers, once it does. started_at: ISO 8601, UTC.

    at: the address and port on this machine, for the image's health check.
    """

    pid: int
    host: str
    started_at: str
    url: str | None = None
    at: str | None = None

    def __str__(self) -> str:
        where = f", answering at {self.url}" if self.url else ""
        return f"process {self.pid} on {self.host} since {self.started_at}{where}"


class FolderLock:
    """A held lock. Made by `acquire`; released by `release`, by leaving a `with` block, or by the process's end."""

    def __init__(self, folder: Path, descriptor: int, of_folder: int | None, holder: Holder) -> None:
        self.folder = folder
        self._descriptor: int | None = descriptor
        self._of_folder = of_folder
        self._holder = holder

    @classmethod
    def acquire(cls, folder: Path, *, now_ms: int | None = None, url: str | None = None) -> "FolderLock":
        """Make the folder if needed, and lock it or fail at once.

        Raises FolderInUse naming the holder, FolderUnusable saying what to do.
        """
        try:
            _make(folder)
            descriptor = _open_locked(folder / LOCK_NAME)
            if descriptor is None:
                time.sleep(_READ_PAUSE_S)  # whoever only looks has it for a moment
                descriptor = _open_locked(folder / LOCK_NAME)
        except OSError as error:
            raise FolderUnusable(remedy(folder, error)) from error
        if descriptor is None:
            raise FolderInUse(_name_holder(folder))
        try:
            of_folder = _lock_itself(folder)
        except BlockingIOError as error:
            os.close(descriptor)
            raise FolderInUse(_in_use(folder, f"another process, whose {LOCK_NAME} was removed")) from error
        started_s = time.time() if now_ms is None else now_ms / 1000
        started_at = datetime.fromtimestamp(started_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        lock = cls(folder, descriptor, of_folder, Holder(pid=os.getpid(), host=socket.gethostname(), started_at=started_at))
        try:
            lock.announce(url)
        except FolderUnusable:
            lock.release()
            raise
        return lock

    def announce(self, url: str | None, at: str | None = None) -> None:
        """Write down where this process answers, for the message to a second process; a full disk is no error. Raises FolderUnusable."""
        assert self._descriptor is not None
        self._holder = msgspec.structs.replace(self._holder, url=url, at=at)
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, msgspec.json.encode(self._holder) + b"\n", 0)
        except OSError as error:
            if error.errno not in _FULL:  # what it says is only for messages
                raise FolderUnusable(remedy(self.folder, error)) from error

    def release(self) -> None:
        """Let the next process have the folder. Does nothing the second time."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
        if self._of_folder is not None:
            os.close(self._of_folder)
        os.close(descriptor)

    def __enter__(self) -> "FolderLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def read_holder(folder: Path) -> Holder | None:
    """Who holds the folder, according to the lock file; None where it says nothing yet, or nothing that we understand. Raises
    FolderUnusable where this user may not read it."""
    try:
        with suppress(msgspec.DecodeError), (folder / LOCK_NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_HOLDER_BYTES), type=Holder)
    except PermissionError as error:
        raise not_seen(folder, error) from error
    except OSError:
        pass
    return None


def find_holder(folder: Path) -> Holder | None:
    """As `read_holder`, but None also where the process was of this machine and has ended without a word: killed, or by a power cut."""
    holder = read_holder(folder)
    if holder is None or holder.host != socket.gethostname() or _is_held(folder / LOCK_NAME):
        return holder
    return None


def _is_held(path: Path) -> bool:
    """Whether somebody holds the lock, as far as can be told. To look is to share it for a moment, which `acquire` outwaits."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
    except OSError:
        return True
    return False


def _make(folder: Path) -> None:
    """Have the folder, for its user alone, and its name on the disk: nothing in it outlasts a power cut that its own name doesn't."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in made:
        with suppress(PermissionError):  # a folder may be one to make others in and not to look into
            sync_folder(each.parent)


def _open_locked(path: Path) -> int | None:
    """A descriptor that holds the lock, or None where another one does. Raises OSError."""
    while True:
        descriptor = os.open(path, _OPEN_FLAGS, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody removed the file between our opening and locking it: what we hold keeps nobody out.
        os.close(descriptor)


def _lock_itself(folder: Path) -> int | None:
    """A descriptor that holds a lock on the folder; None where it can't be had. Raises BlockingIOError where another one holds it."""
    descriptor: int | None = None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None  # a folder that may not be listed, or a file system that locks files alone
    return descriptor


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _name_holder(folder: Path) -> str:
    holder = read_holder(folder)
    for _ in range(_READ_TRIES):
        if holder is not None:
            break
        # It has locked the file but not yet written into it.
        time.sleep(_READ_PAUSE_S)
        holder = read_holder(folder)
    who = str(holder) if holder else "another process"
    return _in_use(folder, who)


def _in_use(folder: Path, who: str) -> str:
    return f"{folder} is in use by {who}. Stop that one, or choose another folder with --data"
