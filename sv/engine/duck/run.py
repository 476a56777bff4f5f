"""Runs statements within their time, and translates the engine's errors to ours.

DuckDB uses the same error classes for a regular expression that doesn't compile and for a damaged file. So after an error the statement's
own regular expressions are tried first. An error that nothing else explains may be a file's, which whoever looks at the files will find
out; one that no file can cause is a mistake of ours.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, Protocol, TypeVar, cast

import duckdb
import pyarrow as pa
from numpy.typing import NDArray

from sv.engine.duck.database import MISTAKES, Database
from sv.engine.duck.sql import Sql
from sv.engine.port import SHORTER, Limits, UnreadablePart
from sv.model.errors import Unavailable, ValidationFailed
from sv.model.redaction import redacted

Result = TypeVar("Result")

_AGAIN_S: Final = 0.05
_ENDLESS: Final = Limits(float("inf"))


class Columns(Protocol):
    """An Arrow table, as far as this package reads one."""

    def column(self, name: str, /) -> Any: ...


def column_of(table: Columns, name: str) -> NDArray[Any]:
    """A column without nulls as a numpy array of its own type."""
    return table.column(name).combine_chunks().to_numpy(zero_copy_only=False)


class Statements:
    """Thread-safe: each statement has a cursor of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, statement: Sql, limits: Limits) -> list[tuple[Any, ...]]:
        """The whole answer as tuples."""
        return self._run(statement, limits, lambda cursor: cursor.execute(statement.text, statement.params).fetchall())

    def table(self, statement: Sql, limits: Limits, held: Any = None) -> Columns:
        """The whole answer as columns. held: an Arrow table that the statement calls so."""

        def ask(cursor: duckdb.DuckDBPyConnection) -> Columns:
            if held is not None:
                cursor.register("held", held)
            # Not `execute`, whose answer makes one more copy of all rows on its way to Arrow.
            return cast("Columns", cursor.sql(statement.text, params=statement.params).to_arrow_table())

        return self._run(statement, limits, ask)

    def batches(self, statement: Sql, batch_rows: int) -> Generator[Any]:
        """The answer as Arrow record batches, made as they are taken; the engine holds only a few. Takes as long as its reader does."""
        with self._database.cursor() as cursor:
            try:
                reader = cursor.sql(statement.text, params=statement.params).to_arrow_reader(batch_rows)
                with contextlib.closing(reader):
                    yield from reader
            except (duckdb.Error, pa.ArrowException, UnicodeDecodeError) as error:
                self._translate(error, statement, _ENDLESS)

    def check_regex(self, pattern: str) -> str | None:
        """None for a regular expression (RE2) that compiles, else what is wrong with it."""
        with self._database.cursor() as cursor:
            try:
                cursor.execute("select regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
            except duckdb.Error as error:
                return _first_line(error).removeprefix("Invalid Input Error: ")
        return None

    def _run(self, statement: Sql, limits: Limits, ask: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        limits.check()
        with self._database.cursor() as cursor, _interrupted(limits, cursor):
            try:
                return ask(cursor)
            except (duckdb.Error, UnicodeDecodeError) as error:  # the latter where a message quotes a damaged file
                self._translate(error, statement, limits)

    def _translate(self, error: Exception, statement: Sql, limits: Limits) -> NoReturn:
        message = _first_line(error)
        match error:
            case duckdb.InterruptException():
                if limits.stop is not None:
                    limits.stop.check()
                raise limits.too_long() from error
            case duckdb.OutOfMemoryException():
                raise Unavailable(f"the query needs more memory than the server may use; {SHORTER}") from error
            case duckdb.OutOfRangeException() if "left shift" in message:
                raise ValidationFailed.at("date_from", f"too many persons or sessions for so long a range; {SHORTER}") from error
            case duckdb.FatalException() | duckdb.InternalException() | duckdb.ConnectionException():
                raise error
            case _ if isinstance(error, MISTAKES):
                raise error
            case _:
                for pattern in statement.regexes:
                    wrong = self.check_regex(pattern)
                    if wrong is not None:
                        raise ValidationFailed.at("filters", wrong) from error
                raise UnreadablePart(redacted(error)) from error


@contextmanager
def _interrupted(limits: Limits, cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Inside the block the cursor's statement is interrupted by the limits' stop or, where there is none, once the time is up. After the
    block the cursor is usable, and no longer interrupted."""
    if limits.stop is not None:
        with limits.stop.interrupting(cursor.interrupt):
            yield
        return
    seconds = limits.timeout_s if limits.until_s is None else max(limits.until_s - time.monotonic(), 0.0)
    is_over = threading.Event()
    lock = threading.Lock()

    def watch() -> None:
        wait_s = seconds
        while not is_over.wait(wait_s):
            with lock:
                if not is_over.is_set():
                    cursor.interrupt()
            wait_s = _AGAIN_S  # a statement that was just beginning has forgotten it

    threading.Thread(target=watch, name="sv-timer", daemon=True).start()
    try:
        yield
    finally:
        with lock:
            is_over.set()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
