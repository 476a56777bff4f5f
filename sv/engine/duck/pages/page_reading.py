"""Reads a page of events: finds the files and rows that may be on it, selects from these in one statement, and derives the sessions of
events that have none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.pages import page_sql
from sv.engine.duck.pages.newest import Newest
from sv.engine.duck.relation import joined, matches, of_scope, relation
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from sv.engine.port import Aliases, EventRow, Limits, Matcher, PageKeys, Scope
from sv.model.limits import DAY_MS
from sv.model.snapshot import Snapshot

SESSION_REACH_MS: Final = DAY_MS
"""How far before a page's events their derived sessions are first looked for; hardly any session is longer. Each further look reaches
back WIDER times as far."""

WIDER: Final = 8


class PageReader:
    """Thread-safe. Answers for `page`, `fitting` and `holding` of the port."""

    def __init__(
        self, statements: Statements, data_folder: Path, key_files: KeyFiles, key_reader: KeyReader, aliases: Aliases
    ) -> None:
        self._statements = statements
        self._data_folder = data_folder
        self._key_files = key_files
        self._newest = Newest(key_reader)
        self._aliases = aliases

    def rows(self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> list[EventRow]:
        params = Params()
        source = self._source(snapshot, scope, matcher, keys, params, limits)
        if source is None:
            return []
        rows = self._statements.rows(page_sql.page_sql(*source, matcher, keys, params), limits)
        sessions = self._derive_sessions(snapshot, page_sql.sessionless(rows), limits)
        anonymous = page_sql.anonymous_persons(rows) if snapshot.is_merged else []
        owners = self._aliases.owners(snapshot.project_id, anonymous) if anonymous else {}
        return [page_sql.event_row(row, sessions, owners) for row in rows]

    def fitting(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, most_bytes: int, limits: Limits
    ) -> tuple[int, bool]:
        params = Params()
        source = self._source(snapshot, scope, matcher, keys, params, limits)
        if source is None:
            return 0, True
        ((count, all_of_them),) = self._statements.rows(page_sql.fitting_sql(*source, matcher, keys, most_bytes, params), limits)
        return count, count == all_of_them

    def _source(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, params: Params, limits: Limits
    ) -> tuple[str, Scope, Sequence[int] | None] | None:
        """A select of what may be on the page, the scope that remains to be asked for, and the persons; None where there can be nothing.
        Events before the scope may be needed to tell a derived session."""
        derived = page_sql.derived_session(keys.session_id)
        from_ms = scope.from_ms if derived is None else min(scope.from_ms, derived.known_from_ms)
        source = self.holding(snapshot.within(from_ms, scope.to_ms), keys)
        if not (source.parts or source.buffers):
            return None
        persons = self._persons_of(snapshot, keys.distinct_id)
        found = self._newest.find(source.parts, scope, matcher, keys, self._whose(keys, persons), limits)
        if found.since_ms > scope.from_ms:
            scope, source = structs.replace(scope, from_ms=found.since_ms), source.within(found.since_ms, scope.to_ms)
        source = source.with_parts(tuple(part for part in source.parts if len(found.cuts.get(part.part_id, (None,)))))
        if not (source.parts or source.buffers):
            return None
        wanted = joined([of_scope(scope, params), matches(matcher, params)]) if found.cuts else "true"
        return relation(source, self._data_folder, params, found.cuts, wanted), scope, persons

    def holding(self, snapshot: Snapshot, keys: PageKeys) -> Snapshot:
        wanted = self._whose(keys, self._persons_of(snapshot, keys.distinct_id))
        return snapshot if wanted is None else snapshot.with_parts(self._key_files.without(snapshot.parts, wanted))

    @staticmethod
    def _whose(keys: PageKeys, persons: Sequence[int] | None) -> Sequence[int] | None:
        """The person numbers that the page's events may have; None for any. persons: those of the page's distinct id."""
        return persons if persons is not None else [keys.person] if keys.person is not None else None

    def _persons_of(self, snapshot: Snapshot, distinct_id: str | None) -> Sequence[int] | None:
        """The person numbers whose events a distinct id stands for; None where that is just the events that carry the id."""
        if distinct_id is None or not snapshot.is_merged:
            return None
        return self._aliases.numbers_of(snapshot.project_id, distinct_id)

    def _derive_sessions(self, snapshot: Snapshot, wanted: list[page_sql.Sessionless], limits: Limits) -> dict[str, str]:
        """The ids of these events' sessions. Looks back until each session's start is certain."""
        # What a project's deletion takes away meanwhile is left with a session of its own.
        found = {event.event_id: page_sql.DerivedSession(event.person, event.timestamp_ms).id for event in wanted}
        reach_ms = SESSION_REACH_MS
        while wanted:
            from_ms = max(min(event.timestamp_ms for event in wanted) - reach_ms, 0)
            params = Params()
            source = snapshot.within(from_ms, max(event.timestamp_ms for event in wanted) + 1)
            persons = sorted({event.person for event in wanted})
            source = source.with_parts(self._key_files.without(source.parts, persons))
            events = relation(source, self._data_folder, params)
            rows = self._statements.rows(page_sql.sessions_sql(events, wanted, from_ms, params), limits)
            sessions = {event_id: page_sql.DerivedSession(person, started_ms) for event_id, person, started_ms in rows}
            found |= {event_id: session.id for event_id, session in sessions.items()}
            if from_ms == 0:
                break
            cut_off = {event_id for event_id, session in sessions.items() if session.known_from_ms < from_ms}
            wanted = [event for event in wanted if event.event_id in cut_off]
            reach_ms *= WIDER
        return found
