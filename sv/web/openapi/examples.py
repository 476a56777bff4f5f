"""Requests with their answers, which the OpenAPI document shows and a test sends, in this order, to an empty `sv dev`.

Answers for every value shown being what the server answers, but for the fields in VARYING.
"""

from typing import Any, Final

from sv.web.openapi.examples_people import PEOPLE_EXAMPLES
from sv.web.openapi.examples_smart_events import SMART_EXAMPLES
from sv.web.openapi.operation import Example
from sv.web.openapi.operations_client import CLIENT_EXAMPLES
from sv.web.openapi.operations_dashboards import DASHBOARD_EXAMPLES
from sv.web.openapi.operations_definitions import DEFINITION_EXAMPLES
from sv.web.openapi.operations_exports import EXPORT_EXAMPLES
from sv.web.openapi.operations_jobs import JOB_EXAMPLES
from sv.web.openapi.operations_overview import OVERVIEW_EXAMPLES
from sv.web.openapi.operations_recordings import RECORDING_EXAMPLES
from sv.web.openapi.operations_rejections import REJECTION_EXAMPLES
from sv.web.openapi.operations_sessions import SESSION_EXAMPLES
from sv.web.openapi.operations_sql import SQL_EXAMPLES

VARYING: Final = frozenset(
    {
        "action_id",
        "at",
        "created_at",
        "distinct_id_hash",
        "elapsed_ms",
        "expiresAt",
        "files_done",
        "files_total",
        "finished_at",
        "id",
        "insight_id",
        "live_visitors",
        "last_at",
        "received_at",
        "since",
        "started_at",
        "updated_at",
        "uploadUrl",
        "url",
    }
)
"""Fields of answers whose values differ from server to server."""


def _event(event: str, timestamp: int, user_id: str, session_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"event": event, "timestamp": timestamp, "userId": user_id, "sessionId": session_id, "properties": properties}


_EVENTS: Final = [
    _event(
        "$pageview",
        1740992400000,
        "ann",
        "s-1",
        {"$current_url": "https://shop.example/pricing/?utm_source=news", "$browser": "Firefox"},
    ),
    _event("checkout_started", 1740992520000, "ann", "s-1", {"$browser": "Firefox", "plan": "pro"}),
    _event("purchase_completed", 1740992610000, "ann", "s-1", {"$browser": "Firefox", "plan": "pro", "amount": 49.9}),
    _event("$pageview", 1740993000000, "bob", "s-2", {"$current_url": "https://shop.example/pricing", "$browser": "Chrome"}),
    _event("checkout_started", 1740993300000, "bob", "s-2", {"$browser": "Chrome", "plan": "free"}),
    _event("$pageview", 1741082400000, "cat", "s-3", {"$current_url": "https://shop.example/", "$browser": "Firefox"}),
]
_PURCHASE_ID: Final = "01955b3e-fed0-7000-8000-00002008ad9b"
_PURCHASE: Final = {
    "id": _PURCHASE_ID,
    "event": "purchase_completed",
    "timestamp": "2025-03-03T09:03:30.000Z",
    "received_at": "2025-03-04T10:00:01.250Z",
    "distinct_id": "ann",
    "anonymous_id": None,
    "user_id": "ann",
    "session_id": "s-1",
    "groups": [],
    "properties": {"$browser": "Firefox", "plan": "pro", "amount": 49.9},
}
_BOB: Final = {
    "distinct_id": "bob",
    "user_id": "bob",
    "properties": {},
    "first_seen": "2025-03-03T09:10:00.000Z",
    "last_seen": "2025-03-03T09:15:00.000Z",
    "event_count": 2,
    "session_count": 1,
    "country": None,
    "device_type": None,
    "browser": "Chrome",
}
_IMPORT: Final[dict[str, str | int]] = {"project_id": "dev", "import_id": "0f343b0931126a20f133d67c2b018a3b"}
_ANONYMOUS: Final = {"index": 0, "code": "MISSING_IDENTITY", "message": "expected a userId or an anonymousId, got neither"}


def _step(step: int, event: str, count: int, of_first: float, of_last: float, drop_off: int, seconds: float) -> dict[str, Any]:
    return {
        "step": step,
        "event": event,
        "count": count,
        "conversion_rate": of_first,
        "step_conversion_rate": of_last,
        "drop_off": drop_off,
        "median_seconds": seconds,
        "average_seconds": seconds,
    }


EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "ingest_events": (
        Example(
            name="events",
            summary="Two visits to a shop, and a third",
            body={"projectToken": "sv_pub_dev", "events": _EVENTS},
            status=202,
            answer={"status": "accepted", "accepted": 6, "rejected": 0, "errors": []},
        ),
        Example(
            name="one_is_bad",
            summary="A bad event costs only itself",
            body={"projectToken": "sv_pub_dev", "events": [{"event": "signup", "userId": "dan"}, {"event": "signup"}]},
            status=202,
            answer={"status": "accepted", "accepted": 1, "rejected": 1, "errors": [_ANONYMOUS | {"index": 1}]},
        ),
        Example(
            name="all_are_bad",
            summary="No event can be stored",
            body={"projectToken": "sv_pub_dev", "events": [{"event": "signup"}]},
            status=422,
            answer={
                "error": f"every event was rejected; events[0]: {_ANONYMOUS['message']}",
                "code": "VALIDATION_ERROR",
                "status": "rejected",
                "accepted": 0,
                "rejected": 1,
                "errors": [_ANONYMOUS],
            },
        ),
        Example(
            name="no_events",
            summary="Not such a request",
            body={"projectToken": "sv_pub_dev"},
            status=422,
            answer={
                "error": "events: expected a list of events, got none",
                "code": "VALIDATION_ERROR",
                "details": [{"field": "events", "message": "expected a list of events, got none"}],
            },
        ),
        Example(
            name="beacon",
            summary="As `navigator.sendBeacon` sends it",
            body='{"projectToken": "sv_pub_dev", "events": [{"event": "$pageleave", "anonymousId": "8f14e45f"}]}',
            media_type="text/plain",
            status=202,
            answer={"status": "accepted", "accepted": 1, "rejected": 0, "errors": []},
        ),
    ),
    "list_events": (
        Example(
            name="purchases_of_a_day",
            summary="A day's purchases of more than 20",
            path={"project_id": "dev"},
            query={
                "event": "purchase_completed",
                "date_from": "2025-03-03",
                "date_to": "2025-03-03",
                "filters": [{"property": "amount", "operator": "gt", "value": 20}],
                "properties": {"plan": ["pro", "team"]},
                "limit": 10,
            },
            answer={"data": [_PURCHASE], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    "get_event": (
        Example(
            name="purchase",
            summary="One event",
            path={"project_id": "dev", "event_id": _PURCHASE_ID},
            answer=_PURCHASE,
        ),
    ),
    "list_persons": (
        Example(
            name="with_chrome",
            summary="Persons of one browser, a page of one",
            path={"project_id": "dev"},
            query={"browser": "Chrome", "has_user_id": True, "limit": 1},
            answer={"data": [_BOB], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    "get_person": (Example(name="bob", summary="One person", path={"project_id": "dev", "distinct_id": "bob"}, answer=_BOB),),
    "list_person_events": (
        Example(
            name="purchases_of_ann",
            summary="A person's purchases",
            path={"project_id": "dev", "distinct_id": "ann"},
            query={"event": "purchase_completed"},
            answer={"data": [_PURCHASE], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    "query_trends": (
        Example(
            name="visitors_by_browser",
            summary="Persons who looked at a page, by day and browser",
            path={"project_id": "dev"},
            body={
                "events": [{"name": "$pageview", "math": "unique_persons"}],
                "interval": "day",
                "date_from": "2025-03-03",
                "date_to": "2025-03-04",
                "breakdown": "$browser",
            },
            answer={
                "interval": "day",
                "date_from": "2025-03-03T00:00:00.000Z",
                "date_to": "2025-03-05T00:00:00.000Z",
                "timezone": "UTC",
                "breakdown": "$browser",
                "labels": ["2025-03-03T00:00:00.000Z", "2025-03-04T00:00:00.000Z"],
                "series": [
                    {
                        "event": "$pageview",
                        "math": "unique_persons",
                        "math_property": None,
                        "breakdown_value": browser,
                        "values": values,
                        "total": sum(values),
                    }
                    for browser, values in (("Firefox", [1, 1]), ("Chrome", [1, 0]))
                ],
                "elapsed_ms": 4.2,
            },
        ),
    ),
    "query_funnel": (
        Example(
            name="from_pricing_to_purchase",
            summary="From the pricing page to a purchase, within an hour",
            path={"project_id": "dev"},
            body={
                "steps": [
                    {"event": "$pageview", "properties": {"$current_url": "/pricing"}},
                    {"event": "checkout_started"},
                    {"event": "purchase_completed"},
                ],
                "conversion_window": "1h",
                "date_from": "2025-03-03",
                "date_to": "2025-03-04",
            },
            answer={
                "steps": [
                    _step(1, "$pageview", 2, 1.0, 1.0, 0, 0.0),
                    _step(2, "checkout_started", 2, 1.0, 1.0, 0, 210.0),
                    _step(3, "purchase_completed", 1, 0.5, 0.5, 1, 210.0),
                ],
                "conversion_rate": 0.5,
                "conversion_window": "1h",
                "date_from": "2025-03-03T00:00:00.000Z",
                "date_to": "2025-03-05T00:00:00.000Z",
                "timezone": "UTC",
                "aggregate_by": "person",
                "modes": [],
                "breakdown": None,
                "elapsed_ms": 6.1,
            },
        ),
    ),
    "list_funnel_persons": (
        Example(
            name="who_did_not_buy",
            summary="Who began a checkout and bought nothing within an hour",
            path={"project_id": "dev"},
            body={
                "steps": [{"event": "checkout_started"}, {"event": "purchase_completed"}],
                "conversion_window": "1h",
                "date_from": "2025-03-03",
                "date_to": "2025-03-04",
                "step": 2,
                "outcome": "dropped_off",
            },
            answer={"data": [_BOB], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    **OVERVIEW_EXAMPLES,
    **DEFINITION_EXAMPLES,
    **SMART_EXAMPLES,
    **DASHBOARD_EXAMPLES,
    "take_import_chunk": (
        Example(
            name="chunk",
            summary="A file's first two events",
            path=_IMPORT | {"chunk_no": 2},
            body={
                "batches": [{"events": [{"event": "signup", "userId": "eve", "timestamp": 1740900000000}, {"event": "signup"}]}]
            },
            answer={
                "taken": 1,
                "rejected": 1,
                "already": False,
                "rejected_by_code": {"MISSING_IDENTITY": 1},
                "errors": [{"batch": 0} | _ANONYMOUS | {"index": 1}],
            },
        ),
    ),
    "get_import": (
        Example(
            name="not_begun",
            summary="An import that nobody has begun",
            path=_IMPORT,
            answer={"import_id": _IMPORT["import_id"], "chunks": []},
        ),
    ),
    "get_health": (Example(name="healthy", summary="All is well", answer={"status": "ok"}),),
    **EXPORT_EXAMPLES,
    **CLIENT_EXAMPLES,
    **REJECTION_EXAMPLES,
    **SQL_EXAMPLES,
    **RECORDING_EXAMPLES,
    **SESSION_EXAMPLES,
    **JOB_EXAMPLES,
    **PEOPLE_EXAMPLES,
}
