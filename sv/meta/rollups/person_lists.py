"""Reading persons out of their rollups: a page by key, one by its distinct id, some by their numbers.

Persons are listed by their numbers, newest first: a number never changes, so a list that is paged through shows each person once.
"""

from collections.abc import Sequence
from typing import Final

from sv.meta.db import Meta, Value
from sv.meta.persons import Persons
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.persons import NAME, SEARCH_BITS
from sv.meta.rows import to_struct
from sv.model.limits import MAX_SHOWN_TRAITS_BYTES
from sv.model.persons import Person, PersonFilter
from sv.model.search import folded

TRIGRAM: Final = 3
"""Characters that the index of texts is made of; a shorter search reads persons from the newest on until a page is full."""

MAX_TRIGRAMS: Final = 20
"""Of a search that are looked up. What they leave is compared with the whole text, so fewer would only be slower."""

# The build is looked up in the statement itself: a rebuild that ends in between would leave nothing to read.
_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"

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
      p.number, p.distinct_id, p.is_user, p.first_seen_ms, p.last_seen_ms, p.event_count, p.country, p.device_type, p.browser, {_TRAITS}
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

    def page(self, project_id: str, wanted: PersonFilter, before: int, limit: int) -> list[Person]:
        """Up to `limit` persons of numbers below `before`, newest first."""
        if not self._builds.has_live(project_id, NAME):
            return []
        conditions = [f"p.build = {_BUILD}", "p.number < ?2"]
        values: list[Value] = [project_id, before]
        for column, value in (
            ("country", wanted.country), ("device_type", wanted.device_type), ("browser", wanted.browser), ("is_user", wanted.has_user_id),
        ):  # fmt: skip
            if value is not None:
                values.append(value)
                conditions.append(f"p.{column} = ?{len(values)}")
        order = "p.number"
        source = _SELECT
        if wanted.search is not None:
            text = folded(wanted.search)
            values.append(text)
            conditions.append(f"instr(p.search_text, ?{len(values)}) > 0")
            if len(text) >= TRIGRAM:
                values.append(_trigrams(text))
                source = f"{_SELECT} join person_search f on p.number = f.rowid & {(1 << SEARCH_BITS) - 1}"
                conditions += [
                    f"f.person_search match ?{len(values)}",
                    f"f.rowid >= {_BUILD} << {SEARCH_BITS}",
                    f"f.rowid < ({_BUILD} << {SEARCH_BITS}) + min(?2, {1 << SEARCH_BITS})",
                ]
                order = "f.rowid"
        sql = f"{source} where {' and '.join(conditions)} order by {order} desc limit {limit:d}"
        return [to_struct(Person, row) for row in self._meta.rows(sql, *values)]

    def one(self, project_id: str, distinct_id: str) -> Person | None:
        """The person of this distinct id."""
        if not self._builds.has_live(project_id, NAME):
            return None
        number = self._numbers.number_of(project_id, distinct_id)
        return None if number is None else self.by_numbers(project_id, [number]).get(number)

    def by_numbers(self, project_id: str, numbers: Sequence[int]) -> dict[int, Person]:
        """Those of these numbers that have events, by their numbers."""
        if not self._builds.has_live(project_id, NAME):
            return {}
        listed = "[" + ",".join(str(int(number)) for number in numbers) + "]"
        sql = f"{_SELECT} where p.build = {_BUILD} and p.number in (select value from json_each(?2))"
        found = [to_struct(Person, row) for row in self._meta.rows(sql, project_id, listed)]
        return {person.number: person for person in found}


def _trigrams(text: str) -> str:
    """The search for texts that have each of the text's trigrams somewhere: evenly spread ones where there are many."""
    last = len(text) - TRIGRAM
    starts = sorted({last * nth // (MAX_TRIGRAMS - 1) for nth in range(MAX_TRIGRAMS)})
    return " AND ".join('"' + text[start : start + TRIGRAM].replace('"', '""') + '"' for start in starts)
