"""Reading persons where identity is merged (`sv.model.identity`): an anonymous id's rollup is added to its user's when it is read.

Answers for what `person_lists` answers for, under the same numbers: a merged person goes by its user's, and an anonymous id that belongs
to a user is in no list. What is added up is mergeable, so that the sum is what a rollup of all of the person's events would be; only a
search also finds by the texts of each of the ids.

A filter is about the sum, which has no index. Where few rollups can have a part in it they are found by the indexes of these; where many
can, persons are looked at from the newest on until a page is full. So a page costs the more, the older those are who meet such a filter.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from sv.meta.db import Meta, Value
from sv.meta.persons import KEY
from sv.meta.rollups.aliases import NAME
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.person_lists import INDEXES, PersonLists, columns_of
from sv.meta.rollups.person_texts import PAIR, Narrowed
from sv.meta.rollups.persons import SEARCH_BITS
from sv.meta.rows import to_struct
from sv.model.limits import MAX_PERSON_TRAITS, MAX_SHOWN_TRAITS_BYTES
from sv.model.persons import Person, PersonFilter
from sv.model.search import folded

BEYOND: Final = 1 << SEARCH_BITS
"""Larger than every number: an alias may be newer than the person it belongs to."""

NOBODY: Final = '""'
"""A search of the index of texts that finds none."""

NEAR: Final = 2000
"""Persons, the newest, who are looked through for what many may have: a millisecond."""

MAX_CANDIDATES: Final = 2000
"""Rollups that a filter is looked up by: some milliseconds of looking at each."""

_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"
_OWNER: Final = "coalesce((select a.user_person from person_aliases a where a.build = r.build and a.person = r.number), r.number)"

# Of a person `p`, and `o` its own alias if there is one: who is shown at its place, and whether anybody is. ?3 is the newest number that
# there was at page 1. A user who came after that is shown where the id was; of several ids, at the first one of the list.
_SHOWN: Final = "coalesce(o.user_person, p.number)"
_IS_SHOWN: Final = f"""(
      {_SHOWN} = p.number
      or o.user_person > ?3 and not exists (
        select 1
        from person_aliases a
        cross join person_rollups m on m.build = a.build and m.number = a.person
        where a.build = p.build and a.user_person = o.user_person and a.person > p.number and a.person <= ?3
      )
    )"""

# The rollups of who is shown there.
_PARTS: Final = f"""
    person_rollups m
    where m.build = p.build and m.number in (
      select {_SHOWN} union all select a.person from person_aliases a where a.build = p.build and a.user_person = {_SHOWN}
    )
"""


def _latest(column: str) -> str:
    return f"cast(substr(max({column}_last), 17) as text)"


# Traits are merged as one person's are, and shown within the same bounds (`person_lists`).
_TRAITS: Final = f"""
    coalesce((
      select json_group_object(key, json(cast(substr(kept, 18) as text)))
      from (
        select key, kept, sum(octet_length(key) + octet_length(kept)) over (order by key) as total, row_number() over (order by key) as nth
        from (
          select t.key, coalesce(max(t.set_last), min(t.once_first)) as kept
          from parts q join person_traits t on t.build = {_BUILD} and t.number = q.number
          where q.owner = w.owner
          group by t.key
        )
        order by key
      )
      where total <= {MAX_SHOWN_TRAITS_BYTES} and nth <= {MAX_PERSON_TRAITS}
    ), '{{}}')
"""

# A session in which somebody logs in has events of several of the person's ids.
_SESSIONS: Final = f"""
    (select count(distinct s.n) from parts q join session_persons s on s.build = {_BUILD} and s.person = q.number where q.owner = w.owner)
"""

_BY_NUMBERS: Final = f"""
    with wanted as materialized (select value as owner from json_each(?2)), parts as materialized (
      select owner, owner as number from wanted
      union
      select owner, a.person from wanted join person_aliases a on a.build = {_BUILD} and a.user_person = owner
    )
    select
      w.owner, own.distinct_id, own.is_user, sum.first_ms, sum.last_ms, sum.events, {_SESSIONS},
      sum.country, sum.device_type, sum.browser, {_TRAITS}
    from wanted w
    join person_rollups own on own.build = {_BUILD} and own.number = w.owner
    join (
      select
        q.owner, min(m.first_seen_ms) as first_ms, max(m.last_seen_ms) as last_ms, sum(m.event_count) as events,
        {_latest("country")} as country, {_latest("device_type")} as device_type, {_latest("browser")} as browser
      from parts q join person_rollups m on m.build = {_BUILD} and m.number = q.number
      group by q.owner
    ) sum on sum.owner = w.owner
"""

# Whose the numbers of ?3 are, and those that the index of texts has for ?2.
_MAY_HAVE: Final = f"""
    select {_OWNER}
    from (
      select {_BUILD} as build, value as number from json_each(?3)
      union all
      select {_BUILD}, number
      from (
        select f.rowid & {(1 << SEARCH_BITS) - 1} as number
        from person_search f
        where f.person_search match ?2
          and f.rowid >= {_BUILD} << {SEARCH_BITS} and f.rowid < ({_BUILD} + 1) << {SEARCH_BITS}
        limit {MAX_CANDIDATES + 1}
      )
    ) r
"""

_OWNER_OF: Final = f"""
    select {_OWNER}
    from (
      select {_BUILD} as build, number
      from person_numbers, (select ?2 as value)
      where project = (select project from person_projects where project_id = ?1) and id = {KEY}
    ) r
"""


class MergedPersons:
    """Thread-safe. As `PersonLists`."""

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._lists = PersonLists(meta, builds)

    def newest(self, project_id: str) -> int:
        """The largest number that the list has; 0 where it is empty."""
        row = self._meta.row(f"select coalesce(max(number), 0) from person_rollups where build = {_BUILD}", project_id)
        return 0 if row is None else msgspec.convert(row[0], int)

    def page(self, project_id: str, wanted: PersonFilter, before: int, limit: int, top: int = BEYOND) -> list[Person]:
        """Up to `limit` persons of numbers below `before`, newest first.

        top: what `newest` was at page 1. An id that was in the list then, and has since come to belong to a newer user, is not missed: the
        user is shown in its place, under the user's number.
        """
        if not self._lists.is_live(project_id, NAME):
            return []
        narrowed = None
        if wanted.search is not None:
            text = folded(wanted.search)
            is_pair = len(text) == PAIR
            narrowed = None if is_pair else self._lists.texts.narrow(project_id, text, BEYOND)
            # What many have fills a page from the newest, for less than all who have it take to be found to be too many.
            if is_pair or (narrowed is not None and narrowed.match is not None):
                near = self._read(project_id, wanted, (before, top), limit, is_near=True)
                if len(near) == limit:
                    return near
            if is_pair:
                narrowed = self._lists.texts.narrow(project_id, text, BEYOND)
        candidates = self._candidates(project_id, wanted, narrowed)
        return self._read(project_id, wanted, (before, top), limit, candidates)

    def _read(
        self, project_id: str, wanted: PersonFilter, place: tuple[int, int], limit: int, candidates: list[int] | None = None,
        *, is_near: bool = False,
    ) -> list[Person]:  # fmt: skip
        """The same, of the newest alone, or of candidates. place: `before` and `top`."""
        values: list[Value] = [project_id, *place]
        conditions = [f"p.build = {_BUILD}", "p.number < ?2", _IS_SHOWN]
        if is_near:
            conditions.append(
                f"p.number >= min(?2, (select max(number) from person_rollups where build = {_BUILD}) + 1) - {NEAR}"
            )
        for column, value in columns_of(wanted).items():
            if value is not None:
                values.append(value)
                is_user = f"iif({_SHOWN} = p.number, p.is_user, 1)"
                sum_of = is_user if column == "is_user" else f"(select {_latest(f'm.{column}')} from {_PARTS})"
                conditions.append(f"{sum_of} = ?{len(values)}")
        if wanted.search is not None:
            values.append(folded(wanted.search))
            conditions.append(f"exists (select 1 from {_PARTS} and instr(m.search_text, ?{len(values)}) > 0)")
        if candidates is not None:
            values.append(msgspec.json.encode(candidates).decode())
            conditions.append(f"""p.number in (
              select value from json_each(?{len(values)})
              union all
              select a.person
              from json_each(?{len(values)}) c cross join person_aliases a on a.build = {_BUILD} and a.user_person = c.value
              where c.value > ?3
            )""")
        sql = f"""
            select p.number, {_SHOWN}
            from person_rollups p left join person_aliases o on o.build = p.build and o.person = p.number
            where {" and ".join(conditions)}
            order by p.number desc
            limit {limit:d}
        """
        places = msgspec.convert(self._meta.rows(sql, *values), list[tuple[int, int]])
        found = self.by_numbers(project_id, [shown for _, shown in places])
        return [replace(found[shown], number=place) for place, shown in places if shown in found]

    def _candidates(self, project_id: str, wanted: PersonFilter, narrowed: Narrowed | None) -> list[int] | None:
        """Everybody who can meet the filter, where those are few. narrowed: who may have the text that is searched for."""
        if narrowed is not None:
            among = msgspec.json.encode(narrowed.numbers).decode()
            found = self._meta.rows(_MAY_HAVE, project_id, narrowed.match or NOBODY, among)
            if len(found) <= MAX_CANDIDATES:
                return msgspec.convert([number for (number,) in found], list[int])
        for column, value in columns_of(wanted).items():
            if value is not None and column != "is_user":
                sql = f"""
                    select {_OWNER}
                    from (
                      select build, number from person_rollups indexed by {INDEXES[column]}
                      where build = {_BUILD} and {column} = ?2
                      limit {MAX_CANDIDATES + 1}
                    ) r
                """
                found = self._meta.rows(sql, project_id, value)
                if len(found) <= MAX_CANDIDATES:
                    return msgspec.convert([number for (number,) in found], list[int])
        return None

    def one(self, project_id: str, distinct_id: str) -> Person | None:
        """The person of this distinct id; an anonymous id stands for the user it belongs to."""
        if not self._lists.is_live(project_id, NAME):
            return None
        row = self._meta.row(_OWNER_OF, project_id, distinct_id)
        if row is None:
            return None
        number = msgspec.convert(row[0], int)
        return self.by_numbers(project_id, [number]).get(number)

    def by_numbers(self, project_id: str, numbers: Sequence[int]) -> dict[int, Person]:
        """Those of these numbers that have events, by their numbers. Each has to be a person's own, no alias of another's."""
        if not self._lists.is_live(project_id, NAME):
            return {}
        listed = msgspec.json.encode(list(numbers)).decode()
        found = [to_struct(Person, row) for row in self._meta.rows(_BY_NUMBERS, project_id, listed)]
        return {person.number: person for person in found}
