"""Reading sessions out of their rollups: a page by key, one by its id.

Sessions are listed by their start, the latest first. A late event may make one begin earlier; whoever pages through the list meanwhile
sees it where it was at the change at which the first page was read, so that it shows each session once that was there then. So a page is
put together of sessions that have not moved since, and of those that have, by their old places.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from sv.meta.db import Meta, Row, Value
from sv.meta.persons import Persons
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.sessions import NAME
from sv.meta.rows import to_struct
from sv.model.limits import MAX_SESSION_URL_CHARS, MAX_SESSION_VALUE_CHARS, MAX_TIMESTAMP_MS, MIN_TIMESTAMP_MS
from sv.model.sessions import ListedSession, Session, SessionFilter, SessionPlace

# ?1 is the project, ?2 whether its identity is merged; then of a page ?3 and ?4 the place after which it begins, ?5 the change, ?6 the
# earliest start.
# The build is looked up in the statement itself: a rebuild that ends in between would leave nothing to read.
_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"

# Where identity is merged, an anonymous id stands for the user it belongs to.
_OWNER: Final = "coalesce((select a.user_person from person_aliases a where a.build = r.build and a.person = r.person), r.person)"

_COLUMNS: Final = f"""
    r.id, r.tie, (
      select p.distinct_id from person_rollups p where p.build = r.build and p.number = iif(?2, {_OWNER}, r.person)
    ) as distinct_id,
    r.started_ms, r.ended_ms, r.event_count, r.pageview_count, r.is_bounce, r.entry_url, r.exit_url, r.referrer,
    r.country, r.device_type, r.browser, r.os
"""

_BEYOND: Final = 2**62
"""Later than every start, larger than every tie, and more than all changes."""

# ?2 is a person's number. The user's and all that belong to the user; none where nothing is known of the person.
_MERGED_WITH: Final = f"""
    with owner (user_person) as (select user_person from person_aliases where build = {_BUILD} and person = ?2)
    select user_person from owner
    union
    select a.person from owner o cross join person_aliases a on a.build = {_BUILD} and a.user_person = o.user_person
    union
    select a.person from person_aliases a where a.build = {_BUILD} and a.user_person = ?2
    union
    select ?2 where exists (select 1 from person_aliases a where a.build = {_BUILD} and a.user_person = ?2)
"""

LONGEST_MS: Final = MAX_TIMESTAMP_MS - MIN_TIMESTAMP_MS
"""A duration."""


class _Source(Struct, frozen=True):
    """Rows that have a session `r`, in an index's order; the alias of those with the place; what picks a range of the index."""

    rows: str
    alias: str
    condition: str


class SessionLists:
    """Thread-safe. Reads what has been folded; `store.rollups` brings that up to date first.

    Everything raises Unavailable while a project's rollups are made for the first time.
    """

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._builds = builds
        self._numbers = Persons(meta)

    def page(
        self, project_id: str, wanted: SessionFilter, after: SessionPlace | None, limit: int, *, is_merged: bool = False
    ) -> list[ListedSession]:
        """Up to `limit` sessions from after a place on, the latest start first; from the first one on where that is None."""
        if not self._builds.has_live(project_id, NAME):
            return []
        if after is None:
            after = SessionPlace(_BEYOND, _BEYOND, self._builds.changes())
        persons = None
        if wanted.distinct_id is not None:
            persons = self._persons_of(project_id, wanted.distinct_id, is_merged)
        page = _Page(wanted, persons, limit)
        # A tie is never negative: this is before everything that starts at the end of the dates.
        started_ms, tie = min((after.started_ms, after.tie), (wanted.dates.to_ms, 0))
        values = (project_id, is_merged, started_ms, tie, after.change, wanted.dates.from_ms, *page.values)
        return [_listed(row, after.change) for row in self._meta.rows(page.sql(), *values)]

    def _persons_of(self, project_id: str, distinct_id: str, is_merged: bool) -> list[int]:
        """The numbers under which a person's events are: one, unless identity is merged."""
        number = self._numbers.number_of(project_id, distinct_id)
        if number is None:
            return []
        rows = self._meta.rows(_MERGED_WITH, project_id, number) if is_merged else []
        return msgspec.convert([person for (person,) in rows], list[int]) or [number]

    def one(self, project_id: str, session_id: str, *, is_merged: bool = False) -> Session | None:
        """The session of this id, the client's or a derived one."""
        if not self._builds.has_live(project_id, NAME):
            return None
        client = f"select {_COLUMNS} from session_rollups r where r.build = {_BUILD} and r.session_id = ?3"
        row = self._meta.row(client, project_id, is_merged, session_id)
        parts = session_id.split("-")
        if row is None and len(parts) == 3 and all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[1:]):
            derived = f"select {_COLUMNS} from session_rollups r where r.build = {_BUILD} and r.owner = ?3 and r.started_ms = ?4"
            place = (int(parts[1]), int(parts[2]))
            row = self._meta.row(f"select * from ({derived}) where id = ?5", project_id, is_merged, *place, session_id)
        return None if row is None else to_struct(Session, row)


class _Page:
    """The statement for a page, and its values after the first six. persons: numbers, of whom one has an event in each session."""

    def __init__(self, wanted: SessionFilter, persons: list[int] | None, limit: int) -> None:
        self.values: list[Value] = []
        self._limit = limit
        self._wanted = wanted
        self._person: str | None = None
        if persons is not None:
            listed = self._bind(msgspec.json.encode(persons).decode())
            # Of one person an index has the sessions in order; those of several are sorted.
            self._person = f"= {listed} ->> 0" if len(persons) == 1 else f"in (select value from json_each({listed}))"
        self._terms = {name: f"r.{name} = {self._bind(value)}" for name, value in _equalities(wanted)}
        for sign, value in ((">=", wanted.min_duration_ms), ("<=", wanted.max_duration_ms)):
            if value is not None:
                self._terms[f"duration {sign}"] = f"r.duration_ms {sign} {self._bind(value)}"

    def _bind(self, value: Value) -> str:
        self.values.append(value)
        return f"?{6 + len(self.values)}"

    def sql(self) -> str:
        """Rows of a session and its place, the latest first."""
        places = " union all ".join(f"select * from ({each})" for each in [self._moved(), *map(self._unmoved, self._sources())])
        return f"""
        select {_COLUMNS}, place.place_ms
        from (select distinct * from ({places})) place cross join session_rollups r on r.n = place.n
        order by place.place_ms desc, place.tie desc
        limit {self._limit:d}
        """

    def _unmoved(self, source: _Source) -> str:
        """(n, place_ms, tie) of sessions that are where they were, in the order of an index."""
        at = source.alias
        return f"""
        select distinct {at}.n, {at}.started_ms as place_ms, {at}.tie
        from {source.rows}
        where {at}.build = {_BUILD}
          and {" and ".join([source.condition, *self._terms.values()])}
          and ({at}.started_ms, {at}.tie) < (?3, ?4)
          and {at}.started_ms >= ?6
          and not exists (
            select 1 from session_moves m
            where m.project_id = ?1 and m.tie = {at}.tie and m.started_ms = {at}.started_ms and m.change > ?5
          )
        order by {at}.started_ms desc, {at}.tie desc
        limit {self._limit:d}
        """

    def _moved(self) -> str:
        """The same of sessions that have moved since, where they were."""
        terms = list(self._terms.values())
        if self._person is not None:
            terms.append(f"exists (select 1 from session_persons s where s.n = r.n and s.person {self._person})")
        return f"""
        select r.n, m.old_ms as place_ms, m.tie
        from session_moves m indexed by session_moves_by_place
        cross join session_rollups r indexed by session_rollups_by_start
          on r.build = {_BUILD} and r.started_ms = m.started_ms and r.tie = m.tie
        where {" and ".join(["m.project_id = ?1", *terms])}
          and (m.old_ms, m.tie) < (?3, ?4)
          and m.old_ms >= ?6
          and m.change > ?5
          and m.before <= ?5
        order by m.old_ms desc, m.tie desc
        limit {self._limit:d}
        """

    def _sources(self) -> Iterable[_Source]:
        """One of what is asked picks the index, the one that leaves least first; the rest is looked at session by session."""
        if self._person is not None:
            rows = "session_persons s indexed by session_persons_by_person cross join session_rollups r on r.n = s.n"
            return [_Source(rows, "s", f"s.person {self._person}")]
        for name in ("entry_url", "entry_path", "country", "browser", "device_type"):
            if name in self._terms:
                return [_by(name)]
        if self._wanted.min_duration_ms is not None or self._wanted.max_duration_ms is not None:
            bits = _bits_between(self._wanted.min_duration_ms or 0, self._wanted.max_duration_ms)
            return [_by("duration", f"r.duration_bits = {each:d}") for each in bits]
        return [_by("bounce" if "is_bounce" in self._terms else "start")]


def _by(index: str, condition: str = "true") -> _Source:
    return _Source(f"session_rollups r indexed by session_rollups_by_{index}", "r", condition)


def _equalities(wanted: SessionFilter) -> Iterable[tuple[str, Value]]:
    """Columns and the values that they must equal, cut to the length that is kept."""
    for name, value, longest in (
        ("entry_url", wanted.entry_url, MAX_SESSION_URL_CHARS),
        ("entry_path", wanted.entry_path, MAX_SESSION_URL_CHARS),
        ("country", wanted.country, MAX_SESSION_VALUE_CHARS),
        ("browser", wanted.browser, MAX_SESSION_VALUE_CHARS),
        ("device_type", wanted.device_type, MAX_SESSION_VALUE_CHARS),
    ):
        if value is not None:
            yield name, value[:longest]
    if wanted.is_bounce is not None:
        yield "is_bounce", wanted.is_bounce


def _bits_between(shortest_ms: int, longest_ms: int | None) -> range:
    """The groups of durations (see `duration_bits`) that may include one in this range."""
    longest_ms = LONGEST_MS if longest_ms is None else min(longest_ms, LONGEST_MS)
    return range(max(shortest_ms.bit_length(), 1), max(longest_ms.bit_length(), 1) + 1)


def _listed(row: Row, change: int) -> ListedSession:
    session = to_struct(Session, row[:-1])
    place_ms = row[-1]
    assert isinstance(place_ms, int)
    return ListedSession(session, SessionPlace(place_ms, session.tie, change))
