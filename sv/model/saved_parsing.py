"""What callers send about smart events and saved insights, strictly read.

Answers for the fields of the bodies and of the lists' query strings, with their bounds. Assumes decoded bodies, the project's timezone and
the time. Never asks whether a regular expression compiles, a name is taken or a smart event exists.

Body errors are ValidationFailed with every wrong field by its path; those of a query string are InvalidParameter naming the parameter.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from sv.model import limits
from sv.model.cursor import Cursor
from sv.model.errors import ValidationFailed
from sv.model.list_parsing import Parameters, read_list_dates
from sv.model.queries import EventsQuery, FunnelQuery, TrendsQuery
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.model.smart_events import Rule, read_rules, rule_json
from sv.model.validate import Fields, Problems, join, repair, show

SMART_EVENT_FIELDS: Final = ("name", "description", "rules")
SMART_CHANGE_FIELDS: Final = (*SMART_EVENT_FIELDS, "archived")
PREVIEW_FIELDS: Final = ("rules", "date_from", "date_to", "limit")
INSIGHT_FIELDS: Final = ("name", "description", "kind", "query", "chart")
INSIGHT_CHANGE_FIELDS: Final = ("name", "description", "query", "chart")
SMART_LIST_PARAMETERS: Final = ("limit", "cursor", "include_archived")
INSIGHT_LIST_PARAMETERS: Final = ("limit", "cursor")


class InsightKind(StrEnum):
    """What a saved insight asks."""

    TRENDS = "trends"
    FUNNEL = "funnel"


class ChartKind(StrEnum):
    """How saved trends are drawn."""

    LINE = "line"
    BAR = "bar"


class SmartEventBody(Struct, frozen=True):
    """A new smart event, or what to change of one: None for what stays."""

    name: str | None
    description: str | None
    rules: tuple[Rule, ...] | None
    is_archived: bool | None = None


class PreviewBody(Struct, frozen=True):
    """rules: None for those that are saved. query: dates and limit."""

    rules: tuple[Rule, ...] | None
    query: EventsQuery


class InsightBody(Struct, frozen=True):
    """A new saved insight, or what to change of one: None for what stays. query: the body as it was sent, as JSON. chart: of
    trends alone."""

    name: str | None
    description: str | None
    kind: InsightKind
    query: bytes | None
    parsed: TrendsQuery | FunnelQuery | None
    chart: ChartKind | None = None


class SavedPage(Struct, frozen=True):
    """A page of what people saved, newest first."""

    limit: int
    cursor: Cursor | None
    include_archived: bool = False


# ---- Smart events ----


def parse_smart_event(body: object) -> SmartEventBody:
    """A new smart event: `name` and `rules` are set."""
    problems = Problems()
    fields = _fields(body, SMART_EVENT_FIELDS, problems)
    fields.require("name", _A_NAME)
    made = _read_smart_event(fields)
    if made.rules is None:
        problems.add("rules", f"required: a list of 1 to {limits.MAX_RULES} items")
    problems.finish()
    return made


def parse_smart_event_change(body: object) -> SmartEventBody:
    """What to change of one, nothing maybe."""
    problems = Problems()
    fields = _fields(body, SMART_CHANGE_FIELDS, problems)
    made = _read_smart_event(fields)
    archived = fields.flag("archived", False) if fields.get("archived") is not None else None
    problems.finish()
    return msgspec.structs.replace(made, is_archived=archived)


def parse_preview(body: object, *, timezone: str, now_ms: int, needs_rules: bool) -> PreviewBody:
    """A preview. timezone: the project's. needs_rules: there are no saved ones."""
    problems = Problems()
    fields = _fields(body, PREVIEW_FIELDS, problems)
    rules = _read_rule_list(fields)
    if rules is None and needs_rules:
        problems.add("rules", f"required: a list of 1 to {limits.MAX_RULES} items")
    zone = ZoneInfo(timezone)
    query = EventsQuery(
        limit=fields.whole("limit", 0, limits.PREVIEW_LIMIT_MAX, limits.PREVIEW_LIMIT_DEFAULT),
        dates=read_list_dates(fields.get("date_from"), fields.get("date_to"), zone, now_ms, problems),
    )
    problems.finish()
    return PreviewBody(rules, query)


def _read_smart_event(fields: Fields) -> SmartEventBody:
    name = fields.text("name", limits.MAX_TITLE_CHARS, trim=True)
    return SmartEventBody(name, read_description(fields), _read_rule_list(fields))


def _read_rule_list(fields: Fields) -> tuple[Rule, ...] | None:
    if fields.get("rules") is None:
        return None
    rules = read_rules(fields.items("rules", 1, limits.MAX_RULES), fields.problems)
    size = len(msgspec.json.encode([rule_json(rule) for rule in rules]))
    if size > limits.MAX_RULES_BYTES:
        fields.problems.add("rules", f"expected at most {limits.MAX_RULES_BYTES:,} bytes, got {size:,}")
    return rules


# ---- Saved insights ----


def parse_insight(body: object, *, timezone: str, now_ms: int) -> InsightBody:
    """A new saved insight: everything is set."""
    problems = Problems()
    fields = _fields(body, INSIGHT_FIELDS, problems)
    fields.require("name", _A_NAME)
    fields.require("kind", "one of " + ", ".join(InsightKind))
    fields.require("query", "the body of the insight")
    kind = fields.choice("kind", InsightKind, InsightKind.TRENDS)
    problems.finish()  # without a kind there is no telling what the query may be
    made = _read_insight(fields, kind, timezone, now_ms)
    problems.finish()
    return made


def parse_insight_change(body: object, kind: InsightKind, *, timezone: str, now_ms: int) -> InsightBody:
    """What to change of one of this kind, nothing maybe."""
    problems = Problems()
    fields = _fields(body, INSIGHT_CHANGE_FIELDS, problems)
    made = _read_insight(fields, kind, timezone, now_ms)
    problems.finish()
    return made


def _read_insight(fields: Fields, kind: InsightKind, timezone: str, now_ms: int) -> InsightBody:
    name = fields.text("name", limits.MAX_TITLE_CHARS, trim=True)
    description = read_description(fields)
    chart = fields.choice("chart", ChartKind, ChartKind.LINE) if fields.get("chart") is not None else None
    if chart is not None and kind is not InsightKind.TRENDS:
        fields.problems.add("chart", f"expected none for a {kind.value}, got {show(chart.value)}")
    body = fields.get("query")
    if body is None:
        return InsightBody(name, description, kind, None, None, chart)
    parse = parse_trends_query if kind is InsightKind.TRENDS else parse_funnel_query
    try:
        parsed = parse(body, timezone=timezone, now_ms=now_ms)
    except ValidationFailed as fault:
        for detail in fault.details:
            fields.problems.add("query" if detail.field == "body" else join("query", detail.field), detail.message)
        return InsightBody(name, description, kind, None, None)
    query = msgspec.json.encode(_repaired(body))
    if len(query) > limits.MAX_SAVED_QUERY_BYTES:
        fields.problems.add("query", f"expected at most {limits.MAX_SAVED_QUERY_BYTES:,} bytes, got {len(query):,}")
    return InsightBody(name, description, kind, query, parsed, chart)


def _repaired(value: Any) -> Any:
    """The JSON value with each text as the metadata can hold it. Its depth is bounded: it is a query."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, list):
        return [_repaired(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {repair(name): _repaired(item) for name, item in cast("dict[str, Any]", value).items()}
    return value


# ---- Lists ----


def parse_smart_list(parameters: Iterable[tuple[str, str]]) -> SavedPage:
    """A page of smart events from a query string's pairs."""
    return _read_page(Parameters(parameters, SMART_LIST_PARAMETERS, Problems()))


def parse_insight_list(parameters: Iterable[tuple[str, str]]) -> SavedPage:
    """A page of saved insights from a query string's pairs."""
    return _read_page(Parameters(parameters, INSIGHT_LIST_PARAMETERS, Problems()))


def _read_page(given: Parameters) -> SavedPage:
    page = SavedPage(given.limit(), given.cursor(is_uuid=False), given.flag("include_archived") or False)
    given.problems.finish_parameters()
    return page


# ---- Shared ----

_A_NAME: Final = f"a string of 1 to {limits.MAX_TITLE_CHARS} characters"


def _fields(body: object, known: tuple[str, ...], problems: Problems) -> Fields:
    fields = Fields(body, "", known, problems)
    if not isinstance(body, dict):
        problems.finish()
    return fields


def read_description(fields: Fields) -> str | None:
    """Any text, also none at all."""
    value = fields.get("description")
    if isinstance(value, str) and len(value) <= limits.MAX_DESCRIPTION_CHARS:
        return repair(value)
    if value is not None:
        fields.problems.unexpected("description", f"a string of at most {limits.MAX_DESCRIPTION_CHARS:,} characters", value)
    return None
