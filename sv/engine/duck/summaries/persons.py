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

_IS_TRAIT: Final = f"length(t.key) <= {MAX_PROPERTY_NAME_CHARS} and strlen(t.value::varchar) <= {MAX_TRAIT_BYTES}"


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
    return f"with events as not materialized ({rows}), {persons}, {_traits()} {in_pieces(_WITH_TRAITS, known)}"


def _traits() -> str:
    """The common table expressions with what `events` tell. Few of them tell anything, so they are looked for once for the three kinds."""
    searched = ", ".join(f"'{name}'" for name in SEARCHED)
    folded = f"case when key in ({searched}) and type = 'VARCHAR' then lower(value ->> '$') end"
    return f"""
    telling as materialized (
      select project_id, person, id as event_id, event, properties from events where {TELLS_TRAITS}
    ), own as (
      select project_id, person, event_id, 0 as rank, t.key, t.value, t.type
      from telling, json_each(telling.properties) t
      where event = '$identify' and not starts_with(t.key, '$') and {_IS_TRAIT}
    ), sets as (
      from own
      union all
      {_object("$set")}
    ), onces as (
      {_object("$set_once")}
    ), latest as (
      select project_id, person, key, unnest(max({{'event_id': event_id, 'rank': rank, 'value': value::varchar, 'folded': {folded}}}))
      from sets group by project_id, person, key
    ), earliest as (
      select project_id, person, key, unnest(min({{'event_id': event_id, 'rank': rank, 'value': value::varchar, 'folded': {folded}}}))
      from onces group by project_id, person, key
    ), set_lists as ({_listed("latest")}), once_lists as ({_listed("earliest")})"""


def _latest(column: str, known: Known) -> str:
    if column not in known.columns:
        return f"null::uuid as {column}_id, null::varchar as {column}"
    is_there = f"{column} is not null"
    return (
        f"{where(is_there, 'max', 'id', known)} as {column}_id, {where(is_there, 'arg_max', column, known, by='id')} as {column}"
    )


def _object(name: str) -> str:
    """The keys of an object among the properties."""
    return f"""
      select project_id, person, event_id, 1 as rank, t.key, t.value, t.type
      from (
        select project_id, person, event_id, json_extract(properties, '/{name}') as inner_json
        from telling
        where json_type(properties, '/{name}') = 'OBJECT'
      ) holders, json_each(holders.inner_json) t
      where {_IS_TRAIT}
    """


def _listed(traits: str) -> str:
    return f"""
      select project_id, person, to_json(list(json_array(key, {hex_id("event_id")} || rank, value, folded))) as traits
      from {traits}
      group by project_id, person
    """


def _items(sets: str, set_onces: str) -> str:
    return f"""
    select persons.project_id, json_array(
      person, distinct_id, lower(distinct_id), is_user::integer, first_ms, last_ms, events,
      country_id, country, device_type_id, device_type, browser_id, browser, {sets}, {set_onces}
    ) as item
    from persons"""


_WITH_TRAITS: Final = f"""
    {_items("coalesce(set_lists.traits, '[]'::json)", "coalesce(once_lists.traits, '[]'::json)")}
    left join set_lists using (project_id, person)
    left join once_lists using (project_id, person)
"""
_WITHOUT_TRAITS: Final = _items("'[]'::json", "'[]'::json")
