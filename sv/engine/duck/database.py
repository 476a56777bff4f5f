"""One embedded DuckDB: how it is opened, bounded, locked down and kept below ingest in priority.

The database itself is in memory and holds only the buffer (events that are acknowledged but not yet in a Parquet file); what it
spills goes into the data folder. It can read and write nothing outside the folders of events and of what was set aside, and its
configuration is locked.

An error within the engine itself may have it refuse whatever comes after it. That is no fault of a file or a question, and ends with a
database that is opened anew.
"""

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import duckdb

from sv.engine.heaps import bound_heaps
from sv.engine.priority import all_thread_ids, lower_priority
from sv.model.errors import Unavailable

log = logging.getLogger(__name__)

ENGINE_FAULTS = (duckdb.FatalException, duckdb.InternalException)
"""Errors that are the engine's own."""

MISTAKES = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.CatalogException,
    duckdb.PermissionException,
    duckdb.ConstraintException,
    duckdb.TransactionException,
)
"""Errors that are a statement's alone: whatever is in a file, it can't cause them."""

_CTRL_C = "Query interrupted"
"""The message of DuckDB's RuntimeError. An interrupt that the server asks for is an error of the engine's own."""

NO_ASYNC_THREADS = "0"
"""SCAR: with its default of eight DuckDB 2.0 wrote files by them. One that came to the end of a queue, under a lock that it took once more,
had a merge wait for ever, and with it whatever was to be flushed. Without them, whoever has a group of rows ready writes it."""

SPILL_SHARE = 0.5
"""Of what is free on the disk at the start, for what queries spill: the log and the event files are on it too, and need the rest."""


class Database:
    """Hands out cursors. Thread-safe; a cursor is for one thread at a time.

    spill_bytes: what all queries together may spill to disk; by default SPILL_SHARE of the free space. gives_way: whether the engine's
    threads run below ingest; a command that has the folder to itself has no ingest. fault: the engine's own error after which it refuses
    everything; None while it works. on_fault: called just before, on the thread whose statement failed.
    """

    def __init__(
        self,
        events_folder: Path,
        spill_folder: Path,
        aside_folder: Path | None = None,
        *,
        memory_bytes: int,
        threads: int,
        spill_bytes: int | None = None,
        gives_way: bool = True,
        on_fault: Callable[[], None] | None = None,
    ) -> None:
        spill_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        events_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.memory_bytes = max(memory_bytes, 64 << 20)
        self.threads = threads
        if spill_bytes is None:
            spill_bytes = int(shutil.disk_usage(spill_folder).free * SPILL_SHARE)
        bound_heaps()
        before = set(all_thread_ids())
        self._root = duckdb.connect(
            ":memory:",
            config={
                "threads": str(threads),
                "async_threads": NO_ASYNC_THREADS,
                "enable_external_file_cache": "false",  # it holds no local file's content, and most of a KiB of each file for ever
                "memory_limit": f"{self.memory_bytes // 1024}KiB",
                "temp_directory": str(spill_folder),
                "preserve_insertion_order": "false",
                "python_enable_replacements": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
            },
        )
        folders = [str(folder).replace("'", "''") for folder in (events_folder, aside_folder) if folder is not None]
        quoted = ", ".join(f"'{folder}'" for folder in folders)
        # SCAR: not in `config`, where it is shown as set and binds nothing: 113 MB were spilled under a limit of 8.
        self._root.execute(f"set global max_temp_directory_size = '{spill_bytes // 1024}KiB'")
        self._root.execute("set global TimeZone = 'UTC'")
        self._root.execute(f"set allowed_directories = [{quoted}]")
        self._root.execute("set enable_external_access = false")
        self._root.execute("set lock_configuration = true")
        # Queries and flushes wait for ingest, not the other way round.
        if gives_way:
            self._root.execute("select 1").fetchall()  # its threads are there from a first question on
            lower_priority(set(all_thread_ids()) - before)
        self._lock = threading.Lock()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._on_fault = on_fault
        self.fault: str | None = None

    @contextlib.contextmanager
    def cursor(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A new connection to the same database, closed at the end of the block. Raises Unavailable where a statement inside finds that the
        engine itself has failed."""
        with self._lock:
            cursor = self._root.cursor()
            self._cursors.add(cursor)
        try:
            yield cursor
        except ENGINE_FAULTS as error:
            self._look_whether_it_failed(error)
            raise Unavailable("the engine failed; where it can't go on the server is started again") from error
        except RuntimeError as error:
            # SCAR: this is how Ctrl+C arrives while a statement runs in the main thread. It ended a command with a traceback.
            if str(error) == _CTRL_C:
                raise KeyboardInterrupt from error
            raise
        finally:
            with self._lock:
                self._cursors.discard(cursor)
            cursor.close()

    def interrupt(self) -> None:
        """End whatever runs. A statement that is just beginning goes on."""
        with self._lock:
            for cursor in self._cursors:
                cursor.interrupt()

    def _look_whether_it_failed(self, error: duckdb.Error) -> None:
        try:
            with self._lock:
                self._root.execute("select 1").fetchall()
        except duckdb.Error:
            if self.fault is None:
                if self._on_fault is not None:
                    self._on_fault()
                self.fault = str(error).partition("\n")[0]
                log.critical("the engine failed, and refuses everything from now on: %s", self.fault)

    def close(self) -> None:
        self._root.close()
