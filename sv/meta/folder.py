"""Looks at a data folder before it is opened. Changes nothing, and needs no lock.

Tells what isn't there from what this user may not see: `Path.exists` answers or raises in the latter case, depending on the release of
Python.
"""

import errno
import os
from pathlib import Path

from sv.meta.errors import FolderUnusable
from sv.model.data_folder import CATALOG, MANIFEST, STUMP
from sv.model.redaction import os_message


def look(folder: Path, name: str) -> os.stat_result | None:
    """The file's or folder's status under this name; None where there is nothing. Raises FolderUnusable where that can't be told."""
    try:
        return (folder / name).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise not_seen(folder, error) from error


def refuse_half_restored(folder: Path) -> None:
    """Raises FolderUnusable for what an `sv restore` has not made whole.

    SCAR: it was taken for a damaged folder, of which `sv check --repair` made one that had a part of the events, and nothing wrong with it.
    """
    try:
        with (folder / CATALOG).open("rb") as file:
            is_stump = file.read(len(STUMP) + 1) == STUMP
    except OSError:
        return  # whoever opens it says why it can't be
    if is_stump:
        raise FolderUnusable(f"{folder} is half restored: empty it and restore again, unless `sv restore` is still at work")


def refuse_backup(folder: Path) -> None:
    """Raises FolderUnusable for what `sv backup` made.

    SCAR: a server that was started on one was a new one without events, in the middle of the copy.
    """
    if look(folder, MANIFEST) is not None:
        raise FolderUnusable(
            f"{folder} holds a backup and is no data folder; `sv restore {folder} --data FOLDER` makes one of it, in a folder of its own"
        )


def not_seen(folder: Path, error: OSError) -> FolderUnusable:
    """The error for commands that may run beside a server. It doesn't suggest to change the folder's owner, which would take the folder
    from the server."""
    what = f"the data folder {folder} can't be looked into by user {os.geteuid()}: {error.strerror or error}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return FolderUnusable(f"{what}. Be the user that the server runs as, or choose another folder with --data")
    return FolderUnusable(f"{what}. Choose another one with --data")


def remedy(folder: Path, error: OSError) -> str:
    """The message for commands that have the folder to themselves: what fails, and what to do."""
    uid, gid = os.geteuid(), os.getegid()
    what = f"the data folder {folder} can't be used by user {uid}: {os_message(error)}"
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return f"{what}. Give it to that user (chown -R {uid}:{gid} {folder}), or choose another one with --data"
        case errno.EROFS:
            return f"{what}. Mount it so that it can be written, or choose another one with --data"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{what}. A file is in its place; remove it, or choose another folder with --data"
        case errno.ENOSPC | errno.EDQUOT:
            return f"{what}. Make room on its disk"
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return f"{what}. Its file system can't lock files; put it on a local disk"
        case _:
            return f"{what}. Choose another one with --data"
