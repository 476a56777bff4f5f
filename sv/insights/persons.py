"""Lists of persons, newest first, and one person by the distinct id: out of the rollups."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from sv.insights.folded import behind, is_caught_up
from sv.meta.rollups.merged_persons import MergedPersons
from sv.meta.rollups.person_lists import PersonLists
from sv.model.calendar import DateRange, iso_ms
from sv.model.cursor import Cursor, encode_cursor
from sv.model.errors import NotFound
from sv.model.person_parsing import PersonsQuery
from sv.model.persons import Person
from sv.model.queries import EventsQuery
from sv.model.validate import show

BEYOND: Final = 1 << 62
"""A number that no person reaches."""


class PersonPages:
    """Thread-safe; blocks. Up to date with everything that was accepted before the call. Raises Unavailable.

    Where the disk refuses what has to be folded first, what people look at (`page`, `one`) is as of the last fold, and says so
    (`is_behind`); what other code builds on (`find`, `named`) raises. catch_up: folds every accepted event. is_merged: see
    `sv.model.identity`.
    """

    def __init__(self, lists: PersonLists, merged: MergedPersons, catch_up: Callable[[], None]) -> None:
        self._own = lists
        self._merged = merged
        self._lists = {False: lists, True: merged}
        self._catch_up = catch_up

    def number_of(self, project_id: str, distinct_id: str) -> int | None:
        """The number that this distinct id's events carry. None where no snapshot that was taken before the call has any of its events;
        also, for a moment, for an id whose number the disk hasn't taken yet."""
        return self._own.number_of(project_id, distinct_id)

    def page(self, project_id: str, query: PersonsQuery, *, is_merged: bool) -> dict[str, Any]:
        """A page in the contract's shape: `data` and `meta`."""
        is_whole = is_caught_up(self._catch_up)
        top = query.top
        if is_merged and query.before is None:
            top = self._merged.newest(project_id)
        before = query.before or (BEYOND if top is None else top + 1)
        asked = project_id, query.wanted, before, query.limit + 1  # one more tells whether there is a next page
        found = self._merged.page(*asked, BEYOND if top is None else top) if is_merged else self._own.page(*asked)
        page = found[: query.limit]
        return page_json(page, page[-1].number if len(found) > query.limit else None, top, is_whole=is_whole)

    def one(self, project_id: str, distinct_id: str, *, is_merged: bool) -> dict[str, Any]:
        """One person in the contract's shape. Raises NotFound; DiskRefuses where there may be one."""
        is_whole = is_caught_up(self._catch_up)
        person = self._lists[is_merged].one(project_id, distinct_id)
        if person is None:
            return person_json(self.find(project_id, distinct_id, is_merged=is_merged))
        return person_json(person) | behind(is_whole)

    def find(self, project_id: str, distinct_id: str, *, is_merged: bool) -> Person:
        """One person. Raises NotFound."""
        self._catch_up()
        person = self._lists[is_merged].one(project_id, distinct_id)
        if person is None:
            raise NotFound(f"no person {show(distinct_id)} (distinct_id)")
        return person

    def named(self, project_id: str, numbers: Sequence[int], *, is_merged: bool) -> list[Person]:
        """The persons with these numbers who have events, ordered by number."""
        self._catch_up()
        found = self._lists[is_merged].by_numbers(project_id, numbers)
        return [found[number] for number in numbers if number in found]


def page_json(persons: Sequence[Person], last: int | None, top: int | None = None, *, is_whole: bool = True) -> dict[str, Any]:
    """A page in the contract's shape: `data` and `meta`.

    last: the number that it ends with; None where no page follows. top: see `PersonsQuery`.
    """
    at_ms = persons[-1].first_seen_ms if persons else 0
    next_cursor = None if last is None else encode_cursor(Cursor(at_ms, str(last) if top is None else f"{last}-{top}"))
    return {
        "data": [person_json(person) for person in persons],
        "meta": {"next_cursor": next_cursor, "has_more": last is not None} | behind(is_whole),
    }


def events_of(person: Person, query: EventsQuery, *, is_merged: bool) -> EventsQuery:
    """The query for this person's events alone, limited to the time in which the person has events."""
    dates = DateRange(max(query.dates.from_ms, person.first_seen_ms), min(query.dates.to_ms, person.last_seen_ms + 1))
    if is_merged:  # under several numbers, which the engine looks up
        return replace(query, distinct_id=person.distinct_id, dates=dates)
    return replace(query, person=person.number, dates=dates)


def person_json(person: Person) -> dict[str, Any]:
    """A person as the contract shows one."""
    return {
        "distinct_id": person.distinct_id,
        "user_id": person.distinct_id if person.is_user else None,
        "properties": msgspec.Raw(person.traits.encode()),
        "first_seen": iso_ms(person.first_seen_ms),
        "last_seen": iso_ms(person.last_seen_ms),
        "event_count": person.event_count,
        "session_count": person.session_count,
        "country": person.country,
        "device_type": person.device_type,
        "browser": person.browser,
    }
