"""Runs a user's statement in a process of its own, over what a snapshot has of its project.

Answers for what goes there (the files' names and the buffers' rows, of this project alone) and for what its end means. The process has none
of our environment but what Python itself needs, no file descriptor of ours, and is killed when the query is stopped or its time is up.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

import sv
from sv.engine.duck.relation import relation
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from sv.engine.duck.user_sql.sql_child import Job, Outcome
from sv.engine.port import Limits, UnreadablePart
from sv.model.errors import Unavailable, ValidationFailed
from sv.model.snapshot import Snapshot
from sv.model.sql import MAX_SQL_ANSWER_BYTES, MAX_SQL_MEMORY_BYTES, SqlAnswer, SqlColumn, SqlQuery

MEMORY_SHARE: Final = 4
"""Of the engine's memory a statement may have a fourth."""

LEAST_MEMORY_BYTES: Final = 64 << 20

KEPT_VARIABLES: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


def run_sql(
    statements: Statements,
    snapshot: Snapshot,
    data_folder: Path,
    query: SqlQuery,
    memory_bytes: int,
    threads: int,
    limits: Limits,
) -> SqlAnswer:
    """See `Engine.sql`."""
    buffered = _buffered(statements, snapshot, data_folder, limits)
    job = Job(
        query.query,
        [str((data_folder / part.path).resolve()) for part in snapshot.parts],
        len(buffered),
        query.limit,
        MAX_SQL_ANSWER_BYTES,
        max(LEAST_MEMORY_BYTES, min(memory_bytes // MEMORY_SHARE, MAX_SQL_MEMORY_BYTES)),
        threads,
        limits.timeout_s,
    )
    head = msgspec.msgpack.encode(job)
    written = _ask(len(head).to_bytes(8, "big") + head + buffered, limits)
    try:
        outcome = msgspec.msgpack.decode(written, type=Outcome)
    except (msgspec.DecodeError, RecursionError):
        limits.check()
        outcome = Outcome("memory")  # the system ended it, or the engine did itself: neither leaves a word behind
    match outcome.problem:
        case None:
            columns = [SqlColumn(name, kind) for name, kind in outcome.columns]
            return SqlAnswer(columns, outcome.rows, outcome.has_more)
        case "refused" | "failed":
            raise ValidationFailed.at("query", outcome.message)
        case "damaged":
            raise UnreadablePart(outcome.message)
        case _:
            raise Unavailable("the statement needs more memory than it may use; let it look at fewer events, or answer less")


def _buffered(statements: Statements, snapshot: Snapshot, data_folder: Path, limits: Limits) -> bytes:
    """The rows of the buffers, as an Arrow stream; nothing where there are none."""
    if not snapshot.buffers:
        return b""
    params = Params()
    text = relation(snapshot.without_parts(), data_folder, params)
    table: Any = statements.table(params.sql(text), limits)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes() if table.num_rows else b""


def _ask(request: bytes, limits: Limits) -> bytes:
    """What the process writes before it ends. Raises what the limits do, and Unavailable where it can't begin."""
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    found_at = [str(Path(sv.__file__).resolve().parents[1]), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(found_at)
    command = [
        sys.executable,
        "-P",
        "-m",
        "sv.engine.duck.user_sql.sql_child",
    ]  # -P: nothing is imported from the folder that it runs in
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module; the statement goes in by a pipe
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/"
        )
    except OSError as error:  # of processes, files or memory the system may give no more for now
        raise Unavailable(f"the system lets no process begin for the statement: {error.strerror}") from error
    with process:
        try:
            if limits.stop is None:
                return process.communicate(request, timeout=limits.timeout_s)[0]
            with limits.stop.interrupting(process.kill):
                written = process.communicate(request)[0]
            limits.check()
            return written
        except subprocess.TimeoutExpired:
            raise limits.too_long() from None
        finally:
            process.kill()
