"""A site's overview: visitors, sessions and pageviews over a period, beside the one before, and tables of where they come from."""

from typing import Any

from sv.engine.port import Matcher, OverviewFigures, OverviewRow, Scope
from sv.insights.runner import Context
from sv.model.calendar import DateRange, iso_ms
from sv.model.limits import LIVE_MS
from sv.model.overview import OverviewQuery, Period, Table


def range_of(query: OverviewQuery, now_ms: int) -> tuple[int, int]:
    """The range of time whose events the answer is made of."""
    live = _live_dates(now_ms)
    spans = [query.period.dates, live, *([query.previous.dates] if query.previous else [])]
    return min(span.from_ms for span in spans), max(span.to_ms for span in spans)


def overview(context: Context, query: OverviewQuery, now_ms: int) -> dict[str, Any]:
    """The contract's answer, but for `elapsed_ms`. A ratio or a mean of nothing is null."""
    context = context.attributed()
    found = _figures(context, query, query.period, query.tables)
    previous = None
    if query.previous is not None:
        before = _figures(context, query, query.previous, ())
        previous = _dates(query.previous) | {"totals": _totals(before), "series": _series(before)}
    return {
        **_dates(query.period),
        "timezone": query.timezone,
        "interval": query.interval.value,
        "totals": _totals(found),
        "series": _series(found),
        "previous": previous,
        "live_visitors": _live_visitors(context, query.include_bots, now_ms),
        "tables": {table.value: [_row(table, row) for row in rows] for table, rows in found.tables.items()},
    }


def _figures(context: Context, query: OverviewQuery, period: Period, tables: tuple[Table, ...]) -> OverviewFigures:
    scope = Scope(period.dates.from_ms, period.dates.to_ms, include_bots=query.include_bots)
    starts_ms = [bucket.start_ms for bucket in period.buckets]
    return context.engine.overview(context.snapshot, scope, query.filters, starts_ms, tables, query.rows, context.limits)


def _live_dates(now_ms: int) -> DateRange:
    """The range that counts as "now" for live visitors. A client's clock may be ahead of ours."""
    return DateRange(max(now_ms - LIVE_MS, 0), now_ms + LIVE_MS)


def _live_visitors(context: Context, include_bots: bool, now_ms: int) -> int:
    live = _live_dates(now_ms)
    scope = Scope(live.from_ms, live.to_ms, include_bots=include_bots)
    anything = Matcher(None)
    found = context.engine.trend(
        context.snapshot, scope, anything, "unique_persons", None, [live.from_ms], None, 0, context.limits
    )
    total = found.totals[0].item()
    return int(total) if total == total else 0  # nan where there is nobody


def _dates(period: Period) -> dict[str, Any]:
    return {
        "date_from": iso_ms(period.dates.from_ms),
        "date_to": iso_ms(period.dates.to_ms),
        "labels": [bucket.label for bucket in period.buckets],
    }


def _totals(found: OverviewFigures) -> dict[str, Any]:
    sessions, pageviews = int(found.sessions[-1]), int(found.pageviews[-1])
    return {
        "visitors": int(found.visitors[-1]),
        "sessions": sessions,
        "pageviews": pageviews,
        "bounce_rate": _ratio(int(found.bounces[-1]), sessions),
        "duration_seconds": _seconds(int(found.duration_ms[-1]), sessions),
        "views_per_session": _ratio(pageviews, sessions),
    }


def _series(found: OverviewFigures) -> dict[str, Any]:
    sessions = found.sessions[:-1].tolist()
    return {
        "visitors": found.visitors[:-1].tolist(),
        "sessions": sessions,
        "pageviews": found.pageviews[:-1].tolist(),
        "bounce_rate": [_ratio(bounces, count) for bounces, count in zip(found.bounces[:-1].tolist(), sessions, strict=True)],
        "duration_seconds": [_seconds(ms, count) for ms, count in zip(found.duration_ms[:-1].tolist(), sessions, strict=True)],
    }


def _row(table: Table, row: OverviewRow) -> dict[str, Any]:
    if table is Table.PAGES:
        return {"value": row.value, "visitors": row.visitors, "pageviews": row.pageviews}
    return {
        "value": row.value,
        "visitors": row.visitors,
        "sessions": row.sessions,
        "bounce_rate": _ratio(row.bounces, row.sessions),
        "duration_seconds": _seconds(row.duration_ms, row.sessions),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _seconds(duration_ms: int, sessions: int) -> float | None:
    return duration_ms / sessions / 1000 if sessions else None
