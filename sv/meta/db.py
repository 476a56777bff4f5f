"""`Meta`: the metadata's one writer, its readers, and what holds them together.

Answers for who may write when, for what is synced when, and for SQLite's errors reaching nobody raw. Assumes the lock
on the data folder. Calls block (for a lock, a disk), so an event loop makes them from a thread.

# INVARIANT META-1: a transaction that returned from `transaction(durable=True)` is on disk, and so is every one that
# was committed before it. SQLite's log is one file, written in the order of commits; a commit with `synchronous =
# full` syncs that file, and with it the frames of earlier commits that were not synced (`synchronous = normal`). A
# checkpoint syncs the log before it writes to the database file, and the file before the log is reused, at either
# level. After a power cut SQLite replays the log up to the first frame that is not whole: always a prefix of commits.
# So what `durable=False` wrote can be lost only while nothing durable has been committed since.

# INVARIANT META-2: nothing durable is built on a sync that failed. After one the kernel may count pages as written
# that are not, and the next sync succeeds without them. So after an error of input or output no transaction starts
# before a complete checkpoint has copied the whole log into the database file, synced it, and emptied the log.
"""

import logging
import os
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from sv.meta import connection as connections
from sv.meta.checkpoint import PASSIVE_PAGES, RESTART_PAGES, Checkpointer
from sv.meta.errors import WHAT_HELPS, FolderDamaged, WriterBusy, translate
from sv.meta.folder import refuse_half_restored
from sv.meta.migrate import SCHEMA_VERSION, migrate, packaged_migrations, read_version
from sv.meta.readers import Readers
from sv.meta.room import give_back, keep_room, pages
from sv.model.errors import Conflict, Unavailable
from sv.model.redaction import os_message

log = logging.getLogger(__name__)

WRITER_WAIT_S: Final = 10.0
"""For the writer's lock. The longest transactions (events of many new persons that are folded, a chunk of an import) take some."""

SMALLEST_BYTES: Final = 512
"""Of a database: one page of the smallest size that SQLite knows."""

HEED_OPS: Final = 10_000
"""Steps of SQLite between two looks whether a signal came: milliseconds."""

_READING: Final = (apsw.SQLITE_IOERR_READ, apsw.SQLITE_IOERR_SHORT_READ)
"""Faults of what is copied; any other is of the copy, since nothing is written to the source."""

_IS_MOSTLY_FULL: Final = """
    select freelist_count * 8 < page_count from pragma_freelist_count(), pragma_page_count()
"""
"""To write the rest anew for less than an eighth gives back little for what it costs."""

Value = str | int | float | bytes | None
Row = tuple[Value, ...]


class Meta:
    """The open metadata. Thread-safe. `path` is the file; `is_new` says that `open` found none and made it."""

    def __init__(self, path: Path, writer: apsw.Connection, *, is_new: bool) -> None:
        self.path = path
        self.is_new = is_new
        self._writer = writer
        self._lock = threading.Lock()
        self.writer_wait_s = WRITER_WAIT_S
        """How long who wants to write waits for whoever writes; -1 is without end, for who has the folder to themselves."""
        self._owner: int | None = None
        self._is_shared = False
        self._is_durable = True
        self._is_suspect = False
        self._is_closed = False
        self._log_pages = 0
        self._restart_pages = 0
        """Below it the log doesn't start over: somebody was reading for long when it was tried."""
        self._readers = Readers(lambda: connections.connect_reader(path))
        self._checkpointer = Checkpointer(lambda: connections.connect_checkpointer(path), self._note)
        writer.set_wal_hook(self._count_log_pages)

    @classmethod
    def open(cls, path: Path) -> "Meta":
        """Open the file, making or migrating it as needed. Its folder must exist.

        Raises FolderFromNewerVersion and FolderDamaged, with the file as it was, and Unavailable.
        """
        with _translated(path):
            is_new = _make_private_file(path)
            writer = connections.connect_writer(path)
            try:
                version = read_version(writer, path)
                connections.settle_writer(writer)
                if version < SCHEMA_VERSION:
                    migrate(writer, version, packaged_migrations())
                return cls(path, writer, is_new=is_new)
            except BaseException:
                writer.close()
                raise

    def __enter__(self) -> "Meta":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self, *, durable: bool = True, waits: bool = True) -> Generator[apsw.Connection]:
        """The writer, inside one transaction: committed at the end of the block, rolled back if the block raises.

        durable: synced to disk on return; False leaves that to the next durable one (META-1). waits: for another
        thread's transaction; without, WriterBusy is raised at once.
        Raises Unavailable where the disk refuses: then nothing was stored, with one exception. When the sync itself
        failed, a crash right then may bring the transaction back; once any later one succeeds, it is gone.
        """
        if self._owner == threading.get_ident():
            if not self._is_shared:
                raise RuntimeError("a transaction inside a transaction")
            yield self._writer
            return
        wait_s = self.writer_wait_s if waits else 0.0
        if not self._lock.acquire(timeout=wait_s):
            raise WriterBusy(f"the metadata's writer was busy for {wait_s:g} seconds")
        self._owner = threading.get_ident()
        try:
            if self._is_closed:
                raise Unavailable("the metadata is closed: the server is shutting down")
            with _translated(self.path), self._noting_failed_writes():
                self._distrust_failed_syncs()
                self._set_durable(durable)
                self._writer.execute("begin immediate")
                try:
                    before = pages(self._writer)
                    yield self._writer
                    is_tight = keep_room(self._writer, before)
                    self._writer.execute("commit")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("rollback")
                    raise
            self._bound_log(is_tight=is_tight)
        finally:
            self._owner = None
            self._lock.release()

    @contextmanager
    def together(self) -> Generator[apsw.Connection]:
        """One transaction, synced on return, for several changes: `transaction` in the block joins it, `rows` sees what it wrote.

        Another `together` in the block joins it too, and all of it is stored where the outermost one ends.
        Let errors through: what was changed before one is taken back only where it leaves the outermost block.
        """
        with self.transaction() as writer:
            was_shared, self._is_shared = self._is_shared, True
            try:
                yield writer
            finally:
                self._is_shared = was_shared

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of one `select`, from the newest commit. Text that UTF-8 can't carry equals nothing kept here."""
        with _translated(self.path), self._reader() as reader:
            try:
                return reader.execute(sql, values).fetchall()
            except UnicodeEncodeError:
                return []

    @contextmanager
    def _reader(self) -> Generator[apsw.Connection]:
        # TRICKY: the owner first. Only the owner's own thread changes both, so that nobody else can see its own number there.
        if self._owner == threading.get_ident() and self._is_shared:
            yield self._writer
        else:
            with self._readers.borrow() as reader:
                yield reader

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row of one `select`, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def empty_log(self) -> None:
        """Move everything committed into the file and empty SQLite's log, so that earlier versions of pages are gone from it. Writers wait
        meanwhile. Raises Unavailable where readers or the disk prevent it."""
        if not self._lock.acquire(timeout=self.writer_wait_s):
            raise Unavailable(f"the metadata's writer was busy for {self.writer_wait_s:g} seconds")
        try:
            with _translated(self.path), self._noting_failed_writes(), self._checkpointer.paused():
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            self._lock.release()

    def shrink(self, scratch: Path) -> bool:
        """Give free pages of the file back to the disk, where that is worth it; returns whether it was. For a process that has the folder
        to itself.

        scratch: a folder with room for what is left of the file; the file's own folder needs as much. Raises Unavailable; then nothing has
        changed, or everything is done: a disk that fills up may refuse what comes after the commit.
        """
        if self.row(_IS_MOSTLY_FULL) == (1,):
            return False
        with self._lock, _translated(self.path), self._noting_failed_writes(), self._checkpointer.paused():
            self._set_durable(True)
            self._writer.execute(f"pragma temp_store_directory = {apsw.format_sql_value(str(scratch))}")
            self._writer.execute("pragma temp_store = file")  # a copy of the file is made on the way
            try:
                with _heeding_signals(self._writer):
                    self._writer.execute("vacuum")
            finally:
                self._writer.execute("pragma temp_store = memory")
                self._writer.execute("pragma temp_store_directory = ''")
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return True

    def check(self) -> list[str]:
        """Read everything and say what is wrong, a line each; [] when nothing is. Takes seconds for large files."""
        problems: list[str] = []
        with _translated(self.path), self._readers.borrow() as reader, _heeding_signals(reader):
            try:
                problems += [str(line) for (line,) in reader.execute("pragma integrity_check") if line != "ok"]
                for table, row, parent, _ in reader.execute("pragma foreign_key_check"):
                    problems.append(f"{table}: row {row} refers to nothing in {parent}")
            except apsw.CorruptError as error:
                problems.append(f"reading stopped: {error}")
        return problems

    def close(self) -> None:
        """Wait for what is under way and close; everything committed is then in the file itself."""
        self._checkpointer.close()
        self._readers.close()
        with self._lock, _translated(self.path):
            self._is_closed = True
            self._writer.close()

    def _set_durable(self, durable: bool) -> None:
        # TRICKY: SQLite ignores this pragma inside a transaction, so it comes before `begin`, under the lock.
        if durable != self._is_durable:
            self._writer.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            self._is_durable = durable

    @contextmanager
    def _noting_failed_writes(self) -> Generator[None]:
        try:
            yield
        except apsw.Error as error:
            self._note(error)
            if isinstance(error, apsw.FullError):
                self._give_room_back()
            raise

    def give_room_back(self) -> None:
        """Give the disk what SQLite's log takes of it and can do without just now; nothing where somebody else writes."""
        if self._lock.acquire(blocking=False):
            try:
                self._give_room_back()
            finally:
                self._lock.release()

    def _give_room_back(self) -> None:
        with (
            suppress(apsw.Error, OSError),
            self._checkpointer.paused(),
            closing(connections.connect_checkpointer(self.path)) as other,
        ):
            give_back(self._writer, other)

    def _note(self, error: apsw.Error) -> None:
        self._is_suspect = self._is_suspect or isinstance(error, apsw.IOError)

    def _distrust_failed_syncs(self) -> None:
        """After a failed sync, checkpoint everything before the next transaction (META-2)."""
        if self._is_suspect:
            self._set_durable(True)
            with self._checkpointer.paused():
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            log.info("the metadata's disk takes writes again")
            self._is_suspect = False

    def _count_log_pages(self, _: apsw.Connection, _database: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _bound_log(self, *, is_tight: bool) -> None:
        """After a commit: ask for a checkpoint, or for a log far too long make one here. Never fails the commit.

        SCAR: while a backup reads the file for minutes no log starts over, and each commit waited five seconds for it, with the lock.
        """
        if self._log_pages < RESTART_PAGES:
            self._restart_pages = 0
        if self._log_pages < max(RESTART_PAGES, self._restart_pages):
            self._checkpointer.committed(max(self._log_pages, PASSIVE_PAGES if is_tight else 0))
            return
        try:
            with self._checkpointer.paused():
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except apsw.Error as error:
            self._note(error)
            if isinstance(error, apsw.BusyError):
                self._restart_pages = 2 * self._log_pages
            log.warning("the metadata's log could not start over at %d pages: %s", self._log_pages, error)
        self._log_pages = 0


def copy_database(source: Path, target: Path) -> None:
    """Copy everything committed into a new, single file, durable on return. Writers of any process go on meanwhile; nothing is migrated.

    Raises Conflict if there is a file already, FolderFromNewerVersion and FolderDamaged for a source that isn't ours to read, Unavailable
    where a disk refuses; then no file is left behind.
    """
    temporary = target.with_name(target.name + ".tmp")
    if target.exists():
        raise Conflict(f"expected a new file, but {target} is there already")
    try:
        with _translated(source):
            temporary.unlink(missing_ok=True)
            _make_private_file(temporary)
            with (
                closing(connections.connect_reader(source)) as original,
                closing(apsw.Connection(str(temporary))) as copy,
            ):
                read_version(original, source)
                try:
                    with copy.backup("main", original, "main") as backup:
                        backup.step()
                    # A lone file that any SQLite opens, even from a disk that can't be written.
                    copy.execute("pragma journal_mode = delete").fetchall()
                except (apsw.FullError, apsw.IOError) as error:
                    if getattr(error, "extendedresult", None) in _READING:
                        raise
                    reason = "the disk is full" if isinstance(error, apsw.FullError) else str(error)
                    raise Unavailable(f"the backup {target} can't be written: {reason}") from error
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise Unavailable(f"the backup {target} can't be written: {os_message(error)}") from error
    finally:
        for left in (temporary, temporary.with_name(temporary.name + "-journal")):
            left.unlink(missing_ok=True)


@contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except apsw.Error as error:
        meaning = translate(error, path)
        if meaning is None:
            raise
        raise meaning from error


@contextmanager
def _heeding_signals(connection: apsw.Connection) -> Generator[None]:
    """What takes seconds inside is ended by what a signal raises, as Ctrl+C does: Python looks for it in the function that is called."""
    connection.set_progress_handler(lambda: False, HEED_OPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None)


def _make_private_file(path: Path) -> bool:
    """Have a file that its owner alone may read: it will hold hashes of passwords. SQLite's own files follow it.

    Returns whether it is empty. Raises FolderDamaged for one that was cut off, which SQLite would take for an empty one,
    FolderUnusable for one that is being restored.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(descriptor).st_size
        os.close(descriptor)
        if not size:
            sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"{path} can't be opened for writing: {error.strerror or error}") from error
    if 0 < size < SMALLEST_BYTES:
        refuse_half_restored(path.parent)
        raise FolderDamaged(f"{path} has only {size} bytes: it was cut off. {WHAT_HELPS}")
    return not size


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
