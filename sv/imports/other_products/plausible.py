"""Plausible's export: a zip of CSV files, `imported_pages_20240101_20241231.csv` and its like, or such files by themselves.

As Plausible writes it (https://github.com/plausible/analytics, `lib/plausible/exports.ex`): daily totals, and neither events nor
persons. Nobody can make visits of them again, and nothing is made up here: a row comes in as one event of its table's name
(`plausible_pages`) with its columns as properties, at the start of its day, of one person who is called `plausible`. So the pageviews of a
page over time are a trend of `plausible_pages`, the sum of `pageviews`, broken down by `page`. One's own pageviews stay as they are; there
is one person more, with one session a day.

Days are the site's: `--timezone` says which zone that is.
"""

import re
from datetime import tzinfo
from typing import Any, Final

from sv.imports.files import Format
from sv.imports.moments import to_ms
from sv.imports.other_products.reader import Peek, Reader, event

_TABLE: Final = re.compile(r"imported_([a-z_]+?)(?:_[0-9]{8}_[0-9]{8})?\.csv(?:\.gz|\.zst)?", re.IGNORECASE)
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_TEXTS: Final = frozenset(
    {
        "city",
        "browser_version",
        "operating_system_version",
        "source",
        "referrer",
        "link_url",
        "path",
        "page",
        "name",
        "property",
        "value",
    }
    | {"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"}
)
"""Columns of names that may consist of digits."""

PERSON: Final = "plausible"


def _is_certain(peek: Peek) -> bool:
    return _TABLE.fullmatch(peek.file_name) is not None and {"date", "visitors"} <= peek.names


def event_of(fields: dict[str, Any], zone: tzinfo, file_name: str) -> dict[str, Any]:
    table = _TABLE.fullmatch(file_name)
    properties = {
        name: int(value) if name not in _TEXTS and _COUNT.fullmatch(value) else value
        for name, value in fields.items()
        if name != "date"
    }
    return event(
        event=f"plausible_{table[1].lower() if table else 'totals'}",
        timestamp=to_ms(fields.get("date") or "none", zone),
        anonymousId=PERSON,
        properties=properties,
    )


READER: Final = Reader(
    name="plausible",
    title="daily totals out of Plausible",
    formats=(Format.CSV,),
    needs=frozenset({"date", "visitors"}),
    is_certain=_is_certain,
    event_of=event_of,
)
