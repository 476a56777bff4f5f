"""Examples of smart events and saved insights. Answers for the same as `examples` does.

Where a path names one, it is KEPT_SMART_EVENT or KEPT_INSIGHT: the server has to have them before.
"""

from typing import Any, Final

from sv.web.openapi.operation import Example

_EMPTY: Final = {"event": None, "filters": [], "url": None, "url_match": None, "selector": None, "text": None}
_AT: Final = "2025-03-04T10:00:00.000Z"
_ID: Final = "k3x0v8qm2c1a"
INSIGHT_ID: Final = "m0c4t7ze19yb"
_PROJECT: Final[dict[str, str | int]] = {"project_id": "dev"}
_SMART: Final = _PROJECT | {"action_id": _ID}
_SAVED: Final = _PROJECT | {"insight_id": INSIGHT_ID}

KEPT_SMART_EVENT: Final[dict[str, Any]] = {
    "name": "Looked at prices",
    "rules": [{"event": "$pageview", "url": "/pricing"}, {"event": "checkout_started", "properties": {"plan": "free"}}],
}
KEPT_INSIGHT: Final[dict[str, Any]] = {
    "name": "Checkouts",
    "description": "For the weekly meeting",
    "kind": "trends",
    "query": {"events": [{"name": "checkout_started"}], "date_from": "-7d"},
    "chart": "bar",
}


def _smart(**fields: Any) -> dict[str, Any]:
    whole = {"id": _ID, "description": "", "archived": False, "version": 1, "created_at": _AT, "updated_at": _AT}
    return whole | fields


def shown_insight(**fields: Any) -> dict[str, Any]:
    """KEPT_INSIGHT as answers show it."""
    return {"id": INSIGHT_ID, "version": 1, "created_at": _AT, "updated_at": _AT, **KEPT_INSIGHT, **fields}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"data": [item], "meta": {"next_cursor": None, "has_more": False}}


_KEPT: Final = _smart(
    name="Looked at prices",
    rules=[
        _EMPTY | {"event": "$pageview", "url": "/pricing", "url_match": "exact"},
        _EMPTY | {"event": "checkout_started", "filters": [{"property": "plan", "operator": "exact", "value": "free"}]},
    ],
)
_CHECKOUT: Final = {
    "id": "01955b43-9ce0-7000-8000-00002010ad9b",
    "event": "checkout_started",
    "timestamp": "2025-03-03T09:15:00.000Z",
    "received_at": _AT,
    "distinct_id": "bob",
    "anonymous_id": None,
    "user_id": "bob",
    "session_id": "s-2",
    "groups": [],
    "properties": {"$browser": "Chrome", "plan": "free"},
}

SMART_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "list_smart_events": (Example(name="all", summary="All of them", path=_PROJECT, answer=_page(_KEPT)),),
    "create_smart_event": (
        Example(
            name="button",
            summary="A click on the button of a form",
            path=_PROJECT,
            body={
                "name": "Ordered",
                "description": "The button at the end of the checkout",
                "rules": [{"event": "$click", "selector": "form.checkout > button#buy", "text": "Buy now"}],
            },
            status=201,
            answer=_smart(
                name="Ordered",
                description="The button at the end of the checkout",
                rules=[_EMPTY | {"event": "$click", "selector": "form.checkout > button#buy", "text": "Buy now"}],
            ),
        ),
    ),
    "get_smart_event": (Example(name="prices", summary="One smart event", path=_SMART, answer=_KEPT),),
    "update_smart_event": (
        Example(
            name="archive",
            summary="Take one out of lists",
            path=_SMART,
            body={"archived": True},
            answer=_KEPT | {"archived": True, "version": 2},
        ),
    ),
    "preview_rules": (
        Example(
            name="free_checkouts",
            summary="Checkouts of the free plan, on one day",
            path=_PROJECT,
            body={
                "rules": [{"event": "checkout_started", "properties": {"plan": "free"}}],
                "date_from": "2025-03-03",
                "date_to": "2025-03-03",
            },
            answer={"count": 1, "events": [_CHECKOUT]},
        ),
    ),
    "preview_smart_event": (
        Example(
            name="newest",
            summary="The newest event that it means",
            path=_SMART,
            body={"limit": 1},
            answer={"count": 3, "events": [_CHECKOUT]},
        ),
    ),
    "list_saved_insights": (Example(name="all", summary="All of them", path=_PROJECT, answer=_page(shown_insight())),),
    "create_saved_insight": (
        Example(
            name="funnel",
            summary="From the pricing page to a purchase",
            path=_PROJECT,
            body={
                "name": "Purchases",
                "kind": "funnel",
                "query": {
                    "steps": [
                        {"event": "$pageview", "properties": {"$current_url": "/pricing"}},
                        {"event": "purchase_completed"},
                    ],
                    "date_from": "-30d",
                },
            },
            status=201,
            answer=shown_insight(
                name="Purchases",
                description="",
                kind="funnel",
                chart=None,
                query={
                    "steps": [
                        {"event": "$pageview", "properties": {"$current_url": "/pricing"}},
                        {"event": "purchase_completed"},
                    ],
                    "date_from": "-30d",
                },
            ),
        ),
    ),
    "get_saved_insight": (Example(name="checkouts", summary="One saved insight", path=_SAVED, answer=shown_insight()),),
    "update_saved_insight": (
        Example(
            name="rename",
            summary="Another name",
            path=_SAVED,
            body={"name": "Checkouts of the week"},
            answer=shown_insight(name="Checkouts of the week", version=2),
        ),
    ),
}
