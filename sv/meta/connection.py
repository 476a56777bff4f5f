"""How a connection to the metadata is set up.

Answers for every pragma in one place. Assumes a local file system: SQLite's log mode needs shared memory.
"""

from pathlib import Path
from typing import Final

import apsw

BUSY_TIMEOUT_MS: Final = 5000
"""How long SQLite waits for another process (a shell, a backup tool). Our own threads queue on our own lock."""

WRITER_CACHE_KIB: Final = 32 * 1024
"""Pages of the writer. A larger transaction spills into the log. Events that come in no order of time or session change pages all over the
tables of sessions: with half as much, folding 300,000 of them took a tenth longer, with twice as much a tenth less."""

READER_CACHE_KIB: Final = 4 * 1024
"""Pages of one reader. The tables of a busy server fit, all but the numbers of persons."""

LOG_BYTES_KEPT: Final = 64 * 1024 * 1024
"""What the log file is cut down to after a burst, so that its blocks are reused and the disk still gets the rest."""


def connect_writer(path: Path) -> apsw.Connection:
    """A connection that may write; makes the file where there is none.

    Until `settle_writer`, closing it leaves file and log byte for byte as they were, so that a file which turns
    out not to be ours is untouched.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    _harden(connection)
    return connection


def settle_writer(connection: apsw.Connection) -> None:
    """Put a file known to be ours into log mode, with every commit synced unless a transaction says otherwise."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    mode = connection.execute("pragma journal_mode = wal").fetchall()[0][0]
    if mode != "wal":
        raise apsw.CantOpenError(f"the file system can't do SQLite's log mode (journal mode stays {mode})")
    connection.execute("pragma synchronous = full")
    connection.execute(f"pragma cache_size = -{WRITER_CACHE_KIB}")
    connection.execute(f"pragma journal_size_limit = {LOG_BYTES_KEPT}")
    connection.execute("pragma foreign_keys = on")
    # What is deleted is written over with zeros: an erased person's rows must not lie on in free pages.
    connection.execute("pragma main.secure_delete = on").fetchall()
    connection.execute("pragma temp_store = memory")  # summaries on their way into the rollups, a bounded piece at a time
    # The checkpointer does it, beside the writers: SQLite's own would make one unlucky commit wait for it.
    connection.execute("pragma wal_autocheckpoint = 0")


def connect_reader(path: Path) -> apsw.Connection:
    """A connection that can't write."""
    connection = _connect(path)
    connection.execute(f"pragma cache_size = -{READER_CACHE_KIB}")
    # The terms of the index of texts: a table of the connection's own, which reads that index and holds nothing.
    connection.execute("create virtual table temp.person_terms using fts5vocab(main, person_search, instance)")
    connection.execute("pragma query_only = on")
    return connection


def connect_checkpointer(path: Path) -> apsw.Connection:
    """A connection that only checkpoints, each of its writes synced."""
    connection = _connect(path)
    connection.execute("pragma synchronous = full")
    connection.execute(f"pragma cache_size = -{READER_CACHE_KIB}")
    return connection


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    _harden(connection)
    return connection


def _harden(connection: apsw.Connection) -> None:
    """What SQLite recommends for a file that somebody else may have prepared, such as a restored backup."""
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0)
