"""Enrichment in SQL: what an event's typed columns hold, from the client's own properties, its URLs and its request.

Expressions over one row per event. `rows_sql` puts those together that the events at hand need: to plan all of them costs as much as to
drain thousands of events. `sv.model.filters.url_path` and the tests' `url_reference` say the same in slow and obvious Python, and a test
compares the two. The client's own value always wins, even where it is null or of a wrong type: then the typed column is null, and nothing
is put in its place.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sv.model.enrichment import IS_BOT, LOOKED_AT

MAX_SEARCHED_BYTES: Final = 1 << 16
"""Of events that are searched for names. Of more, planning is little beside the rest, and the search would keep Python's lock."""

UTM_NAMES: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

_NULL: Final = "null::varchar"


def names_in(events: Iterable[bytes]) -> tuple[str, ...]:
    """The names of LOOKED_AT that may be in the events (canonical JSON), as properties or in a URL; all of them where the events are too
    many to be searched."""
    texts = list(events)
    if sum(map(len, texts)) > MAX_SEARCHED_BYTES:
        return LOOKED_AT
    text = b"".join(texts)
    return tuple(name for name in LOOKED_AT if (name if name in UTM_NAMES else f'"{name}"').encode() in text)


def _own_columns(there: tuple[str, ...]) -> str:
    """The client's own values of these names, over a row with an event's properties. The first column is null for a key that is absent and
    for one that is null, which the rare second column tells apart."""
    if not there:
        return ""
    return """,
    from_json(properties, $own_json) as own_json,
    case when contains(properties, ':null') then json_type(properties, $own_pointers) end as own_kinds"""


def _own_string(name: str) -> str:
    """The client's value where it is a string, else null. Few have an escape in them, and only those are taken apart once more."""
    own = f'own_json."{name}"'
    text = f"case when contains({own}, '\\') then {own} ->> '$' else substring({own}::varchar, 2, length({own}) - 2) end"
    return f"""case when starts_with({own}, '"') then {text} end"""


def _own_or(name: str, enriched: str, there: tuple[str, ...]) -> str:
    """The client's value where it is a string, the enriched one where the client sent no such key, else null."""
    if name not in there:
        return enriched
    return f"""
    case
      when own_json."{name}" is not null then {_own_string(name)}
      when own_kinds[{there.index(name) + 1}] = 'NULL' then null
      else {enriched}
    end"""


def _is_bot(enriched: str, there: tuple[str, ...]) -> str:
    """Whether the effective `$is_bot` is true. Never null where `enriched` isn't."""
    if IS_BOT not in there:
        return enriched
    return f"""
    case
      when own_json."{IS_BOT}" is not null then own_json."{IS_BOT}" = 'true'
      when own_kinds[{there.index(IS_BOT) + 1}] = 'NULL' then false
      else {enriched}
    end"""


_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*://"
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?"


def _raw_utm(name: str) -> str:
    """The first `name` in the query of `current_url`, as it stands there, "" where it has no value; null where it is absent."""
    found = rf"regexp_extract(current_url, '^[^?#]*\?(?:[^#]*?&)??{name}(?:=([^&#]*))?(?:[&#]|\z)', 1)"
    return f"case when contains(current_url, '{name}=') then {found} end as raw_{name}"


def authority(url: str) -> str:
    """The authority of a URL; "" where it has none."""
    return f"regexp_extract({url}, '^{_SCHEME}([^/?#]*)', 1)"


_URL_AND_QUERY: Final = f"""
    case when current_url is not null then regexp_extract(current_url, '^{_SCHEME}[^/?#]*') end as url_origin,
    split_part(split_part(current_url, '#', 1), '?', 1) as url_before_query"""

REFERRER_COLUMNS: Final = f"""case when referrer <> '' then {authority("referrer")} end as referring_authority"""

URL_COLUMNS: Final = f"{_URL_AND_QUERY}, {', '.join(map(_raw_utm, UTM_NAMES))}"
"""Pieces of the column `current_url`. Columns of their own because DuckDB works an expression out wherever it stands, and
regular expressions are the dearest part of a drain."""

URL_PATH: Final = """
    case when url_origin <> '' or starts_with(current_url, '/') then
      substr(case when ends_with(url_before_query, '/') then left(url_before_query, -1) else url_before_query end, length(url_origin) + 1)
    end"""
"""The path of `current_url`; null where that is no URL."""


def host(authority: str) -> str:
    """The host of a URL's authority, in lower case; null where it has none. Nearly all of them take the quick way."""
    return f"""
    case
      when regexp_full_match({authority}, '[a-z0-9.-]+') then {authority}
      when {authority} <> '' then lower(nullif(regexp_extract({authority}, '^(?:.*@)?{_HOST}\\z', 1, 's'), ''))
    end"""


REFERRING_DOMAIN: Final = host("referring_authority")
"""The host of `referrer`."""


def utm(name: str) -> str:
    """The campaign parameter, decoded; as it stands where it decodes to no text; null where it is absent or empty.

    SCAR: without `try`, one visitor's `%ff` in a URL failed the whole drain.
    """
    text = f"replace(try(url_decode(replace(raw_{name}, '+', ' '))), chr(0), chr(65533))"
    return f"case when raw_{name} <> '' then coalesce({text}, raw_{name}) end"


@lru_cache(maxsize=64)
def rows_sql(there: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """The select of a buffer's rows from `stage` and `numbered` (`sv.engine.duck.buffer.drain`), enriched, and what it binds.

    there: those of LOOKED_AT, in its order, that an event may have as a property or in its URL. `referrer` is for summaries alone.
    """
    has_url, has_referrer = "$current_url" in there, "$referrer" in there
    queried = [name for name in UTM_NAMES if has_url and name in there]
    pieces = [_URL_AND_QUERY] * has_url + [REFERRER_COLUMNS] * has_referrer + [_raw_utm(name) for name in queried]
    columns = {
        "current_url": "current_url",
        "url_path": URL_PATH if has_url else _NULL,
        "referring_domain": _own_or("$referring_domain", REFERRING_DOMAIN if has_referrer else _NULL, there),
        "browser": _own_or("$browser", "agent_browser", there),
        "browser_version": _own_or("$browser_version", "agent_version", there),
        "os": _own_or("$os", "agent_os", there),
        "device_type": _own_or("$device_type", "agent_device", there),
        "country": _own_or("$country", "country", there),
        "is_bot": _is_bot("agent_bot", there),
        **{name: _own_or(name, utm(name) if name in queried else _NULL, there) for name in UTM_NAMES},
    }
    text = f"""
with owned as (
  select stage.*, person{_own_columns(there)}
  from stage join numbered using (project_id, distinct_id)
), located as (
  select
    *, {_own_string("$current_url") if has_url else _NULL} as current_url, {_own_string("$referrer") if has_referrer else _NULL} as referrer
  from owned
), parted as (
  select {", ".join(["*", *pieces])} from located
)
select
  id, event, timestamp, received_at, distinct_id, person, anonymous_id, user_id, session_id, groups, client_event_id, properties,
  {", ".join(f"{value} as {name}" for name, value in columns.items())},
  project_id, seq, referrer
from parted
"""
    params = (
        {"own_json": json.dumps(dict.fromkeys(there, "JSON")), "own_pointers": ["/" + name for name in there]} if there else {}
    )
    return text, params
