"""Rollups of persons and their traits: merging summaries into them.

An item of a summary is described in `sv.engine.duck.summaries.persons`. What is the latest or earliest of its kind is kept with the event's
id in front (`country_last`), so that merging is taking the larger or smaller of two.
"""

from typing import Final

import apsw
import msgspec

from sv.meta.rollups.change import Change
from sv.model.limits import MAX_PERSON_TRAITS
from sv.model.search import windows_of

NAME: Final = "persons"
VERSION: Final = 2
SEARCH_BITS: Final = 40
"""Of a rowid of `person_search`, for the person's number; the build is above them."""

TABLES: Final[dict[str, str]] = {
    "person_rollups": "(build, number) in (select build, number from person_rollups where build = ?1 limit ?2)",
    "person_traits": "(build, number, key) in (select build, number, key from person_traits where build = ?1 limit ?2)",
    "person_search": f"""rowid in (
      select rowid from person_search
      where rowid >= (?1 << {SEARCH_BITS}) and rowid < ((?1 + 1) << {SEARCH_BITS})
      limit ?2
    )""",
}

_ints: Final = msgspec.json.Decoder(list[int])
_texts: Final = msgspec.json.Decoder(list[str])

_STAGES: Final = (
    """
    create temp table if not exists new_persons (
      number integer primary key, distinct_id, folded, is_user, first_ms, last_ms, events, country, device_type, browser, is_new,
      is_renamed default 0
    )
    """,
    "create temp table if not exists new_traits (number, key, set_last, once_first, set_folded, once_folded)",
    "delete from new_persons",
    "delete from new_traits",
)


def _packed(place: int) -> str:
    """An id and the text behind it to the bytes that are kept; null where there is no value."""
    return f"cast(unhex(value ->> {place}, '-') || (value ->> {place + 1}) as blob)"


_STAGE_PERSONS: Final = f"""
    insert into new_persons (
      number, distinct_id, folded, is_user, first_ms, last_ms, events, country, device_type, browser, is_new
    )
    select
      value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
      {_packed(7)}, {_packed(9)}, {_packed(11)},
      not exists (select 1 from person_rollups p where p.build = ?1 and p.number = value ->> 0)
    from jsonb_each(?2)
"""


def _traits(place: int, columns: str, content: str) -> str:
    """The traits of one of an item's two lists. Rank and value follow the id."""
    trait = "cast(unhex(substr(t.value ->> 1, 1, 32)) || substr(t.value ->> 1, 33) || (t.value ->> 2) as blob)"
    return f"""
    insert into new_traits (number, key, {columns})
    select p.value ->> 0, t.value ->> 0, {trait}, t.value ->> 3
    from jsonb_each({content}) p, jsonb_each(p.value, '$[{place}]') t
    """


_STAGE_TRAITS: Final = (
    _traits(13, "set_last, set_folded", "?1"),
    _traits(14, "once_first, once_folded", "?1"),
)


def _larger(name: str) -> str:
    return f"{name} = max(coalesce({name}, excluded.{name}), coalesce(excluded.{name}, {name}))"


_MERGE_PERSONS: Final = f"""
    insert into person_rollups (
      build, number, distinct_id, is_user, first_seen_ms, last_seen_ms, event_count,
      country_last, device_type_last, browser_last, search_text
    )
    select ?1, number, distinct_id, is_user, first_ms, last_ms, events, country, device_type, browser, folded
    from new_persons
    where true
    order by number
    on conflict (build, number) do update set
      is_user = max(is_user, excluded.is_user),
      first_seen_ms = min(first_seen_ms, excluded.first_seen_ms),
      last_seen_ms = max(last_seen_ms, excluded.last_seen_ms),
      event_count = event_count + excluded.event_count,
      {_larger("country_last")},
      {_larger("device_type_last")},
      {_larger("browser_last")}
"""

_MERGE_TRAITS: Final = f"""
    insert into person_traits (build, number, key, set_last, once_first, set_folded, once_folded)
    select ?1, number, key, set_last, once_first, set_folded, once_folded
    from new_traits
    where true
    order by number, key
    on conflict (build, number, key) do update set
      set_folded = iif(excluded.set_last > coalesce(set_last, x''), excluded.set_folded, set_folded),
      once_folded = iif(once_first is null or excluded.once_first < once_first, excluded.once_folded, once_folded),
      {_larger("set_last")},
      once_first = min(coalesce(once_first, excluded.once_first), coalesce(excluded.once_first, once_first))
"""

# A key never goes again but by being beyond the limit, so what is kept hangs on all keys ever seen and not on their order.
_TRIM_TRAITS: Final = f"""
    delete from person_traits
    where (build, number, key) in (
      select build, number, key
      from (
        select build, number, key, row_number() over (partition by number order by key) as nth
        from person_traits
        where build = ?1 and number in (
          select number from person_traits
          where build = ?1 and number in (select number from new_traits)
          group by number
          having count(*) > {MAX_PERSON_TRAITS}
        )
      )
      where nth > {MAX_PERSON_TRAITS}
    )
"""

# Whose text is more than the distinct id.
_FIND_CHANGED_TEXTS: Final = """
    update new_persons
    set is_renamed = 1, folded = folded || char(0) || coalesce(email, '') || char(0) || coalesce(name, '')
    from (
      select
        number as whose,
        (select t.folded from person_traits t where t.build = ?1 and t.number = n.number and t.key = 'email') as email,
        (select t.folded from person_traits t where t.build = ?1 and t.number = n.number and t.key = 'name') as name
      from (select distinct number from new_traits where key in ('email', 'name')) n
    )
    where number = whose
"""

# SCAR: not `update … from new_persons`, for which the planner goes through all persons there are and looks each up among the new ones.
_KEEP_TEXTS: Final = """
    update person_rollups
    set search_text = (select n.folded from new_persons n where n.number = person_rollups.number)
    where build = ?1 and number in (select number from new_persons where is_renamed)
"""

_CHANGED_TEXTS: Final = "select json_group_array(number), json_group_array(folded) from new_persons where is_new or is_renamed"


def _index_texts_sql(verb: str, condition: str) -> str:
    return f"""
    {verb} into person_search (rowid, search_text)
    select (?1 << {SEARCH_BITS}) | number, folded || char(0) || (j.value ->> 1)
    from jsonb_each(?2) j cross join new_persons n
    where n.number = j.value ->> 0 and {condition}
    """


# Of a person who isn't there yet nothing has to be looked for and taken away: a fifth of what the search costs.
_INDEX_TEXTS: Final = (_index_texts_sql("insert", "n.is_new"), _index_texts_sql("insert or replace", "not n.is_new"))


def apply(writer: apsw.Connection, change: Change, content: str) -> None:
    """See the package."""
    for statement in _STAGES:
        writer.execute(statement)
    writer.execute(_STAGE_PERSONS, (change.build, content))
    for statement in _STAGE_TRAITS:
        writer.execute(statement, (content,))
    writer.execute(_MERGE_PERSONS, (change.build,))
    writer.execute(_MERGE_TRAITS, (change.build,))
    writer.execute(_TRIM_TRAITS, (change.build,))
    writer.execute(_FIND_CHANGED_TEXTS, (change.build,))
    writer.execute(_KEEP_TEXTS, (change.build,))
    _index_texts(writer, change.build)


def _index_texts(writer: apsw.Connection, build: int) -> None:
    """Not by a function of SQL: each of its calls waits for Python's lock, up to 5 ms where an import reads its next chunk meanwhile."""
    ((numbers, texts),) = writer.execute(_CHANGED_TEXTS).fetchall()
    changed = zip(_ints.decode(str(numbers)), windows_of(_texts.decode(str(texts))), strict=True)
    by_number = msgspec.json.encode(sorted(changed)).decode()
    for statement in _INDEX_TEXTS:
        writer.execute(statement, (build, by_number))
