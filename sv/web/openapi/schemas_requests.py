"""Request bodies and the larger parameters as structs, for their JSON Schemas.

Answers for what callers may send, field by field with its bounds. Nothing is ever decoded into these: the parsers in `sv.ingest.events` and
`sv.model.query_parsing` are strict by themselves, and a test holds the fields here to theirs. Where a rule can't be said in a schema (a
`math_property` only with some maths) the description says it.
"""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from sv.imports.chunks import CHUNK_ROWS
from sv.model import limits
from sv.model.calendar import Interval
from sv.model.filters import Operator
from sv.model.queries import AggregateBy, Math, Mode
from sv.web.openapi import texts

Scalar: TypeAlias = Annotated[str, Meta(max_length=limits.MAX_FILTER_VALUE_CHARS)] | float | bool
EqualValue: TypeAlias = Scalar | Annotated[list[Scalar], Meta(min_length=1, max_length=limits.MAX_FILTER_VALUES)]
PropertyName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=limits.MAX_PROPERTY_NAME_CHARS)]
EventName: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=limits.MAX_EVENT_NAME_CHARS, pattern=r"\S", description="Trimmed, as at ingest."),
]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)]
DateText: TypeAlias = Annotated[str, Meta(pattern=texts.DATE_PATTERN)]
ActionId: TypeAlias = Annotated[
    Id | None,
    Meta(description="The id of a smart event, archived or not, instead of an event's name."),
]


class Filter(Struct, forbid_unknown_fields=True):
    property: Annotated[PropertyName, Meta(description="The property's name, as it was sent.", examples=["plan"])]
    operator: Operator | None = Operator.EXACT
    value: Annotated[
        EqualValue | None,
        Meta(
            description=(
                f"`exact`, `is_not`: a string, number or boolean, or a list of 1 to {limits.MAX_FILTER_VALUES:,} of them. `gt` and its "
                f"kin: a number or a string. `icontains`, `not_icontains`: a string. `regex`, `not_regex`: an expression of at most "
                f"{limits.MAX_REGEX_CHARS:,} characters. `is_set`, `is_not_set`: none."
            ),
            examples=["pro", ["pro", "team"], 10],
        ),
    ] = None


Filters: TypeAlias = Annotated[
    Annotated[list[Filter], Meta(max_length=limits.MAX_FILTERS)] | None, Meta(description="All of them must hold.")
]
Properties: TypeAlias = Annotated[
    Annotated[dict[PropertyName, EqualValue], Meta(max_length=limits.MAX_FILTERS)] | None,
    Meta(description="Short for an `exact` filter on each.", examples=[{"$browser": "Firefox", "plan": ["pro", "team"]}]),
]
DateFrom: TypeAlias = Annotated[
    DateText | None,
    Meta(description="Where the range begins; absent: 30 days before the day on which it ends.", examples=["-7d"]),
]
DateTo: TypeAlias = Annotated[
    DateText | None, Meta(description="Where the range ends; absent: with today.", examples=["2025-01-31"])
]
Timezone: TypeAlias = Annotated[
    Annotated[str, Meta(max_length=limits.MAX_TIMEZONE_CHARS)] | None,
    Meta(description="An IANA name; absent: the project's.", examples=["Europe/Berlin"]),
]
BreakdownName: TypeAlias = Annotated[
    PropertyName | None, Meta(description="A property by whose values the answer is split.", examples=["$browser"])
]
BreakdownLimit: TypeAlias = Annotated[
    Annotated[int, Meta(ge=1, le=limits.BREAKDOWN_LIMIT_MAX)] | None,
    Meta(description="How many values are told apart: the most frequent ones. The rest together are `$other`."),
]
IncludeBots: TypeAlias = Annotated[bool | None, Meta(description="Whether events of known bots (`$is_bot`) count.")]


class TrendsRequestSeries(Struct, forbid_unknown_fields=True):
    """What to measure: `name` or `action_id`, one of the two."""

    name: Annotated[EventName | None, Meta(examples=["$pageview"])] = None
    action_id: ActionId = None
    math: Math | None = Math.TOTAL
    math_property: Annotated[
        PropertyName | None, Meta(description="Required with `sum` and the maths after it, and not taken by the others.")
    ] = None
    filters: Filters = None
    properties: Properties = None


class TrendsRequest(Struct, forbid_unknown_fields=True):
    events: Annotated[list[TrendsRequestSeries], Meta(min_length=1, max_length=limits.MAX_SERIES)]
    interval: Annotated[
        Interval | None,
        Meta(
            description=(
                f"At most {limits.BUCKETS_MAX:,} buckets, and {limits.MAX_TREND_VALUES:,} values in all "
                "(series × breakdown values × buckets)."
            )
        ),
    ] = Interval.DAY
    date_from: DateFrom = None
    date_to: DateTo = None
    timezone: Timezone = None
    breakdown: BreakdownName = None
    breakdown_limit: BreakdownLimit = limits.BREAKDOWN_LIMIT_DEFAULT
    filters: Filters = None
    properties: Properties = None
    include_bots: IncludeBots = False


class FunnelRequestStep(Struct, forbid_unknown_fields=True):
    """Which events are this step: `event` or `action_id`, one of the two."""

    event: Annotated[EventName | None, Meta(examples=["checkout_started"])] = None
    action_id: ActionId = None
    filters: Filters = None
    properties: Properties = None


class FunnelRequest(Struct, forbid_unknown_fields=True):
    steps: Annotated[list[FunnelRequestStep], Meta(min_length=limits.MIN_STEPS, max_length=limits.MAX_STEPS)]
    conversion_window: Annotated[
        Annotated[str, Meta(pattern=r"^[0-9]{1,9}[smhdw]$")] | None,
        Meta(
            description=(
                "The time from step 1 to the last step: a number and one of `s`, `m` (minutes), `h`, `d`, `w`; "
                f"{limits.MIN_CONVERSION_WINDOW_S} to {limits.MAX_CONVERSION_WINDOW_S:,} seconds."
            ),
            examples=["1h"],
        ),
    ] = limits.CONVERSION_WINDOW_DEFAULT
    modes: Annotated[list[Mode], Meta(max_length=limits.MAX_MODES)] | None = None
    aggregate_by: Annotated[
        AggregateBy | None,
        Meta(description="Whose funnel it is. By `session` a chain lies within one session."),
    ] = AggregateBy.PERSON
    date_from: DateFrom = None
    date_to: DateTo = None
    timezone: Timezone = None
    breakdown: BreakdownName = None
    breakdown_limit: BreakdownLimit = limits.BREAKDOWN_LIMIT_DEFAULT
    filters: Filters = None
    properties: Properties = None
    include_bots: IncludeBots = False


class IngestEvent(Struct, rename="camel"):
    """One event; `anonymousId` or `userId` or both. Other fields are ignored."""

    event: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=limits.MAX_EVENT_NAME_CHARS,
            pattern=r"\S",
            description="The event's name, counted and kept without blanks at its ends.",
            examples=["$pageview"],
        ),
    ]
    timestamp: Annotated[
        float | str | None,
        Meta(
            description=(
                "Unix milliseconds, or ISO 8601 (UTC where it names no offset), from 1970 to 24 hours ahead of the server. Absent: the "
                "time of receipt, and then a repeated body is no retry."
            ),
            examples=[1740992400000, "2025-03-03T10:00:00+01:00"],
        ),
    ] = None
    anonymous_id: Annotated[Id | None, Meta(description="The visitor, before they are known.")] = None
    user_id: Annotated[Id | None, Meta(description="The user, once known. The event then belongs to them.")] = None
    session_id: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_ID_CHARS)] | None,
        Meta(
            description="Absent or empty: derived, a session being a person's events without one that have no gap over 30 minutes."
        ),
    ] = None
    properties: Annotated[
        dict[str, Any] | None,
        Meta(
            description=(
                f"Any JSON, kept as it is: at most {limits.MAX_PROPERTIES_BYTES:,} bytes and {limits.MAX_DEPTH} levels. "
                "`$identify` events carry a person's traits here."
            )
        ),
    ] = None
    groups: Annotated[
        Annotated[list[Annotated[str, Meta(max_length=limits.MAX_GROUP_CHARS)]], Meta(max_length=limits.MAX_GROUPS)] | None,
        Meta(description="Names of groups that the event belongs to."),
    ] = None
    event_id: Annotated[
        str | None,
        Meta(
            description="A UUID of the client's making: the same one within 24 hours is stored once.",
            extra_json_schema={"format": "uuid"},
        ),
    ] = None


class IngestRequest(Struct, rename="camel"):
    """Other fields are ignored."""

    project_token: Annotated[str, Meta(description="The project's public token.", examples=["sv_pub_dev"])]
    events: Annotated[list[IngestEvent], Meta(min_length=1, max_length=limits.MAX_EVENTS_PER_REQUEST)]


class ImportBatch(Struct, forbid_unknown_fields=True):
    """Events that one User-Agent sent."""

    events: Annotated[list[IngestEvent], Meta(min_length=1, max_length=limits.MAX_EVENTS_PER_REQUEST)]
    user_agent: Annotated[str, Meta(description="As the header, for browser, system and device.")] = ""


class ImportChunk(Struct, forbid_unknown_fields=True):
    batches: Annotated[list[ImportBatch], Meta(description=f"With at most {CHUNK_ROWS:,} events in all.")]
