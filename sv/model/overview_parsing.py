"""The body of an overview: strict, complete about what is wrong, and done with words.

Answers for the fields, their defaults and bounds, for the interval that suits a range, and for which period lies before it. Assumes a
decoded body, the project's timezone and the time. Body errors are ValidationFailed with every wrong field by its path.
"""

from typing import Final
from zoneinfo import ZoneInfo

from sv.model import limits
from sv.model.calendar import Bucket, DateRange, Interval, buckets, range_before
from sv.model.errors import ValidationFailed
from sv.model.overview import OverviewQuery, Period, Table, split_filters
from sv.model.query_parsing import read_all_filters, read_dates
from sv.model.validate import Fields, Problems, read_choice

OVERVIEW_FIELDS: Final = (
    "date_from",
    "date_to",
    "timezone",
    "interval",
    "compare",
    "filters",
    "properties",
    "include_bots",
    "breakdowns",
    "breakdown_limit",
)

_WIDEST: Final = ((2, Interval.HOUR), (93, Interval.DAY), (732, Interval.WEEK))
"""The number of days up to which a range is shown by this interval; beyond all of them, by months."""


def parse_overview_query(body: object, *, timezone: str, now_ms: int) -> OverviewQuery:
    """An overview from a decoded body. `timezone` is the project's, for a body that names none.

    Errors: ValidationFailed.
    """
    problems = Problems()
    fields = Fields(body, "", OVERVIEW_FIELDS, problems)
    if not isinstance(body, dict):
        problems.finish()
    given = fields.choice("interval", Interval, Interval.DAY) if fields.get("interval") is not None else None
    zone, dates = read_dates(fields, timezone, now_ms, given)
    interval = given or interval_for(dates)
    before = range_before(dates, zone) if fields.flag("compare", True) else None
    filters = read_all_filters(fields)
    query = OverviewQuery(
        period=Period(dates, _buckets(dates, interval, zone, problems)),
        previous=None if before is None else Period(before, _buckets(before, interval, zone, problems)),
        interval=interval,
        timezone=zone.key,
        tables=_read_tables(fields),
        rows=fields.whole("breakdown_limit", 1, limits.OVERVIEW_ROWS_MAX, limits.OVERVIEW_ROWS_DEFAULT),
        given=filters,
        filters=split_filters(filters),
        include_bots=fields.flag("include_bots", False),
    )
    problems.finish()
    return query


def interval_for(dates: DateRange) -> Interval:
    """The interval that shows a range in some dozens of buckets. A day that a clock change makes longer is still a day."""
    days = (dates.to_ms - dates.from_ms - limits.HOUR_MS) / limits.DAY_MS
    return next((interval for widest, interval in _WIDEST if days <= widest), Interval.MONTH)


def _buckets(dates: DateRange, interval: Interval, zone: ZoneInfo, problems: Problems) -> tuple[Bucket, ...]:
    try:
        return buckets(dates, interval, zone, ValidationFailed.at)
    except ValidationFailed as fault:
        if not problems:  # the period before has as many
            problems.take(fault)
        return ()


def _read_tables(fields: Fields) -> tuple[Table, ...]:
    """The tables asked for, each once; all where the field is absent."""
    if fields.get("breakdowns") is None:
        return tuple(Table)
    items = fields.items("breakdowns", 0, len(Table))
    found = (read_choice(item, path, Table, fields.problems) for path, item in items)
    return tuple(dict.fromkeys(table for table in found if table is not None))
