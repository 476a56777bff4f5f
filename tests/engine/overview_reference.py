"""An overview worked out by loops over the rows at rest: sessions one by one, and what the filters ask of each."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sv.model.filters import URL_PROPERTY, Filter, Operator, matches, url_path
from sv.model.limits import MINUTE_MS
from sv.model.overview import ENTRY_PROPERTIES, OverviewQuery, Period
from sv.model.overview_parsing import parse_overview_query
from tests.engine.reference import Row, session_ids
from tests.url_reference import referring_domain

COLUMNS = {
    "utm_source": "utm_source", "utm_medium": "utm_medium", "utm_campaign": "utm_campaign", "countries": "$country",
    "devices": "$device_type", "browsers": "$browser", "os": "$os",
}  # fmt: skip

Who = Callable[[Row], Any]
"""Whose an event is."""


def page(row: Row) -> str | None:
    url = row.properties.get("$current_url")
    path = url_path(url) if isinstance(url, str) else None
    return path if path is None or (path and not path.endswith("/")) else f"{path}/"


def slow_overview(rows: Sequence[Row], body: dict[str, Any], now_ms: int, who: Who = lambda row: row.person) -> dict[str, Any]:
    """The answer, without its echo of the query."""
    query = parse_overview_query(body, timezone="UTC", now_ms=now_ms)
    found = _of_period(rows, query, query.period, who)
    before = _of_period(rows, query, query.previous, who) if query.previous else None
    return {
        "totals": found["totals"],
        "series": found["series"],
        "previous": before and {"totals": before["totals"], "series": before["series"]},
        "live_visitors": len(
            {who(row) for row in rows if abs(row.at_ms - now_ms + 0.5) < 5 * MINUTE_MS and (query.include_bots or not row.is_bot)}
        ),
        "tables": {table.value: found["tables"][table.value] for table in query.tables},
    }


def _of_period(rows: Sequence[Row], query: OverviewQuery, period: Period, who: Who) -> dict[str, Any]:
    visits, matched = _visits(rows, query, period, who)
    starts = [bucket.start_ms for bucket in period.buckets]
    ends = [*starts[1:], period.dates.to_ms]
    by_bucket = [
        _figures(
            [visit for visit in visits if start <= visit["began"] < end],
            [row for row in matched if start <= row.at_ms < end],
            who,
        )
        for start, end in zip(starts, ends, strict=True)
    ]
    names = ("visitors", "sessions", "pageviews", "bounce_rate", "duration_seconds")
    pages: dict[str | None, list[Any]] = defaultdict(list)
    for row in matched:
        if row.event == "$pageview":
            pages[page(row)].append(who(row))
    views_of = [{"value": value, "visitors": len(set(seen)), "pageviews": len(seen)} for value, seen in pages.items()]
    return {
        "totals": _figures(visits, matched, who),
        "series": {name: [figures[name] for figures in by_bucket] for name in names},
        "tables": {name: _grouped(visits, name) for name in ("entry_pages", "exit_pages", "referrers", *COLUMNS)}
        | {"pages": sorted(views_of, key=lambda r: (-r["visitors"], -r["pageviews"], r["value"] is None, r["value"]))},
    }


def _visits(rows: Sequence[Row], query: OverviewQuery, period: Period, who: Who) -> tuple[list[dict[str, Any]], list[Row]]:
    """The sessions that count, and the events that do."""
    dates = period.dates
    seen = [row for row in rows if dates.from_ms <= row.at_ms < dates.to_ms]
    ids = session_ids(seen)
    by_session: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in seen:
        if query.include_bots or not row.is_bot:
            by_session[row.session is None, ids[row.id]].append(row)
    visits: list[dict[str, Any]] = []
    matched: list[Row] = []
    for own in by_session.values():
        mine = [row for row in own if _meets(query.filters.events, row.properties, page(row))]
        views = [row for row in own if row.event == "$pageview" and page(row) is not None]
        ranked = views or [row for row in own if page(row) is not None] or own
        first, last = ranked[0], ranked[-1]
        held = _of_entry(first)
        meets = _meets(query.filters.entry, held, page(first))
        if not (mine and meets and _meets(query.filters.exit, last.properties, page(last))):
            continue
        matched += mine
        names = [row.event for row in own]
        visits.append(
            {
                "visitor": who(first), "began": own[0].at_ms, "ms": own[-1].at_ms - own[0].at_ms,
                "bounced": names.count("$pageview") == 1 and not set(names) - {"$pageview", "$pageleave", "$identify"},
                "entry_pages": page(first), "exit_pages": page(last), "referrers": _text(held.get("$referring_domain")),
                **{table: _text(held.get(name)) for table, name in COLUMNS.items()},
            }
        )  # fmt: skip
    return visits, matched


def _meets(items: Sequence[Filter], properties: dict[str, Any], path: str | None) -> bool:
    """Whether all filters are met. What is set is what the tables show."""
    for item in items:
        if item.operator in (Operator.IS_SET, Operator.IS_NOT_SET) and item.property in {*ENTRY_PROPERTIES, URL_PROPERTY}:
            shown = path if item.property == URL_PROPERTY else _text(properties.get(item.property))
            if (shown is None) == (item.operator is Operator.IS_SET):
                return False
        elif not matches(item, properties):
            return False
    return True


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _of_entry(first: Row) -> dict[str, Any]:
    """The properties of the event that a session was entered by; who comes from the same site comes from nowhere."""
    held = dict(first.properties)
    url, domain = held.get("$current_url"), held.get("$referring_domain")
    host = referring_domain(url) if isinstance(url, str) else None
    if isinstance(domain, str) and domain and host and host.removeprefix("www.") == domain.removeprefix("www."):
        held.pop("$referring_domain")
    return held


def _figures(visits: Sequence[dict[str, Any]], matched: Sequence[Row], who: Who) -> dict[str, Any]:
    count, pageviews = len(visits), sum(row.event == "$pageview" for row in matched)
    return {
        "visitors": len({who(row) for row in matched}),
        "sessions": count,
        "pageviews": pageviews,
        "bounce_rate": sum(v["bounced"] for v in visits) / count if count else None,
        "duration_seconds": sum(v["ms"] for v in visits) / count / 1000 if count else None,
        "views_per_session": pageviews / count if count else None,
    }


def _grouped(visits: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    by_value: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for visit in visits:
        by_value[visit[name]].append(visit)
    rows = [
        {
            "value": value, "visitors": len({v["visitor"] for v in own}), "sessions": len(own),
            "bounce_rate": sum(v["bounced"] for v in own) / len(own), "duration_seconds": sum(v["ms"] for v in own) / len(own) / 1000,
        }
        for value, own in by_value.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda r: (-r["visitors"], -r["sessions"], r["value"] is None, r["value"]))
