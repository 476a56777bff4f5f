"""A process of its own that runs one statement of a user's, and ends.

    python -m sv.engine.duck.user_sql.sql_child        a Job, its length before it, and the rows of buffers on standard input; an Outcome on
                                              standard output, both as msgpack

Answers for a database in which there is nothing but one project's events, which reads the files it was named and no other, loads and
spills nothing, and whose configuration is locked; for memory and time being bounded by the operating system too, since not all that a
statement may allocate is counted by the engine. Its environment holds none of the server's secrets. Assumes that it may be killed at any
moment.
"""

import contextlib
import math
import os
import re
import resource
import signal
import sys
from typing import Any, Final

import duckdb
import msgspec
from msgspec import Struct

from sv.engine.duck.database import NO_ASYNC_THREADS
from sv.engine.duck.schema import COLUMN_LIST, COLUMNS
from sv.engine.duck.user_sql.sql_gate import Refused, checked
from sv.engine.priority import QUERY_NICENESS

OWN_BYTES: Final = 1 << 29
"""What the process takes by itself, threads' stacks and the engine's code and arenas included."""

TABLE_SHARE: Final = 3
"""Times as many bytes as the events came in may a table of them take."""

FETCHED_ROWS: Final = 64
MAX_MESSAGE_CHARS: Final = 500
GRACE_S: Final = 2

MAX_NESTED_CALLS: Final = 400
"""How deep an answer's value may nest, about: the server takes apart what it gets with a thousand calls at most, and is in some already."""

_OF_DAMAGE: Final = ("don't know what type", "TProtocolException")
_WORDS_OF_DAMAGE: Final = (*_OF_DAMAGE, *(f"Invalid Error: {words}" for words in _OF_DAMAGE))
"""What the reader of Parquet says of a footer or a page that was overwritten."""

_NO_COLUMN: Final = re.compile(
    r'Binder Error: (?:Referenced column|(?:Table|Values list) "[^"]*" does not have a column named) "([^"\\]{1,100})"'
)

_PLAIN: Final = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
    | {"FLOAT", "DOUBLE", "VARCHAR"}
)
_INSTANTS: Final = ("TIMESTAMP", "DATETIME")


class Job(Struct, frozen=True):
    """files: of the project's events, and no others. limit: rows. timeout_s: after which the system ends the process."""

    statement: str
    files: list[str]
    buffered_bytes: int
    limit: int
    answer_bytes: int
    memory_bytes: int
    threads: int
    timeout_s: float


class Outcome(Struct, frozen=True):
    """problem: None for an answer; `refused` and `failed` are for the statement's author, `memory` and `damaged` for the server."""

    problem: str | None = None
    message: str = ""
    columns: list[tuple[str, str]] = []
    rows: list[list[Any]] = []
    has_more: bool = False


def main() -> int:
    source = sys.stdin.buffer
    job = msgspec.msgpack.decode(source.read(int.from_bytes(source.read(8), "big")), type=Job)
    _bound(job)
    outcome = _outcome(job, source.read(job.buffered_bytes))
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))
    sys.stdout.buffer.flush()
    return 0


def _bound(job: Job) -> None:
    """What the operating system sees to, whatever becomes of us."""
    with contextlib.suppress(OSError):
        os.nice(QUERY_NICENESS)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # where memory runs out, this process goes and not the server
    signal.alarm(math.ceil(job.timeout_s) + GRACE_S)
    most = job.memory_bytes + OWN_BYTES + (1 + TABLE_SHARE) * job.buffered_bytes
    for kind, bound in ((resource.RLIMIT_DATA, most), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (bound, bound))


def _outcome(job: Job, buffered: bytes) -> Outcome:
    try:
        connection = open_locked(job, buffered)
        statement = checked(connection, job.statement)
        return _answer(connection, statement, job)
    except Refused as error:
        return Outcome("refused", str(error)[:MAX_MESSAGE_CHARS])
    except (duckdb.OutOfMemoryException, MemoryError):
        return Outcome("memory")
    except (duckdb.Error, UnicodeDecodeError, RuntimeError) as error:
        if "bad_alloc" in str(error):
            return Outcome("memory")
        message = str(error).partition("\n")[0]
        if isinstance(error, duckdb.IOException | duckdb.SerializationException) or _is_of_files(message, job):
            return Outcome("damaged", message[:MAX_MESSAGE_CHARS])
        return Outcome("failed", message[:MAX_MESSAGE_CHARS] + _of_properties(message))


def _of_properties(message: str) -> str:
    """Where an error tells that there is no such column: how a property of that name is read."""
    missing = _NO_COLUMN.match(message)
    if missing is None:
        return ""
    name = missing[1].replace("'", "''")
    is_word = re.fullmatch(r"\w+", missing[1], re.ASCII) is not None
    path = f"$.{name}" if is_word else f'$."{name}"'
    return f"; if it is a property: properties->>'{path}'"


def _is_of_files(message: str, job: Job) -> bool:
    """Whether an error is a file's, whatever its class: no path of the server's is for the statement's author.

    Who writes such a text into a statement doesn't know a path, and of the other words it is seen that they are theirs.
    """
    return any(path in message for path in job.files) or (
        message.startswith(_WORDS_OF_DAMAGE) and not any(words in job.statement for words in _OF_DAMAGE)
    )


def open_locked(job: Job, buffered: bytes) -> duckdb.DuckDBPyConnection:
    """A database with the view `events`, and nothing else that could be reached from it."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": str(job.threads),
            "async_threads": NO_ASYNC_THREADS,
            "memory_limit": f"{(job.memory_bytes + TABLE_SHARE * job.buffered_bytes) // 1024}KiB",
            "temp_directory": "",
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        },
    )
    connection.execute("set global TimeZone = 'UTC'")
    nothing = ", ".join(f'null::{kind} as "{name}"' for name, kind in COLUMNS.items())
    connection.execute(f"create table buffered as select {nothing} where false")
    if buffered:
        import pyarrow as pa

        connection.register("arrived", pa.ipc.open_stream(buffered).read_all())
        connection.execute(f"insert into buffered select {COLUMN_LIST} from arrived")
        connection.unregister("arrived")
    # What the statement may have doesn't hang on how many events aren't in files yet.
    (held,) = connection.execute("select sum(memory_usage_bytes)::bigint from duckdb_memory()").fetchone() or (0,)
    connection.execute(f"set memory_limit = '{(job.memory_bytes + held) // 1024}KiB'")
    selects = [f"select {COLUMN_LIST} from buffered"]
    listed = "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in job.files) + "]"
    if job.files:
        selects.append(f"select {COLUMN_LIST} from read_parquet({listed}, hive_partitioning = false)")
    events = "\nunion all\n".join(selects)
    connection.execute(f"create view events as select * replace (properties::json as properties) from ({events})")
    connection.execute(f"set allowed_paths = {listed}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _answer(connection: duckdb.DuckDBPyConnection, statement: str, job: Job) -> Outcome:
    sys.setrecursionlimit(MAX_NESTED_CALLS)
    found = connection.sql(statement)
    names, types = list(found.columns), [str(kind) for kind in found.types]
    places = [f"c{place}" for place in range(len(names))]
    selected = ", ".join(_wire(place, kind) for place, kind in zip(places, types, strict=True))
    outer = f"select {selected} from ({statement}) as answer({', '.join(places)}) limit {job.limit + 1:d}"
    # In the order of the user's own statement: the engine keeps to it, where it isn't told otherwise.
    result = connection.execute(outer)
    rows: list[list[Any]] = []
    size = 0
    while block := result.fetchmany(FETCHED_ROWS):
        for row in block:
            values = [_value(value, kind) for value, kind in zip(row, types, strict=True)]
            size += len(msgspec.json.encode(values))
            rows.append(values)
        if size > job.answer_bytes:
            raise Refused(f"the answer has more than {job.answer_bytes:,} bytes; select fewer columns, or fewer rows (limit)")
    return Outcome(None, "", list(zip(names, types, strict=True)), rows[: job.limit], len(rows) > job.limit)


def _wire(place: str, kind: str) -> str:
    """The expression by which a column leaves the engine: times as in the API, what is made of parts as JSON, all else as text."""
    if kind in _PLAIN:
        return place
    if kind.startswith("DECIMAL"):
        return f"{place}::double"
    if kind.startswith(_INSTANTS) and not kind.endswith("]"):
        return f"strftime({place}::timestamp, '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f"to_json({place})::varchar" if _is_made_of_parts(kind) else f"{place}::varchar"


def _is_made_of_parts(kind: str) -> bool:
    return kind == "JSON" or kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and _is_made_of_parts(kind):
        try:
            decoded = msgspec.json.decode(value)
            msgspec.msgpack.encode(decoded)
        except (msgspec.DecodeError, RecursionError, OverflowError):
            return value  # an infinite number within a list, an integer beyond 64 bits, lists within lists within lists
        return decoded
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value)  # as ingest does
    return value


if __name__ == "__main__":
    sys.exit(main())
