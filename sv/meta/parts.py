"""The catalog of parts at rest, and how far the log is covered by them.

Answers for the catalog changing as a whole: what a flush, a merge or a chunk of an import brings is there entirely or
not at all, together with the log position it stands for, and is synced when a method returns. Never touches a file.

# INVARIANT META-3: `wal_covered_seq` moves in the transaction that records the parts it speaks of. After a crash an
# event is in a part or its log record lies above that position, never both and never neither.
"""

from collections.abc import Iterable, Sequence

import apsw
import msgspec

from sv.meta.db import Meta, Row
from sv.meta.errors import is_taken
from sv.meta.ledger import add_tally, count, read_ledger
from sv.meta.rollups.builds import apply_summaries
from sv.meta.rows import columns, to_struct
from sv.model.errors import Conflict
from sv.model.ledger import Ledger, Tally
from sv.model.part import NewPart, Part
from sv.model.rollup import Summary

_NEW = NewPart.__struct_fields__
_INSERT = f"insert into parts ({', '.join(_NEW)}) values ({', '.join('?' * len(_NEW))}) returning part_id"
_SELECT = f"select {columns(Part)} from parts"


class Parts:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def live_parts(self, project_id: str | None = None) -> list[Part]:
        """The parts that hold events now, of one project or of all, oldest record first."""
        return self._in_state("live", project_id)

    def dropped_parts(self, project_id: str | None = None) -> list[Part]:
        """Parts that were replaced or deleted and whose files may still lie there."""
        return self._in_state("dropped", project_id)

    def covered_seq(self) -> int:
        """Every log record up to this number is in parts; 0 when none is."""
        row = self._meta.row("select value from counters where name = 'wal_covered_seq'")
        assert row is not None
        assert isinstance(row[0], int)
        return row[0]

    def ledger(self) -> Ledger:
        """The books, as far as they are on disk: nothing is queued."""
        return read_ledger(self._meta)

    def commit_flush(self, parts: Sequence[NewPart], covered_seq: int, tally: Tally | None = None) -> list[Part]:
        """Record what a flush wrote, and that the log is covered up to `covered_seq` (which may stay where it is).

        tally: what became of the batches; None where all of their events are in these parts.

        Raises Conflict for a path that is recorded already, ValueError for a position that would move back, and
        Unavailable: then keep the files until a later call has succeeded (`Meta.transaction` says why).
        """
        with self._meta.transaction() as writer:
            recorded = [_insert(writer, part) for part in parts]
            advance_covered_seq(writer, covered_seq)
            add_tally(writer, Tally(ingested=sum(part.rows for part in parts)) if tally is None else tally)
        return recorded

    def replace_parts(self, old_ids: Sequence[int], new_parts: Sequence[NewPart]) -> list[Part]:
        """Put new parts in the place of live ones, whose files the caller removes when nobody reads them any more.

        Raises Conflict if any of the old ones isn't live (any more): nothing was changed, the new files can go.
        """
        with self._meta.transaction() as writer:
            return swap_parts(writer, old_ids, new_parts)

    def set_aside(self, part_id: int) -> None:
        """Drop a live part that can't be read. Raises Conflict where it isn't live."""
        with self._meta.transaction() as writer:
            count(writer, "set_aside", _drop(writer, part_id))

    def forget_dropped(self, part_ids: Iterable[int]) -> None:
        """Strike dropped parts whose files are gone. Live and unknown ones are left as they are."""
        with self._meta.transaction() as writer:
            writer.executemany("delete from parts where part_id = ? and state = 'dropped'", [(part_id,) for part_id in part_ids])

    def note_unfinished(self, path: str, made_of: Sequence[int]) -> None:
        """Note a file that is about to be written to replace these live parts. The note is removed when it does (`replace_parts`). made_of:
        empty for a file that nothing needs any more and that couldn't be deleted."""
        with self._meta.transaction() as writer:
            kept = msgspec.json.encode(made_of).decode()
            writer.execute("insert or replace into unfinished_files (path, made_of) values (?, ?)", (path, kept))

    def unfinished(self) -> dict[str, frozenset[int]]:
        """The paths of files that were begun and are in no part, with the parts that each was made of."""
        rows = self._meta.rows("select path, made_of from unfinished_files order by path")
        return {str(path): frozenset(msgspec.json.decode(str(made_of), type=list[int])) for path, made_of in rows}

    def forget_unfinished(self, paths: Iterable[str]) -> None:
        with self._meta.transaction() as writer:
            writer.executemany("delete from unfinished_files where path = ?", [(path,) for path in paths])

    def settle(self) -> None:
        """Make what the catalog says durable, even if the process that wrote it was killed before its sync. Raises Unavailable."""
        self._meta.empty_log()

    def add_import_chunk(
        self, import_id: str, chunk_no: int, parts: Sequence[NewPart], summaries: Sequence[Summary] = (), now_ms: int = 0
    ) -> list[Part] | None:
        """Record the parts of one chunk of an import, once: None, and nothing stored, if it is there already.

        summaries: of its events, for the rollups (ROLLUP-2).

        Raises Conflict for a path that is recorded already, ValueError for parts of several projects.
        """
        projects = {part.project_id for part in parts}
        if len(projects) > 1:
            raise ValueError(f"expected the parts of one project, got {sorted(projects)}")
        with self._meta.transaction() as writer:
            writer.execute(
                "insert into import_chunks (import_id, chunk_no, project_id) values (?, ?, ?) on conflict do nothing",
                (import_id, chunk_no, next(iter(projects), None)),
            )
            if not writer.changes():
                return None
            # Before the parts: a project without any gets its rollups now, one with parts has them or is about to get them from its files.
            apply_summaries(writer, summaries, now_ms)
            count(writer, "imported", sum(part.rows for part in parts))
            return [_insert(writer, part) for part in parts]

    def has_import_chunk(self, import_id: str, chunk_no: int) -> bool:
        """Whether this chunk of an import is recorded: one look, however many there are."""
        return self._meta.row("select 1 from import_chunks where import_id = ? and chunk_no = ?", import_id, chunk_no) is not None

    def import_chunks(self, import_id: str) -> set[int]:
        """The chunks of an import that are recorded."""
        rows = self._meta.rows("select chunk_no from import_chunks where import_id = ?", import_id)
        return {chunk_no for (chunk_no,) in rows if isinstance(chunk_no, int)}

    def _in_state(self, state: str, project_id: str | None) -> list[Part]:
        rows = self._meta.rows(
            f"{_SELECT} where state = ?1 and (?2 is null or project_id = ?2) order by part_id", state, project_id
        )
        return [_to_part(row) for row in rows]


def swap_parts(writer: apsw.Connection, old_ids: Sequence[int], new_parts: Sequence[NewPart]) -> list[Part]:
    """`Parts.replace_parts` inside a transaction of the caller. Rows that the new ones lack count as removed."""
    count(writer, "removed", sum(_drop(writer, part_id) for part_id in old_ids) - sum(part.rows for part in new_parts))
    writer.executemany("delete from unfinished_files where path = ?", [(part.path,) for part in new_parts])
    return [_insert(writer, part) for part in new_parts]


def _drop(writer: apsw.Connection, part_id: int) -> int:
    """Drop a live part; returns its rows."""
    dropped = writer.execute("update parts set state = 'dropped' where part_id = ? and state = 'live' returning rows", (part_id,))
    rows = dropped.fetchall()
    if not rows:
        raise Conflict(f"part {part_id} is not live any more")
    return int(str(rows[0][0]))


def advance_covered_seq(writer: apsw.Connection, covered_seq: int) -> None:
    """Move the log position inside a transaction of the caller. Raises ValueError if that would be backwards."""
    writer.execute("update counters set value = ?1 where name = 'wal_covered_seq' and value <= ?1", (covered_seq,))
    if not writer.changes():
        raise ValueError(f"expected a log position at or after the recorded one, got {covered_seq} (covered_seq)")


def drop_parts(writer: apsw.Connection, project_id: str | None) -> list[Part]:
    """Drop all live parts, of one project or of all, inside a transaction of the caller. Returns them."""
    rows = writer.execute(
        f"{_SELECT} where state = 'live' and (?1 is null or project_id = ?1) order by part_id", (project_id,)
    ).fetchall()
    writer.execute("update parts set state = 'dropped' where state = 'live' and (?1 is null or project_id = ?1)", (project_id,))
    dropped = [_to_part(row) for row in rows]
    count(writer, "removed", sum(part.rows for part in dropped))
    return dropped


def _insert(writer: apsw.Connection, part: NewPart) -> Part:
    try:
        rows = writer.execute(_INSERT, [getattr(part, name) for name in _NEW]).fetchall()
    except apsw.ConstraintError as error:
        if is_taken(error):
            raise Conflict(f"{part.path} is in the catalog already") from error
        raise
    part_id = rows[0][0]
    assert isinstance(part_id, int)
    return Part.recorded(part, part_id)


def _to_part(row: Row) -> Part:
    return to_struct(Part, row)
