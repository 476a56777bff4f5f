"""Aliases: who anonymous ids came to be, merged from what events say, whatever order they come in.

Items are described in `sv.engine.duck.summaries.aliases`, the rule in `sv.model.identity`. Both halves of it are one comparison: the
smaller event id wins, and that of a user id is empty. Persons are merged before (`kinds`), so that they tell which ids are user ids.

Every anonymous id that comes together with a user id has a number (`sv.engine.duck.buffer.drain`, and where that was taken away
`sv.store.rollups`), whether or not it has events of its own.

# INVARIANT ROLLUP-3: versions grow with the order of commits while a build is live. A reader that has taken in every alias up to some
# version misses none when it asks for those beyond it.
"""

from typing import Final

import apsw

from sv.meta.persons import KEY
from sv.meta.rollups.change import Change
from sv.model.rollup import ALIASES

NAME: Final = ALIASES
VERSION: Final = 1

TABLES: Final[dict[str, str]] = {
    "person_aliases": "(build, person) in (select build, person from person_aliases where build = ?1 limit ?2)",
}

_PROJECT: Final = "(select project from person_projects p join rollup_builds b using (project_id) where b.build = ?1)"

_MERGE_PAIRS: Final = f"""
    insert into person_aliases (build, person, user_person, event_id, version)
    select ?1, anonymous, user_person, event_id, ?3
    from (
      select
        (select number from person_numbers n where n.project = {_PROJECT} and n.id = {KEY}) as anonymous, user_person, event_id
      from (
        select value ->> 0 as value, value ->> 1 as user_person, unhex(value ->> 2) as event_id
        from jsonb_each(?2)
        where type = 'array'
      )
    )
    where anonymous is not null
      and not exists (select 1 from person_rollups p where p.build = ?1 and p.number = anonymous and p.is_user)
    on conflict (build, person) do update
    set user_person = excluded.user_person, event_id = excluded.event_id, version = excluded.version
    where excluded.event_id < person_aliases.event_id
"""

_MERGE_USERS: Final = """
    update person_aliases
    set user_person = person, event_id = x'', version = ?3
    where build = ?1
      and person in (select value from json_each(?2) where type = 'integer')
      and user_person <> person
"""


def apply(writer: apsw.Connection, change: Change, content: str) -> None:
    """See the package."""
    writer.execute(_MERGE_PAIRS, (change.build, content, change.number))
    writer.execute(_MERGE_USERS, (change.build, content, change.number))
