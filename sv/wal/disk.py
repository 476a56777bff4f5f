"""The calls to the operating system, in one place.

Answers for: what "on disk" means on Linux and on macOS, and for never mistaking a short write for a whole
one. It is also the seam at which tests fail the n-th call. Assumes local file systems. Never retries: a call
that failed once is the caller's to judge.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_NOT_SUPPORTED = {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}
_IOV_MAX = 1024  # what Linux, macOS and the BSDs all take in one vectored write


class Disk:
    """The operating system as the log uses it. Every method raises `OSError` as the call underneath does."""

    def open(self, path: Path, flags: int) -> int:
        """A descriptor that child processes don't inherit; new files are readable by their owner alone."""
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def close(self, fd: int) -> None:
        """Gives the descriptor back; what the system says about it no longer matters to anybody."""
        with contextlib.suppress(OSError):
            os.close(fd)

    def pwritev(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
        """Writes up to `_IOV_MAX` buffers in a row; answers the bytes taken, which may be fewer."""
        if hasattr(os, "pwritev"):
            return os.pwritev(fd, buffers, offset)
        return os.pwrite(fd, b"".join(buffers), offset)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes; fewer at the end of the file."""
        return os.pread(fd, size, offset)

    def sync_data(self, fd: int) -> None:
        """Returns once the file's content, and the size needed to read it, would survive a power cut."""
        if _FULL_SYNC is not None:
            try:
                fcntl.fcntl(fd, _FULL_SYNC)  # macOS: fsync alone leaves the bytes in the drive's own cache
                return
            except OSError as error:
                if error.errno not in _NOT_SUPPORTED:
                    raise
        getattr(os, "fdatasync", os.fsync)(fd)

    def sync_folder(self, folder: Path) -> None:
        """Returns once the names in `folder` would survive a power cut; a file's own sync does not say so."""
        fd = self.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            self.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """One step for every onlooker; replaces `target`."""
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        """Takes the name away."""
        os.unlink(path)

    def free_bytes(self, folder: Path) -> int:
        """What ordinary users may still write to the file system that holds `folder`."""
        stats = os.statvfs(folder)
        return stats.f_bavail * stats.f_frsize

    def salt(self) -> int:
        """64 random bits."""
        return int.from_bytes(os.urandom(8), "little")


OS_DISK = Disk()
"""The real one; it holds no state."""


def write_all(disk: Disk, fd: int, buffers: Sequence[bytes], offset: int) -> None:
    """Writes every buffer at `offset`, in as many vectored writes as it takes.

    A write that took fewer bytes than it was given is a full disk on every file system that we know: it
    raises `OSError(ENOSPC)`, and what is in the file behind `offset` is then undefined.
    """
    for first in range(0, len(buffers), _IOV_MAX):
        chunk = buffers[first : first + _IOV_MAX]
        size = sum(map(len, chunk))
        taken = disk.pwritev(fd, chunk, offset)
        if taken != size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        offset += size
