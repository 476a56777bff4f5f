"""Reads the entries of a funnel by session out of key files, and the breakdown's value of each session. What they don't tell comes by SQL:
events of parts without key files, of the buffer, and those without a session id.

Where most events are such, the whole is left to the caller.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from sv.engine.duck.funnels import funnel_sql, step_keys
from sv.engine.duck.funnels.first_values import Asked, Firsts, first_values, firsts_in
from sv.engine.duck.keys.key_files import KEY_BITS, MAX_PERSON, Keys
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.session_codes import digests_of
from sv.engine.duck.keys.session_numbers import SessionNumbers, UnreadableSessions
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.duck.trends.trend_reading import Relations
from sv.engine.port import FunnelKeys, GroupValues, Limits, Matcher, Scope, Uncut
from sv.model.errors import Unavailable
from sv.model.snapshot import Snapshot

TextsOf = Callable[[Collection[str]], dict[str, str]]


class SessionReader:
    """Thread-safe."""

    def __init__(self, statements: Statements, key_reader: KeyReader, relations: Relations) -> None:
        self._statements = statements
        self._key_reader = key_reader
        self._relations = relations

    def keys(
        self, source: Snapshot, scope: Scope, steps: Sequence[Matcher], packing: funnel_sql.Packing, limits: Limits
    ) -> FunnelKeys | None:
        """A key for each event and each step that it matches. None where key files tell too little, or numbers and times don't fit."""
        if packing.bits > KEY_BITS:
            return None
        try:
            sessions = self._key_reader.sessions_of(source.parts)
            return None if sessions is None else self._keys(source, scope, steps, packing.origin_ms, sessions, limits)
        except UnreadableSessions:
            return None

    def _keys(
        self,
        source: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        origin_ms: int,
        sessions: SessionNumbers,
        limits: Limits,
    ) -> FunnelKeys | None:
        found = self._key_reader.read(source.parts, scope, steps, origin_ms, [() for _ in steps], limits, sessions)
        told = frozenset[int].intersection(*map(frozenset, found))
        parts = [part for part in source.parts if part.part_id in told]
        by_step: list[list[Keys | Uncut]] = [
            list(step_keys.keys_of([(part, of_step[part.part_id]) for part in parts], scope, origin_ms, None))
            for of_step in found
        ]
        beyond = sessions.beyond(source, told)
        if beyond is not None:
            params = Params()
            events = beyond.events(self._relations.events, params)
            table = self._statements.table(funnel_sql.session_rows_sql(events, scope, steps, origin_ms, params), limits)
            masks = column_of(table, "mask")
            numbers = sessions.of_rows(digests_of(table.column("digest").combine_chunks()))
            keys = (numbers << np.uint64(KEY_BITS)) | column_of(table, "since").astype(np.uint64, copy=False)
            for place, of_step in enumerate(by_step):
                of_step.append(keys[np.flatnonzero((masks >> np.uint32(place)) & np.uint32(1))])
        if sessions.count > MAX_PERSON:
            return None
        return FunnelKeys(by_step, None, KEY_BITS, origin_ms, sessions)

    def first_values(
        self,
        source: Snapshot,
        scope: Scope,
        step: Matcher,
        name: str,
        sessions: SessionNumbers,
        texts_of: TextsOf,
        limits: Limits,
    ) -> GroupValues:
        """The breakdown's value of each session that did the step, by the numbers that `keys` gave. Raises Unavailable where they can't be
        told any more, since a key file can't be read."""

        def in_sql(events: str, params: Params) -> Firsts:
            table = self._statements.table(funnel_sql.session_first_values_sql(events, scope, step, name, params), limits)
            return firsts_in(table, sessions.of_rows(digests_of(table.column("digest").combine_chunks())).view(np.int64))

        def rest_of(found: Collection[int]) -> Firsts | None:
            params = Params()
            beyond = sessions.beyond(source, found)
            return None if beyond is None else in_sql(beyond.events(self._relations.events, params), params)

        asked = Asked(source, scope, step, name, limits, None, rest_of, texts_of, sessions)
        try:
            found = first_values(self._key_reader, asked)
            if found is not None:
                return found
            params = Params()
            return in_sql(self._relations.events(source, params), params).values()
        except UnreadableSessions as error:
            raise Unavailable("a file that this answer was begun with can't be read any more; ask again") from error
