"""Trends: each series' measure by bucket and, with a breakdown, by value."""

import math
from typing import Any

import msgspec

from sv.engine.port import Scope, TrendCells
from sv.insights.named import matcher_of, shown_name
from sv.insights.runner import Context
from sv.model.calendar import iso_ms
from sv.model.queries import COUNTING, Series, TrendsQuery

OTHER = "$other"
"""The breakdown value that stands for all beyond the limit, on the wire."""


def trends(context: Context, query: TrendsQuery) -> dict[str, Any]:
    """The contract's answer, but for `elapsed_ms`.

    Empty buckets are 0 for what counts and for sums, null for what has no value without events (averages, extremes, quantiles). A sum
    that no double can hold is null too.
    """
    context = context.attributed()
    series = [line for item in query.series for line in _series(context, query, item)]
    return {
        "interval": query.interval.value,
        "date_from": iso_ms(query.dates.from_ms),
        "date_to": iso_ms(query.dates.to_ms),
        "timezone": query.timezone,
        "breakdown": query.breakdown.property if query.breakdown else None,
        "labels": [bucket.label for bucket in query.buckets],
        "series": series,
    }


def _series(context: Context, query: TrendsQuery, item: Series) -> list[dict[str, Any]]:
    scope = Scope(query.dates.from_ms, query.dates.to_ms, query.filters, query.include_bots)
    breakdown = query.breakdown
    found: TrendCells = context.engine.trend(
        context.snapshot,
        scope,
        matcher_of(item),
        item.math.value,
        item.math_property,
        [bucket.start_ms for bucket in query.buckets],
        breakdown.property if breakdown else None,
        breakdown.limit if breakdown else 0,
        context.limits,
    )
    has_zero = item.math in COUNTING or item.math.value == "sum"
    is_whole = item.math in COUNTING and item.math.value != "per_session"
    lines = [
        _line(item, _decoded(value), found.cells[place].tolist(), found.totals[place].item(), has_zero, is_whole)
        for place, value in enumerate(found.values)
    ]
    if found.other_cells is not None:
        lines.append(_line(item, OTHER, found.other_cells.tolist(), found.other_total, has_zero, is_whole))
    return lines


def _line(item: Series, value: Any, cells: list[float], total: float, has_zero: bool, is_whole: bool) -> dict[str, Any]:
    return {
        **shown_name(item),
        "math": item.math.value,
        "math_property": item.math_property,
        "breakdown_value": value,
        "values": [_number(cell, has_zero, is_whole) for cell in cells],
        "total": _number(total, has_zero, is_whole),
    }


def _number(value: float, has_zero: bool, is_whole: bool) -> float | int | None:
    if math.isnan(value):
        return (0 if is_whole else 0.0) if has_zero else None
    if math.isinf(value):
        return None
    return int(value) if is_whole else value


def _decoded(value: str | None) -> Any:
    return None if value is None else msgspec.json.decode(value)
