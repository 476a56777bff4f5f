"""Enrichment in SQL: what an event's typed columns hold, from the client's own properties, its URLs and its request.

Answers for expressions over one row a event; `drain` puts them together. `sv.ingest.enrich.urls` and `sv.model.filters.url_path` say the
same in Python, slow and obvious, and a test holds the two to each other. The client's own value always wins, also where it is null or of
a wrong type: then the typed column is null, and enrichment stays away.
"""

import json
from typing import Any, Final

_KEYS: Final = (
    "$current_url",
    "$referrer",
    "$referring_domain",
    "$browser",
    "$browser_version",
    "$os",
    "$device_type",
    "$country",
    "$is_bot",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
)
_PLACE: Final = {name: place for place, name in enumerate(_KEYS, start=1)}

PARAMS: Final[dict[str, Any]] = {
    "own_json": json.dumps(dict.fromkeys(_KEYS, "JSON")),
    "own_text": json.dumps(dict.fromkeys(_KEYS, "VARCHAR")),
    "own_pointers": ["/" + name for name in _KEYS],
}
"""What `OWN_COLUMNS` binds."""

OWN_COLUMNS: Final = """
    from_json(e.properties, $own_json) as own_json,
    from_json(e.properties, $own_text) as own_text,
    case when contains(e.properties, ':null') then json_type(e.properties, $own_pointers) end as own_kinds
"""
"""The client's own values of the keys that matter, over a row with the event `e`. Twice, since JSON tells strings from others by their first
character and texts come unescaped; both are null for a key that is absent and for one that is null, which the rare third column tells apart."""


def own_string(name: str) -> str:
    """The client's value where it is a string, else null."""
    return f"""case when starts_with(own_json."{name}", '"') then own_text."{name}" end"""


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
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f#%/:<>?@\[\\\]^|]+)(?::[0-9]*)?(?:[/?#]|\z)"

URL_PATH: Final = rf"""
    case when current_url is not null and (starts_with(current_url, '/') or regexp_matches(current_url, '^{_SCHEME}')) then
      regexp_replace(regexp_extract(current_url, '^(?:{_SCHEME}[^/?#]*)?([^?#]*)', 1), '/\z', '')
    end"""
"""The path of the column `current_url`; null where that is no URL."""

REFERRING_DOMAIN: Final = rf"""
    case when referrer <> '' then
      lower(nullif(regexp_extract(referrer, '^{_SCHEME}(?:[^/?#]*@)?{_HOST}', 1), ''))
    end"""
"""The host of the column `referrer`, in lower case; null where it has none."""


def utm(name: str) -> str:
    """The first `name` in the query of `current_url`, decoded; as it stands where it decodes to no text; null where it is absent or empty.

    SCAR: without `try`, one visitor's `%ff` in a URL failed the whole drain.
    """
    raw = rf"regexp_extract(current_url, '^[^?#]*\?(?:[^#]*?&)??{name}(?:=([^&#]*))?(?:[&#]|\z)', 1)"
    text = f"replace(try(url_decode(replace({raw}, '+', ' '))), chr(0), chr(65533))"
    return f"case when contains(current_url, '{name}=') then nullif(coalesce({text}, {raw}), '') end"
