"""Smart events and saved insights as structs, for their JSON Schemas: what callers send, and what they get.

Answers for the same as `schemas_requests` and `schemas_answers` do. Nothing is decoded into these or encoded from them.
"""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from sv.model import limits
from sv.model.saved_parsing import ChartKind, InsightKind
from sv.model.smart_events import UrlMatch
from sv.web.openapi import texts
from sv.web.openapi.schemas_answers import Event, ListMeta, Time
from sv.web.openapi.schemas_requests import DateText, EventName, Filter, Filters, Properties

_QUERIES = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("TrendsRequest", "FunnelRequest")]}

Title: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1, max_length=limits.MAX_TITLE_CHARS, pattern=r"\S", description="Any text, trimmed.", examples=["Signed up"]
    ),
]
Description: TypeAlias = Annotated[str, Meta(max_length=limits.MAX_DESCRIPTION_CHARS, description="Any text.")]
Version: TypeAlias = Annotated[int, Meta(ge=1, description="From 1, one more with each change.")]


class SmartEventRuleRequest(Struct, forbid_unknown_fields=True):
    """What an event has to be, all at once. At least one of `event`, `filters`, `properties`, `url`, `selector`, `text`."""

    event: EventName | None = None
    filters: Filters = None
    properties: Properties = None
    url: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_FILTER_VALUE_CHARS)] | None,
        Meta(description=f"What `$current_url` is compared with; a `regex` of at most {limits.MAX_REGEX_CHARS:,} characters."),
    ] = None
    url_match: Annotated[UrlMatch | None, Meta(description="Only with a `url`; absent: `exact`.")] = None
    selector: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_SELECTOR_CHARS)] | None,
        Meta(description=texts.SELECTOR, examples=["form.checkout > button#buy"]),
    ] = None
    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_ELEMENT_TEXT_CHARS, pattern=r"\S")] | None,
        Meta(
            description=(
                "The text of the element that meets the selector, without one of the clicked element or of one around it. Compared "
                "exactly, but that each run of blanks is one space, and none stands at the ends."
            ),
            examples=["Buy now"],
        ),
    ] = None


Rules: TypeAlias = Annotated[
    list[SmartEventRuleRequest],
    Meta(
        min_length=1,
        max_length=limits.MAX_RULES,
        description=f"Any of them suffices. In all at most {limits.MAX_RULE_CONDITIONS} filters, {limits.MAX_RULE_PARTS} elements in "
        f"selectors, and {limits.MAX_RULES_BYTES:,} bytes of JSON.",
    ),
]


class SmartEventRequest(Struct, forbid_unknown_fields=True):
    name: Title
    rules: Rules
    description: Description | None = ""


class SmartEventChange(Struct, forbid_unknown_fields=True):
    """What to change; what is absent or null stays."""

    name: Title | None = None
    description: Description | None = None
    rules: Rules | None = None
    archived: Annotated[bool | None, Meta(description="Whether it is left out of lists.")] = None


PreviewDate: TypeAlias = Annotated[DateText | None, Meta(description="As in lists; absent: an open end.")]
PreviewLimit: TypeAlias = Annotated[
    Annotated[int, Meta(ge=0, le=limits.PREVIEW_LIMIT_MAX)] | None, Meta(description="How many events are shown.")
]


class RulesPreviewRequest(Struct, forbid_unknown_fields=True):
    rules: Rules
    date_from: PreviewDate = None
    date_to: PreviewDate = None
    limit: PreviewLimit = limits.PREVIEW_LIMIT_DEFAULT


class SmartEventPreviewRequest(Struct, forbid_unknown_fields=True):
    rules: Annotated[Rules | None, Meta(description="Instead of the saved ones.")] = None
    date_from: PreviewDate = None
    date_to: PreviewDate = None
    limit: PreviewLimit = limits.PREVIEW_LIMIT_DEFAULT


class SavedInsightRequest(Struct, forbid_unknown_fields=True):
    name: Title
    kind: InsightKind
    query: Annotated[
        dict[str, Any],
        Meta(
            description=f"The body of the insight, at most {limits.MAX_SAVED_QUERY_BYTES:,} bytes. Relative dates stay relative.",
            extra_json_schema=_QUERIES,
        ),
    ]
    description: Description | None = ""
    chart: Annotated[ChartKind | None, Meta(description="How trends are drawn (default: as lines); a funnel has none.")] = None


class SavedInsightChange(Struct, forbid_unknown_fields=True):
    """What to change; what is absent or null stays. Its kind stays what it is."""

    name: Title | None = None
    description: Description | None = None
    query: Annotated[
        Annotated[dict[str, Any], Meta(extra_json_schema=_QUERIES)] | None,
        Meta(description="The body of an insight of the same kind."),
    ] = None
    chart: Annotated[ChartKind | None, Meta(description="Of trends alone.")] = None


class SmartEventRule(Struct):
    event: str | None
    filters: list[Filter]
    url: str | None
    url_match: Annotated[UrlMatch | None, Meta(description="There with a `url`.")]
    selector: str | None
    text: str | None


class SmartEvent(Struct):
    id: Annotated[str, Meta(description="The `action_id` of queries.", examples=["k3x0v8qm2c1a"])]
    name: str
    description: str
    rules: Annotated[list[SmartEventRule], Meta(min_length=1, max_length=limits.MAX_RULES)]
    archived: bool
    version: Version
    created_at: Time
    updated_at: Time


class SmartEventList(Struct):
    data: list[SmartEvent]
    meta: ListMeta


class SmartEventPreview(Struct):
    count: Annotated[int, Meta(ge=0)]
    events: Annotated[list[Event], Meta(max_length=limits.PREVIEW_LIMIT_MAX, description="Newest first.")]


class SavedInsight(Struct):
    id: str
    name: str
    description: str
    kind: InsightKind
    query: Annotated[dict[str, Any], Meta(description="As it was sent.", extra_json_schema=_QUERIES)]
    chart: Annotated[ChartKind | None, Meta(description="How trends are drawn; null for a funnel.")]
    version: Version
    created_at: Time
    updated_at: Time


class SavedInsightList(Struct):
    data: list[SavedInsight]
    meta: ListMeta
