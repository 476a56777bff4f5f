"""Running statements: within their time, and with the engine's errors as ours.

Answers for what a failure means to the caller. DuckDB says with the same classes that a regular expression doesn't compile and that a
file is damaged, so that the statement's own regular expressions are tried out first; whatever is nobody else's fault is a file's.
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

from sv.engine.duck.database import Database
from sv.engine.duck.sql import Sql
from sv.engine.port import Limits, UnreadablePart
from sv.model.errors import Unavailable, ValidationFailed
from sv.model.telling import told

Result = TypeVar("Result")

SHORTER: Final = "ask for a shorter range"
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

    def table(self, statement: Sql, limits: Limits) -> Columns:
        """The whole answer as columns."""
        # Not `execute`, whose answer makes one more copy of all rows on its way to Arrow.
        return self._run(
            statement,
            limits,
            lambda cursor: cast("Columns", cursor.sql(statement.text, params=statement.params).to_arrow_table()),
        )

    def batches(self, statement: Sql, batch_rows: int) -> Generator[Any]:
        """The answer as Arrow record batches, made as they are taken; the engine holds a few. Takes as long as its reader does."""
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
        with self._database.cursor() as cursor, _interrupted_after(_seconds_left(limits), cursor):
            try:
                return ask(cursor)
            except (duckdb.Error, UnicodeDecodeError) as error:  # the latter where a message quotes a damaged file
                self._translate(error, statement, limits)

    def _translate(self, error: Exception, statement: Sql, limits: Limits) -> NoReturn:
        message = _first_line(error)
        match error:
            case duckdb.InterruptException():
                raise Unavailable(f"the query took longer than {limits.timeout_s:g} s; {SHORTER}") from error
            case duckdb.OutOfMemoryException():
                raise Unavailable(f"the query needs more memory than the server may use; {SHORTER}") from error
            case duckdb.OutOfRangeException() if "left shift" in message:
                raise ValidationFailed.at("date_from", f"too many persons or sessions for so long a range; {SHORTER}") from error
            case duckdb.FatalException() | duckdb.InternalException() | duckdb.ConnectionException():
                raise error
            case _:
                for pattern in statement.regexes:
                    wrong = self.check_regex(pattern)
                    if wrong is not None:
                        raise ValidationFailed.at("filters", wrong) from error
                raise UnreadablePart(told(error)) from error


def _seconds_left(limits: Limits) -> float:
    if limits.until_s is None:
        return limits.timeout_s
    left = limits.until_s - time.monotonic()
    if left <= 0:
        raise Unavailable(f"the query took longer than {limits.timeout_s:g} s; {SHORTER}")
    return left


@contextmanager
def _interrupted_after(seconds: float, cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Interrupt what the cursor runs once the time is up. The cursor stays usable, and is interrupted no more after leaving."""
    is_over = threading.Lock()

    def interrupt() -> None:
        if is_over.acquire(blocking=False):
            cursor.interrupt()
            is_over.release()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        is_over.acquire()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
