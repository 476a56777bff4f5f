"""Reading persons out of their rollups: a page by key, one by its distinct id, some by their numbers.

Persons are listed by their numbers, newest first: a number never changes, so a list that is paged through shows each person once.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from sv.meta.db import Meta, Value
from sv.meta.persons import Persons
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.person_texts import PAIR, PersonTexts
from sv.meta.rollups.persons import NAME, SEARCH_BITS
from sv.meta.rollups.sessions import NAME as SESSIONS
from sv.meta.rows import to_struct
from sv.model.limits import MAX_SHOWN_TRAITS_BYTES
from sv.model.persons import Person, PersonFilter
from sv.model.search import folded

NEAR: Final = 10_000
"""Persons, the newest, who are looked through for what many may have: all of them in a millisecond."""

_NUMBER_MASK: Final = (1 << SEARCH_BITS) - 1
INDEXES: Final = {
    "country": "person_rollups_by_country",
    "browser": "person_rollups_by_browser",
    "device_type": "person_rollups_by_device_type",
    "is_user": "person_rollups_by_user",
}

# The build is looked up in the statement itself: a rebuild that ends in between would leave nothing to read.
_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"

_IN_BUILD: Final = f"f.rowid >= {_BUILD} << {SEARCH_BITS}"

# Traits by name, as far as all of them together stay within the bound. Sizes are read without reading the values.
_TRAITS: Final = f"""
    coalesce((
      select json_group_object(t.key, json(t.value))
      from person_traits t
      where t.build = p.build and t.number = p.number and t.key <= (
        select max(key)
        from (
          select key, sum(octet_length(key) + coalesce(octet_length(set_last), octet_length(once_first))) over (order by key) as total
          from person_traits s
          where s.build = p.build and s.number = p.number
        )
        where total <= {MAX_SHOWN_TRAITS_BYTES}
      )
    ), '{{}}')
"""

_COLUMNS: Final = f"""
      p.number, p.distinct_id, p.is_user, p.first_seen_ms, p.last_seen_ms, p.event_count,
      (select count(*) from session_persons s where s.build = p.build and s.person = p.number),
      p.country, p.device_type, p.browser, {_TRAITS}
"""


class PersonLists:
    """Thread-safe. Reads what has been folded; `store.rollups` brings that up to date first.

    Everything raises Unavailable while a project's rollups are made for the first time. `texts`: who may have a searched text.
    """

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._builds = builds
        self._numbers = Persons(meta)
        self.texts = PersonTexts(meta)

    def number_of(self, project_id: str, distinct_id: str) -> int | None:
        """The number that a distinct id's events carry; None where it has none yet."""
        return self._numbers.number_of(project_id, distinct_id)

    def page(self, project_id: str, wanted: PersonFilter, before: int, limit: int) -> list[Person]:
        """Up to `limit` persons of numbers below `before`, newest first."""
        if not self.is_live(project_id, NAME):
            return []
        if wanted.search is None:
            return self._read(project_id, wanted, before, limit)
        text = folded(wanted.search)
        is_pair = len(text) == PAIR
        narrowed = None if is_pair else self.texts.narrow(project_id, text, before)
        # What many have fills a page from the newest, for less than a pair takes to be looked up, or the index to lead to each of them.
        if is_pair or (narrowed is not None and 0 < narrowed.gap * limit < NEAR):
            near = self._read(project_id, wanted, before, limit, is_near=True)
            if len(near) == limit:
                return near
        if is_pair:
            narrowed = self.texts.narrow(project_id, text, before)
        if narrowed is None:
            return self._read(project_id, wanted, before, limit)
        found: dict[int, Person] = {}
        if narrowed.numbers:
            among = msgspec.json.encode(narrowed.numbers).decode()
            found |= {person.number: person for person in self._read(project_id, wanted, before, limit, among=among)}
        if narrowed.match is not None:
            found |= {person.number: person for person in self._read(project_id, wanted, before, limit, match=narrowed.match)}
        return [found[number] for number in sorted(found, reverse=True)[:limit]]

    def _read(
        self, project_id: str, wanted: PersonFilter, before: int, limit: int,
        *, is_near: bool = False, among: str | None = None, match: str | None = None,
    ) -> list[Person]:  # fmt: skip
        """The same, of the newest alone, of those with numbers of a JSON array, or of those that the index of texts has for a search."""
        values: list[Value] = [project_id, before]
        conditions = [f"p.build = {_BUILD}", "p.number < ?2"]
        given = {column: value for column, value in columns_of(wanted).items() if value is not None}
        for column, value in given.items():
            values.append(value)
            conditions.append(f"p.{column} = ?{len(values)}")
        if wanted.search is not None:
            values.append(folded(wanted.search))
            conditions.append(f"instr(p.search_text, ?{len(values)}) > 0")
        # Without being told, SQLite walks over all persons and looks at each.
        source, order = f"person_rollups p indexed by {INDEXES[next(iter(given))]}" if given else "person_rollups p", "p.number"
        if is_near:
            conditions.append(
                f"p.number >= min(?2, (select max(number) from person_rollups where build = {_BUILD}) + 1) - {NEAR}"
            )
        if among is not None:
            values.append(among)
            source = f"json_each(?{len(values)}) w cross join person_rollups p on p.number = w.value"
        if match is not None:
            values.append(match)
            source, order = f"person_rollups p join person_search f on p.number = f.rowid & {_NUMBER_MASK}", "f.rowid"
            conditions += [
                f"f.person_search match ?{len(values)}",
                _IN_BUILD,
                f"f.rowid < ({_BUILD} << {SEARCH_BITS}) + min(?2, {_NUMBER_MASK})",
            ]
        sql = f"select {_COLUMNS} from {source} where {' and '.join(conditions)} order by {order} desc limit {limit:d}"
        return [to_struct(Person, row) for row in self._meta.rows(sql, *values)]

    def one(self, project_id: str, distinct_id: str) -> Person | None:
        """The person of this distinct id."""
        if not self.is_live(project_id, NAME):
            return None
        number = self._numbers.number_of(project_id, distinct_id)
        return None if number is None else self.by_numbers(project_id, [number]).get(number)

    def by_numbers(self, project_id: str, numbers: Sequence[int]) -> dict[int, Person]:
        """Those of these numbers that have events, by their numbers."""
        if not self.is_live(project_id, NAME):
            return {}
        listed = "[" + ",".join(str(int(number)) for number in numbers) + "]"
        sql = (
            f"select {_COLUMNS} from person_rollups p where p.build = {_BUILD} and p.number in (select value from json_each(?2))"
        )
        found = [to_struct(Person, row) for row in self._meta.rows(sql, project_id, listed)]
        return {person.number: person for person in found}

    def is_live(self, project_id: str, kind: str) -> bool:
        """Whether there is anything of the kind and of persons to read. A person's sessions are counted where sessions are kept."""
        return all(self._builds.has_live(project_id, each) for each in {NAME, kind, SESSIONS})


def columns_of(wanted: PersonFilter) -> dict[str, Value]:
    """What a filter asks of columns, the one first that leaves fewest persons as a rule."""
    return {
        "country": wanted.country,
        "browser": wanted.browser,
        "device_type": wanted.device_type,
        "is_user": wanted.has_user_id,
    }
