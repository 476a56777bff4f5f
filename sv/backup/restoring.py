"""A data folder made of a copy. Every file is compared with what it was when the copy was taken.

`sv.db` comes last, in one step: until then a stump stands in its place, with which no server starts on a half restored folder.
"""

import errno
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.backup.manifest import FILES, Kept, Manifest, read_manifest
from sv.backup.taking import Progress, Unreadable, copy_file
from sv.meta.errors import FolderUnusable
from sv.meta.folder import refuse_half_restored
from sv.meta.lock import LOCK_NAME, FolderLock
from sv.model.data_folder import CATALOG, MANIFEST, STUMP
from sv.model.errors import Unavailable
from sv.model.redaction import os_message
from sv.store.files import write_durably


class Restored(Struct, frozen=True):
    """damaged: files that were left out, since they are not as the copy was."""

    manifest: Manifest
    damaged: tuple[str, ...]


class _Differs(Exception):
    """A file that isn't what it was."""


def restore(source: Path, data: Path, now_ms: int, progress: Progress, *, without_damaged: bool = False) -> Restored:
    """Make a data folder. without_damaged: leave out files that are not as they were, all but `sv.db`.

    Raises FolderUnusable for a folder that isn't empty or lies in the backup, Unavailable for a source without a copy, or with a
    damaged one.
    """
    manifest = read_manifest(source)
    if manifest is None:
        if not source.exists():
            raise Unavailable(f"there is no {source} to restore")
        raise Unavailable(f"{source} holds no backup: there is no {MANIFEST} in it")
    if data.resolve().is_relative_to(source.resolve()):  # the next backup would take it for what an earlier one left
        raise FolderUnusable(f"the data folder can't lie in the backup: {data}, {source}")
    damaged: list[str] = []
    done = 0
    try:
        if data.exists() and (held := {path.name for path in data.iterdir()} - {LOCK_NAME, "lost+found"}):
            refuse_half_restored(data)
            raise FolderUnusable(f"{data} is not empty ({sorted(held)[0]}); choose a folder that is, or that isn't there yet")
        with FolderLock.acquire(data, now_ms=now_ms):
            write_durably(data / CATALOG, lambda temporary: temporary.write_bytes(STUMP))
            for kept in sorted(manifest.files, key=lambda kept: kept.path == CATALOG):
                try:
                    _put_back(source / FILES / kept.stored, kept, data)
                except _Differs as error:
                    if read_manifest(source) != manifest:
                        raise Unavailable(
                            f"a newer backup took the place of the one in {source} meanwhile. Empty {data} and restore again"
                        ) from error
                    if not without_damaged or kept.path == CATALOG:
                        raise Unavailable(_advice(source / FILES / kept.stored, kept, data)) from error
                    damaged.append(kept.path)
                done += kept.size
                progress(done, manifest.bytes)
    except OSError as error:
        raise Unavailable(f"{data} can't be restored: {os_message(error)}") from error
    return Restored(manifest, tuple(damaged))


_NOT_AS_IT_WAS: Final = (errno.ENOENT, errno.ELOOP, errno.EINVAL)
"""A file that is gone, or a link or a device in its place."""


def _put_back(path: Path, kept: Kept, data: Path) -> None:
    def write(temporary: Path) -> None:
        try:
            size, _, sha256 = copy_file(path, temporary, kept.size)
        except OSError as error:
            if error.errno not in _NOT_AS_IT_WAS and not isinstance(error, Unreadable):
                raise
            raise _Differs from error
        if (size, sha256) != (kept.size, kept.sha256):
            raise _Differs

    write_durably(data / kept.path, write)


def _advice(path: Path, kept: Kept, data: Path) -> str:
    hint = "" if kept.path == CATALOG else ", or add --without-damaged to do without it"
    return f"{path} is not as the backup was. Empty {data} and restore another backup{hint}"
