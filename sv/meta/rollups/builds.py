"""Keeps track of the builds of rollups, and folds summaries into them.

A project has at most one live build, which lists read, and at most one that is being built by a rebuild; every change goes into both. A
rebuild reads the events up to the change before which it began, so that each event is in a build once.

# INVARIANT ROLLUP-1: `rolled_seq` moves in the transaction that folds the events up to it, and a flush commits only after its events are
# folded. So an event of the log is folded once, however often the log is replayed, and every event in a part is in the rollups.

# INVARIANT ROLLUP-2: a chunk of an import is folded in the transaction that records its parts.
"""

from collections.abc import Sequence
from typing import Final

import apsw

from sv.meta.db import Meta
from sv.meta.rollups.change import Change
from sv.meta.rollups.kinds import KINDS, VERSION
from sv.model.errors import DiskRefuses, Unavailable
from sv.model.rollup import Summary

PURGED_ROWS: Final = 500
"""Of each table that one transaction deletes of a dropped build. With 5,000 each held the writer for 0.3 to 3 seconds, of 360,000 persons:
a session is in ten trees."""

FEWEST_PURGED_ROWS: Final = 20
"""Where the disk refuses more: 500 change up to 3,000 pages, which take 12 MB of SQLite's log, and what is deleted gives room back."""

MERGED_PAGES: Final = 500
"""Of the index of texts that one transaction merges: some tens of milliseconds."""

_VERSIONS: Final = dict(zip((kind.name for kind in KINDS), VERSION.split(), strict=True))
"""Of each kind, as it stands in a build's version."""

_HAS_PARTS: Final = "select exists (select 1 from parts where project_id = ? and state = 'live')"


class RollupBuilds:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._is_merging = False
        self._purged_rows = PURGED_ROWS

    # Reading

    def rolled_seq(self) -> int:
        """The log position up to which events are in the rollups."""
        return _counter(self._meta.row("select value from counters where name = 'rolled_seq'"))

    def changes(self) -> int:
        """How often the rollups have changed."""
        return _counter(self._meta.row("select value from counters where name = 'rollup_changes'"))

    def has_live(self, project_id: str, kind: str) -> bool:
        """Whether the project has a live build for lists to read; False where it has no events. Raises Unavailable while the first build
        with this release's version of the kind is being made."""
        row = self._meta.row("select version from rollup_builds where project_id = ? and state = 'live'", project_id)
        if row is None and self._meta.row(_HAS_PARTS, project_id) == (0,):
            return False
        if row is None or _VERSIONS[kind] not in str(row[0]).split():
            raise Unavailable("the lists of this project are being made from its events; try again soon", retry_after_s=5)
        return True

    def projects_to_build(self) -> list[str]:
        """Projects whose events have no live build of this release's kinds."""
        rows = self._meta.rows(
            """
            select distinct project_id from parts
            where state = 'live'
              and project_id not in (select project_id from rollup_builds where state = 'live' and version = ?)
            order by project_id
            """,
            VERSION,
        )
        return [str(project_id) for (project_id,) in rows]

    # Folding

    def fold(self, summaries: Sequence[Summary], rolled_seq: int, now_ms: int) -> None:
        """Merge the summaries of the events up to this log position. Unsynced: the flush that needs it is synced (META-1)."""
        with self._meta.transaction(durable=False) as writer:
            apply_summaries(writer, summaries, now_ms)
            advance_rolled_seq(writer, rolled_seq)

    # Rebuilding

    def begin(self, project_id: str) -> int:
        """Begin a new build beside the live one, in place of any unfinished one. From now on changes go into it too."""
        with self._meta.transaction() as writer:
            writer.execute(
                "update rollup_builds set state = 'dropped' where project_id = ? and state = 'building'", (project_id,)
            )
            rows = writer.execute(
                "insert into rollup_builds (project_id, version, state) values (?, ?, 'building') returning build",
                (project_id, VERSION),
            ).fetchall()
            return _counter(rows[0])

    def add(self, build: int, summaries: Sequence[Summary], now_ms: int) -> bool:
        """Merge summaries into a build that was begun. False where that build was given up meanwhile."""
        with self._meta.transaction(durable=False) as writer:
            if not writer.execute("select 1 from rollup_builds where build = ? and state = 'building'", (build,)).fetchall():
                return False
            _merge(writer, Change(build, 0, False, now_ms), summaries)
            return True

    def finish(self, build: int) -> bool:
        """Let lists read this build from now on. False where it was given up meanwhile."""
        with self._meta.transaction() as writer:
            writer.execute(
                """
                update rollup_builds set state = 'dropped'
                where state = 'live' and project_id = (select project_id from rollup_builds where build = ?1 and state = 'building')
                """,
                (build,),
            )
            writer.execute("update rollup_builds set state = 'live' where build = ? and state = 'building'", (build,))
            return writer.changes() == 1

    def has_unfinished(self) -> bool:
        """Whether there are builds that were begun and are not finished."""
        return self._meta.row("select 1 from rollup_builds where state = 'building'") is not None

    def drop_unfinished(self) -> None:
        """Give these up."""
        with self._meta.transaction() as writer:
            writer.execute("update rollup_builds set state = 'dropped' where state = 'building'")

    def has_dropped(self) -> bool:
        """Whether there is anything to purge."""
        return self._meta.row("select 1 from rollup_builds where state = 'dropped' limit 1") is not None

    def purge(self) -> bool:
        """Delete some rows of a dropped build. False where there was none. Raises Unavailable; the next call deletes fewer then."""
        row = self._meta.row("select build from rollup_builds where state = 'dropped' order by build limit 1")
        if row is None:
            return False
        try:
            if not self._purge_some(_counter(row)):
                self._purged_rows = PURGED_ROWS
        except DiskRefuses:
            self._purged_rows = max(self._purged_rows // 5, FEWEST_PURGED_ROWS)
            raise
        return True

    def _purge_some(self, build: int) -> bool:
        with self._meta.transaction(durable=False) as writer:
            deleted = 0
            for kind in KINDS:
                for table, some in kind.tables.items():
                    writer.execute(f"delete from {table} where {some}", (build, self._purged_rows))
                    deleted += writer.changes()
            if not deleted:
                writer.execute("delete from rollup_builds where build = ?", (build,))
        return bool(deleted)

    def merge_search(self) -> bool:
        """Merge some pages of the full-text index, in which deleted entries stay until then. False once all of it is merged."""
        with self._meta.transaction(durable=False) as writer:
            before = writer.total_changes()
            if not self._is_merging:
                writer.execute("insert into person_search (person_search, rank) values ('merge', ?)", (-MERGED_PAGES,))
            else:
                writer.execute("insert into person_search (person_search, rank) values ('merge', ?)", (MERGED_PAGES,))
            self._is_merging = writer.total_changes() - before >= 2  # one of them is this statement's own
            return self._is_merging


def apply_summaries(writer: apsw.Connection, summaries: Sequence[Summary], now_ms: int) -> None:
    """Merge summaries into their projects' builds, inside a transaction of the caller.

    A project without a build gets one if it has no parts yet; one that has parts is built from them, and from what is folded before that
    begins.
    """
    if not summaries:
        return
    writer.execute("update counters set value = value + 1 where name = 'rollup_changes'")
    number = _counter(writer.execute("select value from counters where name = 'rollup_changes'").fetchall()[0])
    own_of: dict[str, list[Summary]] = {}
    for summary in summaries:
        own_of.setdefault(summary.project_id, []).append(summary)
    for project_id in sorted(own_of):
        for build, is_live in _builds_of(writer, project_id):
            _merge(writer, Change(build, number, is_live, now_ms), own_of[project_id])


def advance_rolled_seq(writer: apsw.Connection, rolled_seq: int) -> None:
    """Move the log position of the rollups, inside a transaction of the caller. It never moves back."""
    writer.execute("update counters set value = ?1 where name = 'rolled_seq' and value < ?1", (rolled_seq,))


def drop_rollups(writer: apsw.Connection, project_id: str | None) -> None:
    """Forget the rollups of one project or of all, inside a transaction of the caller. The rows of one go in the background."""
    if project_id is not None:
        writer.execute("update rollup_builds set state = 'dropped' where project_id = ?", (project_id,))
        return
    for kind in KINDS:
        for table in kind.tables:
            # A contentless search table is emptied by a command of its own.
            writer.execute(
                f"insert into {table} ({table}) values ('delete-all')" if table.endswith("_search") else f"delete from {table}"
            )
    writer.execute("delete from rollup_builds")


def _builds_of(writer: apsw.Connection, project_id: str) -> list[tuple[int, bool]]:
    """(build, whether it is live) of each that takes changes."""
    found = writer.execute(
        "select build, state = 'live' from rollup_builds where project_id = ? and state in ('live', 'building') order by build",
        (project_id,),
    ).fetchall()
    if not found and not _counter(writer.execute(_HAS_PARTS, (project_id,)).fetchall()[0]):
        found = writer.execute(
            "insert into rollup_builds (project_id, version, state) values (?, ?, 'live') returning build, 1",
            (project_id, VERSION),
        ).fetchall()
    return [(_counter(row), bool(row[1])) for row in found]


def _merge(writer: apsw.Connection, change: Change, summaries: Sequence[Summary]) -> None:
    for kind in KINDS:
        for summary in summaries:
            if summary.kind == kind.name:
                kind.apply(writer, change, summary.content)


def _counter(row: Sequence[object] | None) -> int:
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]
