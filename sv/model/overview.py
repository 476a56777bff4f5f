"""A site's overview as a value: what is asked for, with everything resolved that can be.

Answers for the shape of the query, and for which filters speak of a session as a whole. Those that a row of a table can be turned into
do: a session has one source, one device and one country, those of the event that it was entered by, whatever its other events carry.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from sv.model import limits
from sv.model.calendar import Bucket, DateRange, Interval
from sv.model.filters import URL_PROPERTY, Filter


class Table(StrEnum):
    """A table of an overview."""

    PAGES = "pages"
    ENTRY_PAGES = "entry_pages"
    EXIT_PAGES = "exit_pages"
    REFERRERS = "referrers"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    COUNTRIES = "countries"
    DEVICES = "devices"
    BROWSERS = "browsers"
    OS = "os"


ENTRY_PAGE: Final = "$entry_page"
EXIT_PAGE: Final = "$exit_page"
"""Properties that filters of an overview have beside those of events: `$current_url` of the event that a session was entered or left by."""

ENTRY_PROPERTIES: Final = frozenset(
    {
        "$referring_domain", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "$country", "$device_type", "$browser",
        "$browser_version", "$os",
    }
)  # fmt: skip
"""Properties whose value on the event that a session was entered by counts for the whole session."""


class OverviewFilters(Struct, frozen=True):
    """Filters by what they speak of: single events, the event that a session was entered by, the one that it was left by."""

    events: tuple[Filter, ...] = ()
    entry: tuple[Filter, ...] = ()
    exit: tuple[Filter, ...] = ()


class Period(Struct, frozen=True):
    """A range of time and its buckets."""

    dates: DateRange
    buckets: tuple[Bucket, ...]


class OverviewQuery(Struct, frozen=True):
    """previous: the period of the same length just before, where it is asked for and there is one.

    given: the filters as they were given, in order, for their paths; `filters` are the same ones by what they speak of.
    """

    period: Period
    previous: Period | None
    interval: Interval
    timezone: str
    tables: tuple[Table, ...]
    rows: int = limits.OVERVIEW_ROWS_DEFAULT
    given: tuple[Filter, ...] = ()
    filters: OverviewFilters = OverviewFilters()
    include_bots: bool = False


def split_filters(filters: tuple[Filter, ...]) -> OverviewFilters:
    """The filters by what they speak of."""
    return OverviewFilters(
        events=tuple(item for item in filters if item.property not in ENTRY_PROPERTIES | {ENTRY_PAGE, EXIT_PAGE}),
        entry=tuple(
            replace(item, property=URL_PROPERTY) if item.property == ENTRY_PAGE else item
            for item in filters
            if item.property in ENTRY_PROPERTIES | {ENTRY_PAGE}
        ),
        exit=tuple(replace(item, property=URL_PROPERTY) for item in filters if item.property == EXIT_PAGE),
    )
