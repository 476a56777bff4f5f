"""The preview of a smart event: how many events its rules mean, and the newest of them."""

from typing import Any

from sv.engine.port import Matcher, Scope
from sv.insights.events import list_events
from sv.insights.runner import Context
from sv.model.queries import EventsQuery


def preview(context: Context, query: EventsQuery) -> dict[str, Any]:
    """`count` over the query's dates, and `events`, newest first: both of the same moment, and with bots, as in lists."""
    scope = Scope(query.dates.from_ms, query.dates.to_ms, query.filters, include_bots=True)
    matcher = Matcher(query.event, rules=query.rules)
    starts_ms = [query.dates.from_ms]
    cells = context.engine.trend(context.snapshot, scope, matcher, "total", None, starts_ms, None, 0, context.limits)
    total = cells.totals[0].item()
    # Without any event there is no cell.
    count = int(total) if total == total else 0
    return {"count": count, "events": list_events(context, query)["data"] if query.limit else []}
