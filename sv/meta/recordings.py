"""Which chunks of recordings sessions have, and what is promised, stored or on its way out.

A chunk's life: `promise` (a URL is out) → `store` (its bytes are there) → `doom` (nobody sees it any more) → `forget` (the bytes are gone).

Answers for limits being checked in the transaction that promises, and for a doomed chunk never coming back: INVARIANT REC-1. Never
touches an object, and never makes a key: `folder` is what the caller says it is.

# INVARIANT REC-1: a row is there before a URL is given out, and goes only when its bytes are gone and no URL given out could bring them
# back. So whatever lies in the store has a row that says whose it is, and erasing finds it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import apsw
import msgspec

from sv.meta.db import Meta, Value
from sv.meta.recording_tally import Change, State, tally
from sv.meta.rows import columns, to_struct
from sv.model.errors import PayloadTooLarge, Unavailable

DOOM_BATCH: Final = 5000
"""Rows in one transaction: the writer's lock is held for some ten milliseconds, not for a million rows."""


MAX_PERSONS: Final = 100
"""Users and visitors of a session's recording before the newest: who has somebody's session id and many names could fill the metadata."""


class NewChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk that somebody wants to upload. check_ms: when to look whether it has come. Times are Unix milliseconds."""

    project_id: str
    session_id: str
    folder: str
    index: int
    size: int
    anonymous_id: str | None
    user_id: str | None
    now_ms: int
    url_until_ms: int
    check_ms: int


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much there may be: bytes in one session, bytes in all, and promises that are open at a time."""

    session_bytes: int
    total_bytes: int
    promises: int


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk as it is kept. check_ms: when to look at it again; None where nothing is left to find out."""

    recording: int
    chunk_index: int
    project_id: str
    size: int
    state: Literal["promised", "stored", "doomed"]
    created_ms: int
    url_until_ms: int
    check_ms: int | None
    folder: str


class Totals(msgspec.Struct, frozen=True):
    """Over all projects: promises open, and bytes of what is stored or not gone yet."""

    promised: int
    bytes: int


_COLUMNS: Final = columns(Chunk).replace("recording,", "c.recording,", 1).replace("project_id", "c.project_id")
_SELECT: Final = f"select {_COLUMNS} from recording_chunks c join recording_sessions s on s.recording = c.recording"


class RecordingChunks:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def promise(self, new: NewChunk, bounds: Bounds) -> None:
        """Note that a URL for this chunk is being given out. A chunk that exists keeps its bytes until others arrive.

        Raises PayloadTooLarge for a session that is full; Unavailable where everything is full, or the chunk is being deleted.
        """
        with self._meta.transaction() as writer:
            totals = _totals(writer)
            if totals.promised >= bounds.promises:
                raise Unavailable(f"{totals.promised} uploads of recordings are promised and have not come yet", retry_after_s=60)
            if totals.bytes + new.size > bounds.total_bytes:
                raise Unavailable("the room for recordings is used up (recordings_limit)", retry_after_s=600)
            recording, session_bytes = _session(writer, new)
            old = _state(writer, recording, new.index)
            if old is not None and old.name == "doomed":
                raise Unavailable("this chunk is being deleted; it can be sent again later", retry_after_s=600)
            if session_bytes - (0 if old is None else old.size) + new.size > bounds.session_bytes:
                raise PayloadTooLarge(
                    f"expected at most {bounds.session_bytes:,} bytes of recording in a session, got more (sizeBytes)"
                )
            writer.execute(
                """
                insert into recording_chunks
                  (recording, chunk_index, project_id, size, state, created_ms, url_until_ms, check_ms)
                values (?, ?, ?, ?, 'promised', ?, ?, ?)
                on conflict (recording, chunk_index) do update
                set url_until_ms = max(url_until_ms, excluded.url_until_ms),
                  check_ms = excluded.check_ms,
                  size = iif(state = 'promised', excluded.size, size)
                """,
                (recording, new.index, new.project_id, new.size, new.now_ms, new.url_until_ms, new.check_ms),
            )
            if old is None or old.name == "promised":
                tally(writer, [Change(recording, old, State("promised", new.size))])

    def is_expected(self, project_id: str, folder: str, index: int) -> bool:
        """Whether an upload for this chunk may come in: a URL went out, and it hasn't been erased since."""
        row = self._meta.row(
            f"{_SELECT} where s.project_id = ? and s.folder = ? and c.chunk_index = ? and c.state != 'doomed'",
            project_id,
            folder,
            index,
        )
        return row is not None

    def store(self, project_id: str, folder: str, index: int, size: int) -> bool:
        """Note that the chunk's bytes are there. False, and nothing noted, where it isn't expected (any more)."""
        with self._meta.transaction() as writer:
            rows = writer.execute(
                "select recording from recording_sessions where project_id = ? and folder = ?", (project_id, folder)
            ).fetchall()
            return bool(rows) and _note_stored(writer, _whole(rows[0][0]), index, size, None)

    def found(self, chunks: Iterable[tuple[Chunk, int, int | None]]) -> None:
        """Note that chunks are there, each with its size and when to look again, unless something became of it meanwhile."""
        with self._meta.transaction() as writer:
            for chunk, size, check_ms in chunks:
                is_as_looked_at = writer.execute(
                    "select 1 from recording_chunks where recording = ? and chunk_index = ? and check_ms is ?",
                    (chunk.recording, chunk.chunk_index, chunk.check_ms),
                ).fetchall()
                if is_as_looked_at:
                    _note_stored(writer, chunk.recording, chunk.chunk_index, size, check_ms)

    def look_again(self, chunks: Iterable[tuple[Chunk, int | None]]) -> None:
        """Note for each chunk when to look at it again, unless something became of it meanwhile."""
        with self._meta.transaction(durable=False) as writer:
            writer.executemany(
                "update recording_chunks set check_ms = ? where recording = ? and chunk_index = ? and state = ? and check_ms is ?",
                [(check_ms, chunk.recording, chunk.chunk_index, chunk.state, chunk.check_ms) for chunk, check_ms in chunks],
            )

    def forget(self, chunks: Iterable[Chunk]) -> None:
        """Delete the rows of chunks of which nothing is left, unless something has happened to them meanwhile."""
        with self._meta.transaction() as writer:
            for chunk in chunks:
                values = (chunk.recording, chunk.chunk_index, chunk.state, chunk.url_until_ms)
                rows = writer.execute(
                    """
                    delete from recording_chunks
                    where recording = ? and chunk_index = ? and state = ? and url_until_ms = ?
                    returning size
                    """,
                    values,
                ).fetchall()
                tally(writer, [Change(chunk.recording, State(chunk.state, _whole(size)), None) for (size,) in rows])

    def chunks_of(self, project_id: str, session_id: str, after: int, limit: int) -> list[Chunk]:
        """What is promised or stored of a session beyond chunk `after`, in order."""
        rows = self._meta.rows(
            f"""
            {_SELECT}
            where s.project_id = ? and s.session_id = ? and c.chunk_index > ? and c.state != 'doomed'
            order by c.chunk_index
            limit ?
            """,
            project_id,
            session_id,
            after,
            limit,
        )
        return [to_struct(Chunk, row) for row in rows]

    def recorded(self, project_id: str, session_ids: Iterable[str]) -> set[str]:
        """Those of the sessions that have a recording. One look-up by key each."""
        rows = self._meta.rows(
            """
            select s.session_id from recording_sessions s
            where s.project_id = ? and s.stored > 0 and s.session_id in (select value from json_each(?))
            """,
            project_id,
            msgspec.json.encode(list(session_ids)).decode(),
        )
        return {str(session_id) for (session_id,) in rows}

    def sessions_of(self, project_id: str, person_id: str) -> list[str]:
        """The sessions with a recording, or about to have one, whose visitor or user is this one, or was when some of it came."""
        rows = self._meta.rows(
            """
            select session_id from recording_sessions where project_id = ?1 and user_id = ?2
            union all
            select session_id from recording_sessions where project_id = ?1 and anonymous_id = ?2
            union all
            select s.session_id from recording_persons p cross join recording_sessions s on s.recording = p.recording
            where p.project_id = ?1 and p.id = ?2
            """,
            project_id,
            person_id,
        )  # in no order, and some twice: to have it otherwise the planner goes through all sessions of the project
        return sorted({str(session_id) for (session_id,) in rows})

    def due(self, now_ms: int, limit: int, *, are_doomed: bool) -> list[Chunk]:
        """Chunks to look at now, the longest due first: doomed ones, or the others."""
        is_wanted = "c.state = 'doomed'" if are_doomed else "c.state != 'doomed'"
        rows = self._meta.rows(f"{_SELECT} where c.check_ms <= ? and {is_wanted} order by c.check_ms limit ?", now_ms, limit)
        return [to_struct(Chunk, row) for row in rows]

    def forget_persons(self, project_id: str, ids: Sequence[str]) -> None:
        """Strike these users and visitors from sessions of which nothing but doomed chunks is left."""
        with self._meta.transaction() as writer:
            values = (project_id, msgspec.json.encode(list(ids)).decode())
            is_over = "not exists (select 1 from recording_chunks c where c.recording = {}.recording and c.state != 'doomed')"
            for column in ("user_id", "anonymous_id"):
                writer.execute(
                    f"""
                    update recording_sessions set {column} = null
                    where project_id = ? and {column} in (select value from json_each(?)) and {is_over.format("recording_sessions")}
                    """,
                    values,
                )
            writer.execute(
                f"""
                delete from recording_persons
                where project_id = ? and id in (select value from json_each(?)) and {is_over.format("recording_persons")}
                """,
                values,
            )

    def doomed_of(self, project_id: str, session_ids: Sequence[str], after: tuple[int, int], limit: int) -> list[Chunk]:
        """Doomed chunks of these sessions, due or not, beyond `after`: (recording, chunk_index)."""
        rows = self._meta.rows(
            f"""
            {_SELECT}
            where c.recording in (
              select recording from recording_sessions
              where project_id = ? and session_id in (select value from json_each(?))
            )
            and c.state = 'doomed' and (c.recording, c.chunk_index) > (?, ?)
            order by c.recording, c.chunk_index
            limit ?
            """,
            project_id,
            msgspec.json.encode(list(session_ids)).decode(),
            *after,
            limit,
        )
        return [to_struct(Chunk, row) for row in rows]

    def doom(
        self, project_id: str | None, now_ms: int, *, before_ms: int | None = None, session_ids: Sequence[str] | None = None
    ) -> int:
        """Hide chunks for good and make them due for deletion: those made before `before_ms`, or those of these sessions; with neither,
        all.

        project_id: None means all projects, and goes without sessions. Returns how many there were.
        """
        conditions = ["c.state != 'doomed'"]
        values: dict[str, Value] = {"now_ms": now_ms, "limit": DOOM_BATCH}
        if project_id is not None:
            conditions.append("c.project_id = :project_id")
            values["project_id"] = project_id
        if before_ms is not None:
            conditions.append("c.created_ms < :before_ms")
            values["before_ms"] = before_ms
        if session_ids is not None:
            conditions.append(_OF_SESSIONS)
            values["session_ids"] = msgspec.json.encode(list(session_ids)).decode()
        # Composed, since a condition that may be absent would keep SQLite from its indexes.
        statement = f"{_OF_CHUNKS} where {' and '.join(conditions)} limit :limit"
        count = 0
        while True:
            with self._meta.transaction() as writer:
                rows = writer.execute(statement, values).fetchall()
                writer.executemany(
                    "update recording_chunks set state = 'doomed', check_ms = ? where recording = ? and chunk_index = ?",
                    [(now_ms, recording, index) for recording, index, _, _ in rows],
                )
                tally(
                    writer,
                    [
                        Change(_whole(recording), State(str(state), _whole(size)), State("doomed", _whole(size)))
                        for recording, _, state, size in rows
                    ],
                )
            count += len(rows)
            if len(rows) < DOOM_BATCH:
                return count

    def totals(self) -> Totals:
        """How much there is."""
        row = self._meta.row("select promised, bytes from recording_totals")
        assert row is not None
        return to_struct(Totals, row)


_OF_CHUNKS: Final = "select c.recording, c.chunk_index, c.state, c.size from recording_chunks c"
_OF_SESSIONS: Final = """
      c.recording in (
        select recording from recording_sessions
        where project_id = :project_id and session_id in (select value from json_each(:session_ids))
      )
"""


def _totals(writer: apsw.Connection) -> Totals:
    return to_struct(Totals, writer.execute("select promised, bytes from recording_totals").fetchall()[0])


def _state(writer: apsw.Connection, recording: int, index: int) -> State | None:
    rows = writer.execute(
        "select state, size from recording_chunks where recording = ? and chunk_index = ?", (recording, index)
    ).fetchall()
    return State(str(rows[0][0]), _whole(rows[0][1])) if rows else None


def _note_stored(writer: apsw.Connection, recording: int, index: int, size: int, check_ms: int | None) -> bool:
    """Whether the chunk is there and not on its way out, so that it was noted."""
    old = _state(writer, recording, index)
    if old is None or old.name == "doomed":
        return False
    writer.execute(
        "update recording_chunks set state = 'stored', size = ?, check_ms = ? where recording = ? and chunk_index = ?",
        (size, check_ms, recording, index),
    )
    tally(writer, [Change(recording, old, State("stored", size))])
    return True


def _session(writer: apsw.Connection, new: NewChunk) -> tuple[int, int]:
    """(number, bytes) of the chunk's session, which is created if need be. It holds the newest ids of its person; earlier ones are kept
    beside it, so that an erasure finds the session by each of them. Raises PayloadTooLarge for a session of too many persons."""
    _keep_replaced(writer, new)
    rows = writer.execute(
        """
        insert into recording_sessions (project_id, session_id, folder, anonymous_id, user_id)
        values (?, ?, ?, ?, ?)
        on conflict (project_id, session_id) do update
        set anonymous_id = coalesce(excluded.anonymous_id, anonymous_id), user_id = coalesce(excluded.user_id, user_id)
        returning recording, bytes
        """,
        (new.project_id, new.session_id, new.folder, new.anonymous_id, new.user_id),
    ).fetchall()
    return _whole(rows[0][0]), _whole(rows[0][1])


def _keep_replaced(writer: apsw.Connection, new: NewChunk) -> None:
    kept = writer.execute(
        "select recording, anonymous_id, user_id from recording_sessions where project_id = ? and session_id = ?",
        (new.project_id, new.session_id),
    ).fetchall()
    for recording, anonymous_id, user_id in kept:
        pairs = ((anonymous_id, new.anonymous_id), (user_id, new.user_id))
        replaced = [(recording, new.project_id, old) for old, now in pairs if old is not None and now is not None and old != now]
        if not replaced:
            return
        writer.executemany("insert or ignore into recording_persons (recording, project_id, id) values (?, ?, ?)", replaced)
        ((count,),) = writer.execute("select count(*) from recording_persons where recording = ?", (recording,)).fetchall()
        if _whole(count) > MAX_PERSONS:
            raise PayloadTooLarge(
                f"expected at most {MAX_PERSONS} users and visitors before in a session's recording, got more (sessionId)"
            )


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
