"""Sessions: what a list shows of each, and who has an event in it.

An item is one of

    ["session", session_id, owner, tie, started ms, ended ms, events, pageviews, others, entry, exit, referrer, country, device_type,
     browser, os, person]
    ["person", session_id, person]

A session is the client's (`session_id`), or a run of one person's events without one, with no gap over SESSION_GAP_MS (`owner`). `tie` is a
number that never changes of a session, by which sessions that start at one moment are told apart. Others are events but pageviews and
those that leave a visit a bounce. entry to person are a key and a value each, one behind the other, null where no event has one; of two
keys the smaller counts, but for exit and person the larger. A key is a rank of two digits and an event's id, so that

    entry, exit   come from a pageview if one has a URL; an entry's value is two, the URL and its path
    person        is somebody identified if there is anybody

Persons come after their sessions; a session's own `person` has no item, nor has an owner.

TRICKY: a run is one of the rows at hand. What lies between two runs may be in another summary, so whoever merges runs joins them.
"""

from typing import Final

from sv.engine.duck.relation import SESSION_GAP_MS, session_starts
from sv.engine.duck.summaries.known import NOTHING, Known
from sv.engine.duck.summaries.pieces import in_pieces, where
from sv.model.limits import MAX_SESSION_URL_CHARS, MAX_SESSION_VALUE_CHARS

QUIET_EVENTS: Final = ("$pageview", "$pageleave", "$identify")
"""Events beside which a session of one pageview is still a bounce."""

GAP_MS: Final = SESSION_GAP_MS

_TIE: Final = "(md5_number_lower(session_id) >> 2)::bigint"
"""62 bits. Two sessions with the same start and the same tie would be listed as one place; there is one chance in 10^18 for each pair."""

_TOP: Final = "170141183460469231731687303715884105728::uhugeint"
"""The uppermost of 128 bits, which no id has that begins with a time: whoever has it comes after all that don't."""

_IS_VIEW: Final = "event = '$pageview' and current_url is not null"

# Most events have no `$referrer`, and looking for the word costs a tenth of taking the JSON apart.
REFERRER: Final = """
    case
      when contains(properties, '"$referrer"') and json_type(properties, '/$referrer') = 'VARCHAR'
        then json_extract_string(properties, '/$referrer')
    end"""
"""The client's own `$referrer` of a row, where it is a text."""

_COLUMNS: Final = f"""
    id, event, timestamp, person, current_url as url, url_path as path, referrer, country, device_type, browser, os,
    case when {_IS_VIEW} then id::uhugeint when current_url is not null then id::uhugeint + {_TOP} end as entry_key,
    case when {_IS_VIEW} then id::uhugeint + {_TOP} when current_url is not null then id::uhugeint end as exit_key,
    id::uhugeint + case when user_id is null then 0::uhugeint else {_TOP} end as person_key
"""
"""Of events that count for the same the one counts whose key is the smallest or the largest: by rank, then by id."""


def _ranked(key: str, *values: str) -> str:
    """A key, of a number with the rank in its uppermost bit, and its values."""
    return f"case when {key} >= {_TOP} then '01' else '00' end || ({key} % {_TOP})::uuid::varchar, {', '.join(values)}"


def _earliest(column: str, most_chars: int, known: Known) -> str:
    is_there = f"{column} is not null"
    first, value = where(is_there, "min", "id", known), where(is_there, "arg_min", column, known, by="id")
    return f"'00' || ({first})::varchar, left({value}, {most_chars})"


def _earliest_known(column: str, known: Known) -> str:
    return _earliest(column, MAX_SESSION_VALUE_CHARS, known) if column in known.columns else "null, null"


_QUIET: Final = ", ".join(f"'{name}'" for name in QUIET_EVENTS)
_ENTRY: Final = "arg_min([url, path], entry_key)"
_SHOWN: Final = "arg_max(person, person_key)"


def _session(known: Known) -> str:
    return f"""
    json_array(
      'session', session_id, owner, case when owner is null then {_TIE} else owner end,
      epoch_ms(min(timestamp)), epoch_ms(max(timestamp)), count(*),
      {where("event = '$pageview'", "count", "1", known)}, {where(f"event not in ({_QUIET})", "count", "1", known)},
      {_ranked("min(entry_key)", f"left({_ENTRY}[1], {MAX_SESSION_URL_CHARS})", f"left({_ENTRY}[2], {MAX_SESSION_URL_CHARS})")},
      {_ranked("max(exit_key)", f"left(arg_max(url, exit_key), {MAX_SESSION_URL_CHARS})")},
      {_earliest("referrer", MAX_SESSION_URL_CHARS, known)},
      {", ".join(_earliest_known(column, known) for column in ("country", "device_type", "browser", "os"))},
      {_ranked("max(person_key)", _SHOWN)}
    )
    """


def summary_sql(rows: str, known: Known = NOTHING) -> str:
    """See the package."""
    keyed: list[str] = []
    if known.has_sessions:
        keyed.append(f"""
      select project_id, session_id, null::bigint as owner, null::timestamp as started, {_COLUMNS}
      from events
      where session_id is not null""")
    if known.has_runs:
        runs = session_starts(
            f"select project_id, {_COLUMNS} from events where session_id is null", whose=("project_id", "person")
        )
        keyed.append(f"""
      select project_id, null::varchar as session_id, person as owner, started, * exclude (project_id, started)
      from ({runs})""")
    items = f"{_SESSIONS} union all {_PERSONS}" if known.has_sessions else _SESSIONS
    return f"""
    with events as not materialized ({rows}), keyed as not materialized ({" union all ".join(keyed)}), sessions as (
      select
        project_id, {_session(known)} as item, session_id,
        {_SHOWN} as shown, min(person) as least, max(person) as largest
      from keyed
      group by project_id, session_id, owner, started
    ), shared as (
      select project_id, session_id, shown from sessions where session_id is not null and least <> largest
    )
    {in_pieces(items, known, "rank")}
    """


_SESSIONS: Final = "select project_id, 1 as rank, item from sessions"
_PERSONS: Final = """
      select distinct project_id, 2, json_array('person', session_id, person)
      from keyed join shared using (project_id, session_id)
      where person <> shown"""
