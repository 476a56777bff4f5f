"""What can be wrong with a data folder, and what SQLite's errors mean to a caller.

    ServerFault
    ├── FolderFault                  the operator must act; the message says how
    │   ├── FolderInUse              another process has it
    │   ├── FolderUnusable           it can't be made, written or locked
    │   ├── FolderFromNewerVersion   a later release wrote it; nothing was touched
    │   └── FolderDamaged            the metadata can't be read
    └── Unavailable                  nothing was stored, and trying again may help
        ├── WriterBusy               somebody else writes
        └── DiskRefuses              the disk does, for now

What is none of these (a violated constraint, a wrong statement) is a bug in this room and stays an apsw error.
"""

import os
from pathlib import Path
from typing import Final

import apsw

from sv.model.errors import DiskRefuses, ServerFault, SvError, Unavailable


class FolderFault(ServerFault):
    """The data folder can't be used as it is."""


class FolderInUse(FolderFault):
    """Another process holds the folder's lock."""


class FolderUnusable(FolderFault):
    """The folder can't be made, written or locked by this process."""


class FolderFromNewerVersion(FolderFault):
    """A later release has changed the folder's schema or layout. Nothing was written to it."""


class FolderDamaged(FolderFault):
    """The metadata can't be read as ours. Nothing was repaired or thrown away."""


class WriterBusy(Unavailable):
    """Another transaction is under way, and took longer than whoever raises this would wait."""


_DAMAGE = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)
_DISK = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError)
_REFUSAL = (apsw.BusyError, apsw.LockedError, apsw.ProtocolError, apsw.NoMemError)
_TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID)

WHAT_HELPS: Final = (
    "Keep the folder as it is, and make a new one of the last backup (`sv restore`); `sv check` lists what is wrong, and can make"
    " the metadata anew with --repair"
)
"""Where the metadata is damaged. A restore takes no folder that something is in."""

LEAST_BYTES: Final = 64 * 1024
"""SQLite's index, 32 KiB, and some more. Where even that finds no room, SQLite speaks of a fault of the disk."""


def translate(error: apsw.Error, path: Path) -> SvError | None:
    """What to raise to a caller in the place of SQLite's error; None where it is a bug and should be seen as it is."""
    if isinstance(error, _DAMAGE):
        if fault := _reading_fault(path):
            return DiskRefuses(f"the metadata in {path} can't be read: {fault}")
        return FolderDamaged(f"the metadata in {path} is damaged ({_describe(error)}). {WHAT_HELPS}")
    if isinstance(error, _DISK + _REFUSAL):
        meaning = DiskRefuses if isinstance(error, _DISK) else Unavailable
        return meaning(f"the metadata in {path} can't be read or written: {_describe(error)}{_remedy(error, path)}")
    return None


def is_taken(error: apsw.ConstraintError) -> bool:
    """Whether the row was refused because another one has the same key."""
    return getattr(error, "extendedresult", None) in _TAKEN


def _remedy(error: apsw.Error, path: Path) -> str:
    """For who can't write there. SQLite's log and its index lie beside the file, and who reads it writes into them too."""
    if os.access(path.parent, os.W_OK | os.X_OK) and (os.access(path, os.R_OK | os.W_OK) or not path.exists()):
        return ". Its disk is full: make room on it" if isinstance(error, apsw.IOError) and _is_full(path.parent) else ""
    return f". Whoever reads it has to be able to write to {path.parent}: be the user that the server runs as, on a disk that takes writes"


def _reading_fault(path: Path) -> str | None:
    """What the disk says to who reads a file of SQLite's; None where it gives it.

    TRICKY: of a disk that went away the kernel's cache is emptied, maybe under SQLite, which reads zeros then and speaks of damage. It is
    the log that is opened here: to close the database itself would end this process's locks on it.
    """
    try:
        with path.with_name(f"{path.name}-wal").open("rb", buffering=0) as file:
            file.read(1)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _is_full(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LEAST_BYTES


def _describe(error: apsw.Error) -> str:
    return f"{type(error).__name__.removesuffix('Error')}: {error}"
