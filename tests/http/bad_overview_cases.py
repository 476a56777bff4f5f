"""Overviews that must be refused: what they share with other insights, and the fields of their own."""

from collections.abc import Iterator
from typing import Any

from bad_input import Bad, shown
from bad_insight_cases import BAD_DATES, BAD_FILTERS, BAD_PROPERTIES, BAD_TIMEZONES

OVERVIEW = "/api/v1/projects/dev/insights/overview"
TABLES = "entry_pages"


def overview(title: str, names: str | None, shows: str | None = None, **body: Any) -> Bad:
    whole = {"date_from": "2025-06-01", "date_to": "2025-06-30", **body}
    return Bad(f"overview: {title}", "POST", OVERVIEW, 422, names, shows, {"json": whole})


def of_field(name: str, values: list[Any]) -> Iterator[Bad]:
    for value in values:
        yield overview(f"{name} {value!r:.24}", name, shown(value), **{name: value})


def cases() -> Iterator[Bad]:
    yield from of_field("date_from", BAD_DATES[:12])
    yield from of_field("date_to", BAD_DATES[12:])
    yield overview("dates the wrong way round", "date_to", "2025-02-01", date_from="2025-02-01", date_to="2025-01-31T12:00:00Z")
    yield from of_field("timezone", BAD_TIMEZONES)
    yield from of_field("interval", ["", "minute", "DAY", "quarter", 5, True, [], ["day"], {}])
    yield overview("more buckets than a chart can hold", "interval", "hour", interval="hour", date_from="1990-01-01")
    yield from of_field("compare", ["", "yes", 1, [], {}])
    yield from of_field("include_bots", ["yes", 0, []])
    yield from of_field("breakdown_limit", [0, -1, 101, 10**30, 1.5, "5", True, [], {}])
    yield from of_field("breakdowns", ["pages", 5, True, {}, [TABLES] * 12])
    for value in ("", "page", "PAGES", "$current_url", "country", 5, True, None, [], {}):
        yield overview(f"a breakdown {value!r:.24}", "breakdowns[1]", shown(value), breakdowns=["pages", value])
    for title, value, at in BAD_FILTERS:
        yield overview(f"filters: {title}", f"filters{at}", filters=value)
    for title, value, at in BAD_PROPERTIES:
        yield overview(f"properties: {title}", f"properties{at}", properties=value)
    for name in ("events", "steps", "breakdown", "limit", "math", "dateFrom", "__class__"):
        yield overview(f"unknown field {name}", name, **{name: 1})
    pattern = {"property": "$entry_page", "operator": "regex", "value": "(a"}
    yield overview("a pattern for entry pages that is none", "filters[1].value", filters=[{"property": "a", "value": 1}, pattern])
    yield Bad("overview: a parameter", "POST", f"{OVERVIEW}?compare=1", 400, "compare", None, {"json": {}})
    yield Bad("overview: an unknown project", "POST", OVERVIEW.replace("dev", "no"), 404, None, None, {"json": {}})
    for content in (b"", b"{", b'{"a":NaN}', b"\xff\xfe"):
        yield Bad(f"overview: body {content[:12]!r}", "POST", OVERVIEW, 400, "body", None, {"content": content})
    for content in (b"[]", b'"x"', b"5", b"null"):
        yield Bad(f"overview: body {content!r}", "POST", OVERVIEW, 422, None, None, {"content": content})
