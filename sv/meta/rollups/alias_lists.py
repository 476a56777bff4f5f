"""Reads aliases from their rollup: what has changed, to whom some ids belong, and which ids are one person's.

Everything is read from the project's live build, which the statement itself looks up; raises Unavailable while the first build is being
made.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from sv.meta.db import Meta
from sv.meta.persons import KEY
from sv.meta.rollups.aliases import NAME
from sv.meta.rollups.builds import RollupBuilds
from sv.model.identity import AliasChanges, AliasPlace, Owner

MAX_CHANGES: Final = 100_000
"""Told at once. Some two megabytes of text."""

_LIVE: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"
_NUMBER: Final = f"""
    select number
    from person_numbers, (select ?2 as value)
    where project = (select project from person_projects where project_id = ?1) and id = {KEY}
"""

# From the start where the build that was read before (?2) is not the live one any more.
_CHANGES: Final = f"""
    with changed as (
      select person, user_person, version
      from person_aliases
      where build = {_LIVE} and (version, person) > (iif({_LIVE} = ?2, ?3, -1), iif({_LIVE} = ?2, ?4, 0))
      order by version, person
      limit {MAX_CHANGES}
    )
    select
      coalesce({_LIVE}, 0), count(*), coalesce(max(version), -1),
      coalesce((select person from changed order by version desc, person desc limit 1), 0),
      json_group_array(json_array(person, user_person))
    from changed
"""

_OWNERS: Final = f"""
    select a.person, a.user_person, u.distinct_id
    from person_aliases a join person_rollups u on u.build = a.build and u.number = a.user_person
    where a.build = {_LIVE} and a.person in (select value from json_each(?2)) and a.user_person <> a.person
"""

_NUMBERS: Final = f"""
    with asked as ({_NUMBER}), whose as (
      select coalesce((select user_person from person_aliases where build = {_LIVE} and person = number), number) as person from asked
    )
    select person from whose
    union
    select a.person from whose join person_aliases a on a.build = {_LIVE} and a.user_person = whose.person
    order by 1
"""


class AliasLists:
    """Thread-safe."""

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._builds = builds

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges:
        """What changed beyond a place, at most MAX_CHANGES rows; everything where the place is in a build that is replaced."""
        self._builds.has_live(project_id, NAME)
        row = self._meta.row(_CHANGES, project_id, after.build, after.version, after.person)
        assert row is not None
        build, count, version, person, rows = msgspec.convert(row, tuple[int, int, int, int, str])
        if count == 0 and build == after.build:
            return AliasChanges(after, 0, "[]")
        return AliasChanges(AliasPlace(build, version, person), count, rows)

    def owners(self, project_id: str, persons: Sequence[int]) -> dict[int, Owner]:
        """The users of those among these numbers that are anonymous ids with a user."""
        self._builds.has_live(project_id, NAME)
        rows = self._meta.rows(_OWNERS, project_id, msgspec.json.encode(persons).decode())
        return msgspec.convert({person: owner for person, *owner in rows}, dict[int, Owner])

    def numbers_of(self, project_id: str, distinct_id: str) -> list[int]:
        """The numbers of all ids of the person that this distinct id belongs to; none for an unknown id."""
        self._builds.has_live(project_id, NAME)
        return msgspec.convert([number for (number,) in self._meta.rows(_NUMBERS, project_id, distinct_id)], list[int])
