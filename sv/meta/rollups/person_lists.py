"""Reading persons out of their rollups: a page by key, one by its distinct id, some by their numbers.

Persons are listed by their numbers, newest first: a number never changes, so a list that is paged through shows each person once.
"""

from collections.abc import Sequence
from typing import Final

from sv.meta.db import Meta, Value
from sv.meta.persons import Persons
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.persons import NAME, SEARCH_BITS
from sv.meta.rollups.sessions import NAME as SESSIONS
from sv.meta.rows import to_struct
from sv.model.limits import MAX_SHOWN_TRAITS_BYTES
from sv.model.persons import Person, PersonFilter
from sv.model.search import WINDOW_CHARS, folded, windows

TRIGRAM: Final = 3
"""Characters that the index of texts, and of their windows, is made of; a shorter search reads persons from the newest on until a page is
full."""

MAX_TRIGRAMS: Final = 20
"""Of a search that are looked at. What they leave is compared with the whole text, so fewer would only be slower."""

SAMPLED: Final = 50
"""Persons by which it is told how rare a trigram is. Telling costs as much as the search that it saves, and need not be exact."""

MAX_RAREST: Final = 3
"""Trigrams that are searched for."""

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

_SELECT: Final = f"""
    select
      p.number, p.distinct_id, p.is_user, p.first_seen_ms, p.last_seen_ms, p.event_count,
      (select count(*) from session_persons s where s.build = p.build and s.person = p.number),
      p.country, p.device_type, p.browser, {_TRAITS}
    from person_rollups p
"""


class PersonLists:
    """Thread-safe. Reads what has been folded; `store.rollups` brings that up to date first.

    Everything raises Unavailable while a project's rollups are made for the first time.
    """

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._builds = builds
        self._numbers = Persons(meta)

    def number_of(self, project_id: str, distinct_id: str) -> int | None:
        """The number that a distinct id's events carry; None where it has none yet."""
        return self._numbers.number_of(project_id, distinct_id)

    def page(self, project_id: str, wanted: PersonFilter, before: int, limit: int) -> list[Person]:
        """Up to `limit` persons of numbers below `before`, newest first."""
        if not self.is_live(project_id, NAME):
            return []
        values: list[Value] = [project_id, before]
        conditions = [f"p.build = {_BUILD}", "p.number < ?2"]
        given = {column: value for column, value in columns_of(wanted).items() if value is not None}
        for column, value in given.items():
            values.append(value)
            conditions.append(f"p.{column} = ?{len(values)}")
        # Without being told, SQLite walks over all persons and looks at each.
        source, order = f"{_SELECT} indexed by {INDEXES[next(iter(given))]}" if given else _SELECT, "p.number"
        if wanted.search is not None:
            text = folded(wanted.search)
            values.append(text)
            conditions.append(f"instr(p.search_text, ?{len(values)}) > 0")
            if len(text) >= TRIGRAM:
                values.append(self.rarest(project_id, trigrams_of(text)))
                source, order = f"{_SELECT} join person_search f on p.number = f.rowid & {_NUMBER_MASK}", "f.rowid"
                conditions += [
                    f"f.person_search match ?{len(values)}",
                    _IN_BUILD,
                    f"f.rowid < ({_BUILD} << {SEARCH_BITS}) + min(?2, {_NUMBER_MASK})",
                ]
        sql = f"{source} where {' and '.join(conditions)} order by {order} desc limit {limit:d}"
        return [to_struct(Person, row) for row in self._meta.rows(sql, *values)]

    def rarest(self, project_id: str, trigrams: list[str]) -> str:
        """A search for all of the rarest of these trigrams, so that no list of what everybody has is walked through.

        A trigram is the rarer, the further back its `SAMPLED` newest persons reach.
        """
        reach = f"""(
          select iif(count(*) < {SAMPLED}, 0, min(person))
          from (
            select f.rowid as person from person_search f
            where f.person_search match ?{{}} and {_IN_BUILD} and f.rowid < ({_BUILD} + 1) << {SEARCH_BITS}
            order by f.rowid desc
            limit {SAMPLED}
          )
        )"""
        asked = ", ".join(reach.format(place) for place in range(2, len(trigrams) + 2))
        row = self._meta.row(f"select {asked}", project_id, *trigrams)
        assert row is not None
        ranked = sorted(zip((int(str(reached)) for reached in row), trigrams, strict=True))
        return " AND ".join(trigram for _, trigram in ranked[:MAX_RAREST])

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
        sql = f"{_SELECT} where p.build = {_BUILD} and p.number in (select value from json_each(?2))"
        found = [to_struct(Person, row) for row in self._meta.rows(sql, project_id, listed)]
        return {person.number: person for person in found}

    def is_live(self, project_id: str, kind: str) -> bool:
        """Whether there is anything to read. A person's sessions are counted where sessions are kept."""
        return self._builds.has_live(project_id, kind) and self._builds.has_live(project_id, SESSIONS)


def columns_of(wanted: PersonFilter) -> dict[str, Value]:
    """What a filter asks of columns, the one first that leaves fewest persons as a rule."""
    return {
        "country": wanted.country,
        "browser": wanted.browser,
        "device_type": wanted.device_type,
        "is_user": wanted.has_user_id,
    }


def trigrams_of(text: str) -> list[str]:
    """The text's trigrams, or those of its windows where it is long enough, each as a search for it: evenly spread ones where there are
    many."""
    if len(text) >= TRIGRAM + WINDOW_CHARS - 1:
        text = windows(text)
    last = len(text) - TRIGRAM
    starts = sorted({last * nth // (MAX_TRIGRAMS - 1) for nth in range(MAX_TRIGRAMS)})
    return list(dict.fromkeys('"' + text[start : start + TRIGRAM].replace('"', '""') + '"' for start in starts))
