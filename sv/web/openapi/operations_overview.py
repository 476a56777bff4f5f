"""The overview: its operation, its body and its answer, and an example, as `operations` and its kin have those of the other topics."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from sv.model import limits
from sv.model.calendar import Interval
from sv.model.overview import Table
from sv.web.openapi.operation import JSON, Answer, Example, Operation
from sv.web.openapi.schemas_answers import Count, ElapsedMs, Ratio, Seconds, Time
from sv.web.openapi.schemas_requests import DateFrom, DateTo, Filters, IncludeBots, Properties, Timezone

TABLE: Final = "A table of an overview: what it has a row for each value of."

_DESCRIPTION: Final = """\
Visitors, sessions and pageviews of a period beside the one before it, and where they come from.

- `visitors` are the persons with an event in the range, `pageviews` the events named `$pageview`.
- `sessions` are those with an event in the range. What of a session lies outside it isn't looked at: `bounce_rate` (one pageview and no
  other event but `$pageleave` and `$identify`) and `duration_seconds` (from first to last event, the mean) are of its events within the
  range. In a series a session is in the bucket of its first event, so that buckets add up to the total.
- A session is entered by its first pageview that has a page, else by its first event that has one, else by its first event; it is left
  by the last one likewise. Pages are paths, as in a filter on `$current_url`; the root is `/`. Source, country and device are those of
  the event that it was entered by; a referrer of the same host is none, `www.` aside. `visitors` of these tables are who entered.
- A filter on one of those (`$referring_domain`, `utm_…`, `$country`, `$device_type`, `$browser`, `$browser_version`, `$os`, and
  `$entry_page` and `$exit_page`, which compare as `$current_url` does) is about sessions, and so every row can be made a filter. All others
  are about events: persons and pageviews that meet them are counted, and sessions that have such an event, as a whole.
- `previous` is the period of as many days just before (where the range isn't whole days: of the same length); null with `compare: false`,
  and where there is none. `live_visitors` are persons with an event in the last five minutes, whatever the range and the filters."""

_Value: TypeAlias = Annotated[str | None, Meta(description="null where there is none.")]
_BounceRate: TypeAlias = Annotated[Ratio | None, Meta(description="null without sessions.")]
_Duration: TypeAlias = Annotated[Seconds | None, Meta(description="The mean; null without sessions.")]


class OverviewRequest(Struct, forbid_unknown_fields=True):
    date_from: DateFrom = None
    date_to: DateTo = None
    timezone: Timezone = None
    interval: Annotated[
        Interval | None,
        Meta(
            description="Absent: hours up to two days, days up to three months, weeks up to two years, else months. "
            f"At most {limits.BUCKETS_MAX:,} buckets."
        ),
    ] = None
    compare: Annotated[bool | None, Meta(description="Whether the period before is answered too.")] = True
    filters: Filters = None
    properties: Properties = None
    include_bots: IncludeBots = False
    breakdowns: Annotated[
        Annotated[list[Table], Meta(max_length=len(Table))] | None, Meta(description="Which tables; absent: all.")
    ] = None
    breakdown_limit: Annotated[
        Annotated[int, Meta(ge=1, le=limits.OVERVIEW_ROWS_MAX)] | None, Meta(description="Rows of each table.")
    ] = limits.OVERVIEW_ROWS_DEFAULT


class OverviewTotals(Struct):
    visitors: Count
    sessions: Count
    pageviews: Count
    bounce_rate: _BounceRate
    duration_seconds: _Duration
    views_per_session: Annotated[Seconds | None, Meta(description="null without sessions.")]


class OverviewSeries(Struct):
    """One number for each label."""

    visitors: list[Count]
    sessions: list[Count]
    pageviews: list[Count]
    bounce_rate: list[_BounceRate]
    duration_seconds: list[_Duration]


class OverviewPeriod(Struct):
    date_from: Time
    date_to: Time
    labels: list[Time]
    totals: OverviewTotals
    series: OverviewSeries


class OverviewPage(Struct):
    value: _Value
    visitors: Count
    pageviews: Count


class OverviewSessions(Struct):
    value: _Value
    visitors: Count
    sessions: Count
    bounce_rate: _BounceRate
    duration_seconds: _Duration


class OverviewTables(Struct, omit_defaults=True):
    """The tables that were asked for, rows of most visitors first."""

    pages: list[OverviewPage] = []
    entry_pages: list[OverviewSessions] = []
    exit_pages: list[OverviewSessions] = []
    referrers: list[OverviewSessions] = []
    utm_source: list[OverviewSessions] = []
    utm_medium: list[OverviewSessions] = []
    utm_campaign: list[OverviewSessions] = []
    countries: list[OverviewSessions] = []
    devices: list[OverviewSessions] = []
    browsers: list[OverviewSessions] = []
    os: list[OverviewSessions] = []


class OverviewAnswer(Struct):
    date_from: Time
    date_to: Annotated[Time, Meta(description="Where the range ends, itself excluded.")]
    labels: Annotated[list[Time], Meta(min_length=1, description="Where each bucket begins.")]
    timezone: str
    interval: Interval
    totals: OverviewTotals
    series: OverviewSeries
    previous: OverviewPeriod | None
    live_visitors: Count
    tables: OverviewTables
    elapsed_ms: ElapsedMs


_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_MANY: Final = f'breakdown_limit: expected a whole number from 1 to {limits.OVERVIEW_ROWS_MAX}, got "many"'

OVERVIEW_OPERATIONS: Final[dict[str, Operation]] = {
    "query_overview": Operation(
        tag="Insights",
        summary="A site at a glance",
        description=_DESCRIPTION,
        body={JSON: OverviewRequest},
        answers={200: Answer("The overview, with the resolved query.", (OverviewAnswer,))},
        errors={400: _NOT_JSON, 404: "", 413: "", 415: "", 422: _MANY, 503: ""},
    ),
}

OVERVIEW_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "query_overview": (
        Example(
            name="two_days_of_firefox",
            summary="Two days of visitors with Firefox",
            path={"project_id": "dev"},
            body={
                "date_from": "2025-03-03",
                "date_to": "2025-03-04",
                "interval": "day",
                "compare": False,
                "properties": {"$browser": "Firefox"},
                "breakdowns": ["pages", "utm_source"],
            },
            answer={
                "date_from": "2025-03-03T00:00:00.000Z",
                "date_to": "2025-03-05T00:00:00.000Z",
                "labels": ["2025-03-03T00:00:00.000Z", "2025-03-04T00:00:00.000Z"],
                "timezone": "UTC",
                "interval": "day",
                "totals": {
                    "visitors": 2,
                    "sessions": 2,
                    "pageviews": 2,
                    "bounce_rate": 0.5,
                    "duration_seconds": 105.0,
                    "views_per_session": 1.0,
                },
                "series": {
                    "visitors": [1, 1],
                    "sessions": [1, 1],
                    "pageviews": [1, 1],
                    "bounce_rate": [0.0, 1.0],
                    "duration_seconds": [210.0, 0.0],
                },
                "previous": None,
                "live_visitors": 2,
                "tables": {
                    "pages": [
                        {"value": "/", "visitors": 1, "pageviews": 1},
                        {"value": "/pricing", "visitors": 1, "pageviews": 1},
                    ],
                    "utm_source": [
                        {"value": "news", "visitors": 1, "sessions": 1, "bounce_rate": 0.0, "duration_seconds": 210.0},
                        {"value": None, "visitors": 1, "sessions": 1, "bounce_rate": 1.0, "duration_seconds": 0.0},
                    ],
                },
                "elapsed_ms": 12.5,
            },
        ),
    ),
}
