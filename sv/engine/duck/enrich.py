"""Enrichment in SQL: what an event's typed columns hold, from the client's own properties, its URLs and its request.

Answers for expressions over one row a event; `drain` puts them together. `sv.ingest.enrich.urls` and `sv.model.filters.url_path` say the
same in Python, slow and obvious, and a test holds the two to each other. The client's own value always wins, also where it is null or of
a wrong type: then the typed column is null, and enrichment stays away.
"""

import json
from typing import Any, Final

from sv.model.enrichment import LOOKED_AT

_PLACE: Final = {name: place for place, name in enumerate(LOOKED_AT, start=1)}

PARAMS: Final[dict[str, Any]] = {
    "own_json": json.dumps(dict.fromkeys(LOOKED_AT, "JSON")),
    "own_pointers": ["/" + name for name in LOOKED_AT],
}
"""What `OWN_COLUMNS` binds."""

OWN_COLUMNS: Final = """
    from_json(properties, $own_json) as own_json,
    case when contains(properties, ':null') then json_type(properties, $own_pointers) end as own_kinds
"""
"""The client's own values of the keys that matter, over a row with an event's properties. The first is null for a key that is absent and
for one that is null, which the rare second column tells apart."""


def own_string(name: str) -> str:
    """The client's value where it is a string, else null. Few have an escape in them, and only those are taken apart once more."""
    own = f'own_json."{name}"'
    text = f"case when contains({own}, '\\') then {own} ->> '$' else substring({own}::varchar, 2, length({own}) - 2) end"
    return f"""case when starts_with({own}, '"') then {text} end"""


def own_or(name: str, enriched: str) -> str:
    """The client's value where it is a string, the enriched one where the client sent no such key, else null."""
    return f"""
    case
      when own_json."{name}" is not null then {own_string(name)}
      when own_kinds[{_PLACE[name]}] = 'NULL' then null
      else {enriched}
    end"""


def is_bot(enriched: str) -> str:
    """Whether the effective `$is_bot` is true. Never null where `enriched` isn't."""
    return f"""
    case
      when own_json."$is_bot" is not null then own_json."$is_bot" = 'true'
      when own_kinds[{_PLACE["$is_bot"]}] = 'NULL' then false
      else {enriched}
    end"""


_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*://"
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?"

UTM_NAMES: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def _raw_utm(name: str) -> str:
    """The first `name` in the query of `current_url`, as it stands there, "" where it has no value; null where it is absent."""
    found = rf"regexp_extract(current_url, '^[^?#]*\?(?:[^#]*?&)??{name}(?:=([^&#]*))?(?:[&#]|\z)', 1)"
    return f"case when contains(current_url, '{name}=') then {found} end as raw_{name}"


def authority(url: str) -> str:
    """The authority of a URL; "" where it has none."""
    return f"regexp_extract({url}, '^{_SCHEME}([^/?#]*)', 1)"


URL_COLUMNS: Final = f"""
    case when current_url is not null then regexp_extract(current_url, '^{_SCHEME}[^/?#]*') end as url_origin,
    split_part(split_part(current_url, '#', 1), '?', 1) as url_before_query,
    case when referrer <> '' then {authority("referrer")} end as referring_authority,
    {", ".join(_raw_utm(name) for name in UTM_NAMES)}
"""
"""Pieces of the columns `current_url` and `referrer`. Columns of their own because DuckDB works an expression out wherever it stands, and
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
