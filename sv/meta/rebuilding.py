"""Rebuilds a catalog from what event files say about themselves, into a file that nobody else has open."""

import json
from collections.abc import Iterable, Sequence

from sv.meta.db import Meta
from sv.meta.ledger import count
from sv.meta.parts import Parts, advance_covered_seq
from sv.meta.persons import KEY
from sv.meta.rollups.builds import advance_rolled_seq
from sv.model.part import NewPart

_ADD_PROJECT = "insert into person_projects (project_id) values (?) on conflict do nothing"

# An id that came again after it was erased has a newer number in the files; whatever is left of the older one stays nobody's.
_ADD_PERSONS = f"""
    insert into person_numbers (project, id, number)
    select (select project from person_projects where project_id = ?1), {KEY}, number
    from (select value ->> 0 as value, value ->> 1 as number from json_each(?2))
    where true
    on conflict (project, id) do update set number = max(number, excluded.number)
"""

_ADVANCE = "update person_projects set last_number = max(last_number, ?2) where project_id = ?1"


def add_persons(meta: Meta, project_id: str, persons: Sequence[tuple[str, int]]) -> None:
    """Give these distinct ids the numbers that files have them under."""
    with meta.transaction() as writer:
        writer.execute(_ADD_PROJECT, (project_id,))
        writer.execute(_ADD_PERSONS, (project_id, json.dumps(list(persons))))
        writer.execute(_ADVANCE, (project_id, max(number for _, number in persons)))


def list_parts(meta: Meta, parts: Iterable[NewPart], covered_seq: int, imported: int) -> None:
    """Enter these parts, with the books saying that their events are all that ever came in, `imported` of them by imports."""
    listed = list(parts)
    Parts(meta).commit_flush(listed, covered_seq)
    with meta.transaction() as writer:
        count(writer, "ingested", -imported)
        count(writer, "imported", imported)
        advance_covered_seq(writer, covered_seq)
        advance_rolled_seq(writer, covered_seq)
