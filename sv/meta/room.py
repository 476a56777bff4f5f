"""Gives back what SQLite's log takes of a disk that is full.

A transaction that finds no room has written to the log's end what nobody will read, and SQLite leaves it there until the log is emptied.
That takes room in the database file, of which there is none while the log has it: files of events and acknowledgements would wait for good.
Assumes that the caller is who may write. Never touches what was committed.
"""

import os
from typing import Final

import apsw

from sv.meta.connection import BUSY_TIMEOUT_MS, WRITER_CACHE_KIB

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
"""Of SQLite's log and of each of its frames (sqlite.org/walformat.html)."""

KEPT_BYTES: Final = 1024 * 1024
"""What the log may keep: a flush, a job or a deletion, which makes room, needs little of it, and others would take all that is free."""

MARGIN_BYTES: Final = 2 * 1024 * 1024
"""For what others write until the log is emptied."""

FULL: Final = "database or disk is full"

PATIENCE_MS: Final = 200
"""For who reads just now. It is tried again by the next one who finds no room, and when the disk is looked at."""


def pages(writer: apsw.Connection) -> int:
    """Of the database, with what a transaction under way has changed."""
    return _number(writer, "page_count")


def keep_room(writer: apsw.Connection, pages_before: int) -> bool:
    """Raise FullError before a commit after which the log could not be emptied, since the database file would find no room to grow: then
    the log would have that room for good. A small log may, and so may a transaction that needs no more pages than there were before: one
    that deletes, or changes nothing. Writes out what the transaction has in memory where it comes to that.

    Returns whether the log should be emptied soon, before others take the room.
    """
    if pages(writer) <= pages_before or _missing_bytes(writer) + WRITER_CACHE_KIB * 1024 <= _free_bytes(writer):
        return False
    try:
        writer.cache_flush()
    except apsw.FullError:
        raise apsw.FullError(FULL) from None  # SQLite says "not an error"
    is_large = _log_bytes(writer) > KEPT_BYTES
    if is_large and _missing_bytes(writer) + MARGIN_BYTES > _free_bytes(writer):
        raise apsw.FullError(FULL)
    return is_large


def give_back(writer: apsw.Connection, other: apsw.Connection) -> None:
    """Cut off the log behind its last commit, then empty it where the database file has room for what is in it. A small one is left.

    writer: outside a transaction. other: a connection of its own. Raises apsw.Error and OSError; then less was given back, or nothing.
    """
    writer.set_busy_timeout(PATIENCE_MS)
    try:
        _cut(writer, other)
        # A file that grows by a part of it would take what is left, and the log gives nothing back for that.
        if _log_bytes(writer) > KEPT_BYTES and _missing_bytes(writer) <= _free_bytes(writer):
            writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        writer.set_busy_timeout(BUSY_TIMEOUT_MS)


def _cut(writer: apsw.Connection, other: apsw.Connection) -> None:
    if _log_bytes(writer) <= KEPT_BYTES:
        return
    # TRICKY: nobody, of whatever process, may write meanwhile, and SQLite speaks of its log's end only to who doesn't write.
    _number(other, "page_count")  # opens the log
    writer.execute("begin immediate")
    try:
        frames, _ = other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        end = HEADER_BYTES + frames * (FRAME_HEADER_BYTES + _number(other, "page_size"))
        if frames >= 0 and _log_bytes(writer) > max(end, KEPT_BYTES):
            os.truncate(writer.filename_wal, max(end, KEPT_BYTES))
    finally:
        writer.execute("rollback")


def _log_bytes(writer: apsw.Connection) -> int:
    return os.stat(writer.filename_wal).st_size


def _missing_bytes(writer: apsw.Connection) -> int:
    """By how much the database file has to grow for what is in the log, and in a transaction under way."""
    return pages(writer) * _number(writer, "page_size") - os.stat(writer.filename).st_size


def _free_bytes(writer: apsw.Connection) -> int:
    disk = os.statvfs(writer.filename)
    return disk.f_bavail * disk.f_frsize


def _number(connection: apsw.Connection, pragma: str) -> int:
    number = connection.pragma(pragma)
    assert isinstance(number, int)
    return number
