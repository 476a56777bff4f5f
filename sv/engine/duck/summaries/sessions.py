"""Sessions: what a list shows of each, and who has an event in it.

An item is one of

    ["session", session_id, owner, tie, started ms, ended ms, events, pageviews, others, entry, exit, referrer, country, device_type,
     browser, os, person]
    ["person", session_id, person]

A session is the client's (`session_id`), or a run of one person's events without one, with no gap over SESSION_GAP_MS (`owner`). `tie` is a
number that never changes of a session, by which sessions that start at one moment are told apart. Others are events but pageviews and
those that leave a visit a bounce. entry to person are pairs of a hexadecimal key and a value, null where no event has one; of two keys
the smaller counts, but for exit and person the larger. A key is a rank and an event's id, so that

    entry, exit   come from a pageview if one has a URL; an entry's value is the URL and its path
    person        is somebody identified if there is anybody

Persons come after their sessions; a session's own `person` has no item, nor has an owner.

TRICKY: a run is one of the rows at hand. What lies between two runs may be in another summary, so whoever merges runs joins them.
"""

from typing import Final

from sv.engine.duck.relation import SESSION_GAP_MS, session_starts
from sv.engine.duck.summaries.known import NOTHING, Known
from sv.engine.duck.summaries.pieces import PIECE_ITEMS, hex_id
from sv.model.limits import MAX_SESSION_URL_CHARS, MAX_SESSION_VALUE_CHARS

QUIET_EVENTS: Final = ("$pageview", "$pageleave", "$identify")
"""Events beside which a session of one pageview is still a bounce."""

GAP_MS: Final = SESSION_GAP_MS

_TIE: Final = "(md5_number_lower(session_id) >> 2)::bigint"
"""62 bits. Two sessions with the same start and the same tie would be listed as one place; there is one chance in 10^18 for each pair."""

_URL: Final = f"left(current_url, {MAX_SESSION_URL_CHARS})"
_PATH: Final = f"left(url_path, {MAX_SESSION_URL_CHARS})"

# Most events have no `$referrer`, and looking for the word costs a tenth of taking the JSON apart.
REFERRER: Final = """
    case
      when contains(properties, '"$referrer"') and json_type(properties, '/$referrer') = 'VARCHAR'
        then json_extract_string(properties, '/$referrer')
    end"""
"""The client's own `$referrer` of a row, where it is a text."""

_COLUMNS: Final = f"""
    id, event, timestamp, person, user_id is not null as is_user, {_URL} as url, {_PATH} as path,
    left(referrer, {MAX_SESSION_URL_CHARS}) as referrer,
    left(country, {MAX_SESSION_VALUE_CHARS}) as country, left(device_type, {MAX_SESSION_VALUE_CHARS}) as device_type,
    left(browser, {MAX_SESSION_VALUE_CHARS}) as browser, left(os, {MAX_SESSION_VALUE_CHARS}) as os
"""


def _keyed(value: str, pick: str, *ranked: tuple[str, str]) -> str:
    """A pair of key and value. ranked: (rank, condition) of the events that are asked, those that count first in front."""
    chosen = "min" if pick == "arg_min" else "max"
    keys = [f"'{rank}' || {hex_id(f'{chosen}(id) filter (where {condition})')}" for rank, condition in ranked]
    values = [f"{pick}({value}, id) filter (where {condition})" for _, condition in ranked]
    return f"json_array(coalesce({', '.join(keys)}), coalesce({', '.join(values)}))"


def _earliest(column: str, known: Known) -> str:
    if column not in known.columns:
        return "json_array(null, null)"
    return _keyed(column, "arg_min", ("00", f"{column} is not null"))


_QUIET: Final = ", ".join(f"'{name}'" for name in QUIET_EVENTS)
_VIEW: Final = "event = '$pageview' and url is not null"
_PERSON_KEYED: Final = _keyed("person", "arg_max", ("01", "is_user"), ("00", "true"))


def _session(known: Known) -> str:
    return f"""
    json_array(
      'session', session_id, owner, case when owner is null then {_TIE} else owner end,
      epoch_ms(min(timestamp)), epoch_ms(max(timestamp)), count(*),
      count(*) filter (where event = '$pageview'), count(*) filter (where event not in ({_QUIET})),
      {_keyed("[url, path]", "arg_min", ("00", _VIEW), ("01", "url is not null"))},
      {_keyed("url", "arg_max", ("01", _VIEW), ("00", "url is not null"))},
      {_keyed("referrer", "arg_min", ("00", "referrer is not null"))},
      {", ".join(_earliest(column, known) for column in ("country", "device_type", "browser", "os"))},
      {_PERSON_KEYED}
    )
"""


def summary_sql(rows: str, known: Known = NOTHING) -> str:
    """See the package."""
    runs = session_starts(f"select project_id, {_COLUMNS} from events where session_id is null", "project_id, person")
    return f"""
    with events as not materialized ({rows}), keyed as not materialized (
      select project_id, session_id, null::bigint as owner, null::timestamp as started, {_COLUMNS}
      from events
      where session_id is not null
      union all
      select project_id, null as session_id, person as owner, started, * exclude (project_id, started)
      from ({runs})
    ), sessions as (
      select
        project_id, {_session(known)} as item, session_id,
        coalesce(arg_max(person, id) filter (where is_user), arg_max(person, id)) as shown, min(person) as least, max(person) as largest
      from keyed
      group by project_id, session_id, owner, started
    ), shared as (
      select project_id, session_id, shown from sessions where session_id is not null and least <> largest
    ), items as (
      select project_id, 1 as rank, item from sessions
      union all
      select distinct project_id, 2, json_array('person', session_id, person)
      from keyed join shared using (project_id, session_id)
      where person <> shown
    ), pieces as (
      select project_id, item, (row_number() over (partition by project_id order by rank) - 1) // {PIECE_ITEMS} as piece
      from items
    )
    select project_id, to_json(list(item))::varchar
    from pieces
    group by project_id, piece
    order by project_id, piece
    """
