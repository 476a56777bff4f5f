"""Persons: what a list shows of each, and their traits.

An item is `[number, distinct_id, distinct_id in lower case, is_user, first ms, last ms, events, id, country, id, device_type, id, browser,
sets, set_onces]`, each value with the id of the latest event that has one. A set is `[key, event id and rank, value, value in
lower case]`: the latest for its key, value being JSON text, in lower case only where a search looks at it. Of set_onces it is the earliest.

Traits are what `$identify` has beside names with `$`, and the objects `$set` and `$set_once` of any event. In one event `$set` wins over
the event's own property (rank 1 over 0).
"""

from typing import Final

from sv.engine.duck.summaries.known import NOTHING, TELLS_TRAITS, Known
from sv.engine.duck.summaries.pieces import hex_id, in_pieces, where
from sv.model.limits import MAX_PROPERTY_NAME_CHARS, MAX_TRAIT_BYTES

SEARCHED: Final = ("email", "name")
"""Traits that a search looks at, where they are strings."""

_OWN, _SET, _SET_ONCE = 0, 1, 2
"""What a trait is told by: a property of `$identify`, a member of `$set`, a member of `$set_once`."""


def summary_sql(rows: str, known: Known = NOTHING) -> str:
    """See the package."""
    persons = f"""
    persons as (
      select
        project_id, person, any_value(distinct_id) as distinct_id, bool_or(user_id is not null) as is_user,
        epoch_ms(min(timestamp)) as first_ms, epoch_ms(max(timestamp)) as last_ms, count(*) as events,
        {_latest("country", known)}, {_latest("device_type", known)}, {_latest("browser", known)}
      from events
      group by project_id, person
    )"""
    if not known.has_traits:
        return f"with events as not materialized ({rows}), {persons} {in_pieces(_WITHOUT_TRAITS, known)}"
    return f"with events as not materialized ({rows}), {persons}, {_traits(known)} {in_pieces(_WITH_TRAITS, known)}"


def _traits(known: Known) -> str:
    """The common table expressions with the traits that `events` tell."""
    searched = ", ".join(f"'{name}'" for name in SEARCHED)
    folded = f"case when key in ({searched}) and json_type(value) = 'VARCHAR' then lower(value ->> '$') end"
    return f"""
    telling as (
      select
        project_id, person, id as event_id, unnest([{_OWN}, {_SET}, {_SET_ONCE}]) as told_by,
        unnest([case when event = '$identify' then properties::json end, {_object("$set")}, {_object("$set_once")}]) as object
      from events
      where {TELLS_TRAITS}
    ), members as (
      select project_id, person, event_id, told_by, unnest(json_keys(object)) as key, unnest(json_extract(object, '$.*')) as value
      from telling
      where object is not null
    ), told as (
      select
        project_id, person, key, told_by = {_SET_ONCE} as is_once,
        {{'event_id': event_id, 'rank': least(told_by, 1), 'value': value::varchar, 'folded': {folded}}} as trait
      from members
      where (told_by <> {_OWN} or not starts_with(key, '$'))
        and length(key) <= {MAX_PROPERTY_NAME_CHARS} and strlen(value::varchar) <= {MAX_TRAIT_BYTES}
    ), traits as (
      select
        project_id, person, key, is_once,
        unnest(coalesce({where("is_once", "min", "trait", known)}, {where("not is_once", "max", "trait", known)}))
      from told
      group by project_id, person, key, is_once
    ), listed as (
      select project_id, person, is_once, json_array(key, {hex_id("event_id")} || rank, value, folded) as trait from traits
    ), lists as (
      select
        project_id, person, list(trait) filter (where not is_once) as sets, list(trait) filter (where is_once) as set_onces
      from listed
      group by project_id, person
    )"""


def _object(name: str) -> str:
    return f"case when json_type(properties, '/{name}') = 'OBJECT' then json_extract(properties, '/{name}') end"


def _latest(column: str, known: Known) -> str:
    if column not in known.columns:
        return f"null::uuid as {column}_id, null::varchar as {column}"
    is_there = f"{column} is not null"
    return (
        f"{where(is_there, 'max', 'id', known)} as {column}_id, {where(is_there, 'arg_max', column, known, by='id')} as {column}"
    )


def _items(sets: str, set_onces: str) -> str:
    return f"""
    select persons.project_id, json_array(
      person, distinct_id, lower(distinct_id), is_user::integer, first_ms, last_ms, events,
      country_id, country, device_type_id, device_type, browser_id, browser, {sets}, {set_onces}
    ) as item
    from persons"""


_WITH_TRAITS: Final = f"""
    {_items("coalesce(to_json(sets), '[]'::json)", "coalesce(to_json(set_onces), '[]'::json)")}
    left join lists using (project_id, person)
"""
_WITHOUT_TRAITS: Final = _items("'[]'::json", "'[]'::json")
