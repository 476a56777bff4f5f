"""Numbers of persons: every distinct id of a project has a whole number, given at its first event and kept for ever.

Answers for funnels having small integers in the place of texts. Numbers count up from 1 in each project, so that the
places in lists and the names of derived sessions, which are made of them, tell nothing of other projects. A project gives
none twice. Everything happens inside SQLite, on whole arrays, so that no Python runs for an id and other threads run
meanwhile (apsw lets go of the interpreter while a statement steps).

# INVARIANT META-4: a number that a part's file holds is on disk before the catalog lists the part. Numbers are committed
# unsynced, before the file is written; the catalog's commit comes after, is synced, and syncs them with it (META-1). A
# power cut in between may take numbers back, and they are then given again: so a file that the catalog doesn't list is
# thrown away at the start, and what was in memory is made anew from the log.
"""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import apsw

from sv.meta.db import Meta, Value

# A UUID as it is usually written, to its 16 bytes; every other text stays itself. Each digit and dash is pinned, so that
# a key comes from one id only: `unhex` alone would take dashes anywhere between bytes, and capitals.
_UUID: Final = "-".join("[0-9a-f]" * digits for digits in (8, 4, 4, 4, 12))
KEY: Final = f"iif(octet_length(value) = 36 and value glob '{_UUID}', unhex(value, '-'), value)"

_NUMBER: Final = f"""
    select number
    from person_numbers
    where project = (select project from person_projects where project_id = ?1)
      and id = {KEY}
"""

_NUMBER_OF: Final = f"select ({_NUMBER}) from (select ?2 as value)"

_LAST: Final = "select coalesce((select last_number from person_projects where project_id = ?1), 0)"

# The number of each id that has one, the id itself where it has none; how many are no texts; the last number given in the project.
_LOOK_UP: Final = f"""
    select
        json_group_array(coalesce(({_NUMBER}), value) order by key),
        count(*) filter (where type <> 'text'),
        ({_LAST})
    from json_each(?2)
"""

# From here on ?2 is the answer of `_LOOK_UP`, so that only unknown ids are texts.
_ADD_PROJECT: Final = "insert into person_projects (project_id) values (?) on conflict do nothing"

# Numbered in the array's order, and written in that of the keys, since neighbours share pages of the tree.
_ADD_PERSONS: Final = f"""
    insert into person_numbers (project, id, number)
    select (select project from person_projects where project_id = ?1), id, ({_LAST}) + row_number() over (order by place)
    from (
        select {KEY} as id, min(key) as place
        from json_each(?2)
        where type = 'text'
        group by 1
    )
    order by id
"""

_ADVANCE: Final = "update person_projects set last_number = last_number + ?2 where project_id = ?1"

# Without an index: asked when somebody is erased.
_IDS_OF: Final = """
    select iif(typeof(id) = 'blob', lower(hex(id)), id), typeof(id) = 'blob'
    from person_numbers
    where project = (select project from person_projects where project_id = ?1)
      and number in (select value from json_each(?2))
"""

_RETIRE: Final = f"""
    delete from person_numbers
    where project = (select project from person_projects where project_id = ?1)
      and id = (select {KEY} from (select ?2 as value))
"""

_FILL_IN: Final = f"""
    select json_group_array(iif(type = 'text', ({_NUMBER}), value) order by key)
    from json_each(?2)
"""


class Persons:
    """Thread-safe."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def number_persons(self, project_id: str, distinct_ids: str) -> str:
        """A JSON array of strings to the JSON array of their numbers, in the same order; repeats are fine. New ones count up in it.

        Ids are told apart as exact texts. Raises ValueError for anything but an array of strings, Unavailable.
        """
        if not distinct_ids.startswith("["):
            raise ValueError("expected a JSON array of distinct ids")
        looked_up, last = self._look_up(project_id, distinct_ids)
        if '"' not in looked_up:
            return looked_up
        # Unsynced: META-4.
        with self._meta.transaction(durable=False) as writer:
            if writer.execute(_LAST, (project_id,)).fetchall()[0][0] != last:
                # Somebody gave out numbers since we looked, maybe to these.
                looked_up = str(writer.execute(_LOOK_UP, (project_id, distinct_ids)).fetchall()[0][0])
            return _add_unknown(writer, project_id, looked_up)

    def known_numbers(self, project_id: str, distinct_ids: str) -> str:
        """The same array, but an id that has no number stands for itself. Writes nothing. Raises as `number_persons` does."""
        return self._look_up(project_id, distinct_ids)[0]

    def number_of(self, project_id: str, distinct_id: str) -> int | None:
        """The number of one distinct id, None where it has none."""
        row = self._meta.row(_NUMBER_OF, project_id, distinct_id)
        number = None if row is None else row[0]
        assert number is None or isinstance(number, int)
        return number

    def ids_of(self, project_id: str, numbers: Sequence[int]) -> list[str]:
        """The distinct ids of these numbers. Looks at every person of the project."""
        rows = self._meta.rows(_IDS_OF, project_id, json.dumps(list(numbers)))
        return [str(UUID(hex=str(text)) if is_uuid else text) for text, is_uuid in rows]

    def _look_up(self, project_id: str, distinct_ids: str) -> tuple[str, Value]:
        try:
            row = self._meta.row(_LOOK_UP, project_id, distinct_ids)
        except apsw.SQLError as error:
            raise ValueError(f"expected a JSON array of distinct ids: {error}") from error
        if row is None or row[1]:
            raise ValueError("expected a JSON array of strings only")
        return str(row[0]), row[2]

    def last_number(self, project_id: str) -> int:
        """The largest number that the project has given; 0 before the first."""
        return self._number(_LAST, project_id)

    def max_number(self) -> int:
        """The largest number of any project; 0 before the first."""
        return self._number("select coalesce(max(last_number), 0) from person_projects")

    def _number(self, sql: str, *values: Value) -> int:
        row = self._meta.row(sql, *values)
        assert row is not None
        assert isinstance(row[0], int)
        return row[0]


def retire_number(writer: apsw.Connection, project_id: str, distinct_id: str) -> int | None:
    """Take an id's number away, inside a transaction of the caller: the id's next event makes a new person. None where it has none."""
    found = writer.execute(_NUMBER_OF, (project_id, distinct_id)).fetchall()[0][0]
    writer.execute(_RETIRE, (project_id, distinct_id))
    assert found is None or isinstance(found, int)
    return found


def _add_unknown(writer: apsw.Connection, project_id: str, looked_up: str) -> str:
    writer.execute(_ADD_PROJECT, (project_id,))
    writer.execute(_ADD_PERSONS, (project_id, looked_up))
    writer.execute(_ADVANCE, (project_id, writer.changes()))
    return str(writer.execute(_FILL_IN, (project_id, looked_up)).fetchall()[0][0])


def delete_persons(writer: apsw.Connection, project_id: str | None) -> None:
    """Forget every number, of one project or of all, inside a transaction of the caller. None is given again."""
    if project_id is None:
        writer.execute("delete from person_numbers")
        return
    writer.execute(
        "delete from person_numbers where project = (select project from person_projects where project_id = ?)",
        (project_id,),
    )
