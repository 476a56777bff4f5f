"""Sessions in the OpenAPI document: what their operations take and answer, with schemas and examples.

Answers for the same as `operations`, `schemas_answers` and `examples` do, for this topic.
"""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct

from sv.model import limits
from sv.web.openapi.operation import LISTING, Answer, Example, Operation, query_parameter
from sv.web.openapi.parameters import DATED_LIST_PARAMETERS, EVENT_PARAMETERS, text
from sv.web.openapi.schemas_answers import Count, EventList, FoldedMeta, IsBehind, Seconds, Time


class Session(Struct):
    id: Annotated[
        str,
        Meta(
            description="As the client named it; of a derived session `auto-…`, which an earlier event that comes late changes."
        ),
    ]
    distinct_id: Annotated[
        str,
        Meta(description="Whose it is: the person identified in it, the latest if there are several; else the anonymous one."),
    ]
    started_at: Annotated[Time, Meta(description="When the first event happened.")]
    ended_at: Annotated[Time, Meta(description="When the last one did.")]
    duration: Annotated[Seconds, Meta(description="Seconds from the first to the last event.")]
    event_count: Count
    pageview_count: Count
    is_bounce: Annotated[
        bool, Meta(description="Whether it is one pageview and no other event but `$pageleave` and `$identify`.")
    ]
    entry_url: Annotated[
        str | None,
        Meta(
            description=f"Of the first pageview that has a URL, else of the first event; {limits.MAX_SESSION_URL_CHARS:,} characters of it."
        ),
    ]
    exit_url: Annotated[str | None, Meta(description="Of the last one likewise.")]
    referrer: Annotated[str | None, Meta(description="Of the first event that has `$referrer`; empty where that is.")]
    country: Annotated[
        str | None,
        Meta(description=f"Of the first event that has one; {limits.MAX_SESSION_VALUE_CHARS} characters of it."),
    ]
    device_type: Annotated[str | None, Meta(description="Likewise.")]
    browser: Annotated[str | None, Meta(description="Likewise.")]
    os: Annotated[str | None, Meta(description="Likewise.")]
    has_recording: bool
    is_behind: IsBehind = UNSET


class SessionList(Struct):
    data: list[Session]
    meta: FoldedMeta


_SESSIONS: Final = """\
A session is the events to which a client gave one `sessionId`. Of a person's events without one, those with no gap of over 30 minutes
between them are a session, too: a derived one. The list begins with the session that started last.

An event that comes late corrects its session, and may let it begin earlier. Whoever pages through the list meanwhile sees each session that
was there for page 1 once, at the place that it had then; derived sessions that such an event joins to one are seen as one from then on.
That holds for six hours from page 1 on."""

_VALUE: Final = text(limits.MAX_FILTER_VALUE_CHARS)
_SECONDS: Final[dict[str, Any]] = {"type": "number", "minimum": 0, "maximum": limits.MAX_DURATION_SECONDS}
_PARAMETERS: Final = (
    *DATED_LIST_PARAMETERS,
    query_parameter("distinct_id", "Only sessions in which this person has an event.", text(limits.MAX_ID_CHARS)),
    query_parameter("min_duration", "Only sessions of at least so many seconds.", _SECONDS),
    query_parameter("max_duration", "Only sessions of at most so many; not less than `min_duration`.", _SECONDS),
    query_parameter("is_bounce", "Only bounces, or only what is none.", {"type": "boolean"}),
    query_parameter(
        "entry_url",
        "Only sessions whose `entry_url` is this. A value that starts with `/` is compared with the URL's path: query, fragment and one"
        " slash at its end ignored.",
        _VALUE,
    ),
    query_parameter("country", "Only sessions whose `country` is this.", _VALUE),
    query_parameter("device_type", "Only sessions whose `device_type` is this.", _VALUE),
    query_parameter("browser", "Only sessions whose `browser` is this.", _VALUE),
)
_ABSENT: Final = LISTING | {404: 'no session "nobody" (session_id)'}
_PAGE: Final = {200: Answer("A page of sessions.", (SessionList,))}

SESSION_OPERATIONS: Final[dict[str, Operation]] = {
    "list_sessions": Operation(
        tag="Sessions",
        summary="List sessions, the latest start first",
        description=_SESSIONS,
        parameters=_PARAMETERS,
        answers=_PAGE,
        errors=LISTING,
    ),
    "list_person_sessions": Operation(
        tag="Persons",
        summary="List a person's sessions, the latest start first",
        description="As the list of all sessions, of those in which the person has an event.",
        parameters=tuple(each for each in _PARAMETERS if each["name"] != "distinct_id"),
        answers=_PAGE,
        errors=LISTING | {404: 'no person "nobody" (distinct_id)'},
    ),
    "get_session": Operation(
        tag="Sessions",
        summary="Get one session",
        description="A session by its id, a derived one too.",
        answers={200: Answer("The session.", (Session,))},
        errors=_ABSENT | {400: "limit: unknown parameter; this route takes none"},
    ),
    "list_session_events": Operation(
        tag="Sessions",
        summary="List a session's events, newest first",
        description="As the list of all events, of one session.",
        parameters=DATED_LIST_PARAMETERS + tuple(each for each in EVENT_PARAMETERS if each["name"] != "session_id"),
        answers={200: Answer("A page of events.", (EventList,))},
        errors=_ABSENT,
    ),
}

_PROJECT: Final[dict[str, str | int]] = {"project_id": "dev"}
_SHOP: Final = "https://shop.example"


def _session(
    name: str, person: str, times: tuple[str, str], duration: float, events: int, url: str, browser: str
) -> dict[str, Any]:
    return {
        "id": name, "distinct_id": person, "started_at": f"2025-03-{times[0]}:00.000Z", "ended_at": f"2025-03-{times[1]}.000Z",
        "duration": duration, "event_count": events, "pageview_count": 1, "is_bounce": events == 1,
        "entry_url": url, "exit_url": url, "referrer": None, "country": None, "device_type": None, "browser": browser, "os": None,
        "has_recording": False,
    }  # fmt: skip


_ANN: Final = _session("s-1", "ann", ("03T09:00", "03T09:03:30"), 210.0, 3, f"{_SHOP}/pricing/?utm_source=news", "Firefox") | {
    "has_recording": True
}
_BOB: Final = _session("s-2", "bob", ("03T09:10", "03T09:15:00"), 300.0, 2, f"{_SHOP}/pricing", "Chrome")
_META: Final = {"next_cursor": None, "has_more": False}

SESSION_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "list_sessions": (
        Example(
            name="long_ones_from_the_pricing_page",
            summary="Sessions of two minutes and more that began with a page",
            path=_PROJECT,
            query={"entry_url": "/pricing", "min_duration": 120, "is_bounce": False},
            answer={"data": [_BOB, _ANN], "meta": _META},
        ),
    ),
    "list_person_sessions": (
        Example(
            name="of_bob",
            summary="A person's sessions",
            path=_PROJECT | {"distinct_id": "bob"},
            answer={"data": [_BOB], "meta": _META},
        ),
    ),
    "get_session": (Example(name="of_ann", summary="One session", path=_PROJECT | {"session_id": "s-1"}, answer=_ANN),),
    "list_session_events": (
        Example(
            name="purchases",
            summary="A session's purchases",
            path=_PROJECT | {"session_id": "s-2"},
            query={"event": "purchase_completed"},
            answer={"data": [], "meta": _META},
        ),
    ),
}
