"""Whatever changes what somebody set up is in the audit trail: every route that is no GET, so that a new one can't be forgotten."""

from typing import Any, Final

import pytest
from http_rig import Api

from tests.http.openapi.openapi_rig import operations
from tests.http.openapi.test_openapi_statuses import REQUESTS, send

ACTIONS: Final = {
    "add_member": "member.add",
    "change_member": "member.update",
    "change_password": "user.password",
    "change_project": "project.update",
    "change_user": "user.update",
    "create_api_token": "api_token.create",
    "create_dashboard": "dashboard.create",
    "create_project": "project.create",
    "create_saved_insight": "insight.create",
    "create_smart_event": "smart_event.create",
    "create_user": "user.create",
    "delete_dashboard": "dashboard.delete",
    "delete_project": "project.delete",
    "delete_saved_insight": "insight.delete",
    "delete_smart_event": "smart_event.delete",
    "delete_user": "user.delete",
    "erase_person": "person.erase",
    "remove_member": "member.remove",
    "revoke_api_token": "api_token.revoke",
    "rotate_project_token": "project.rotate_token",
    "update_dashboard": "dashboard.update",
    "update_event_definition": "event_definition.update",
    "update_property_definition": "property_definition.update",
    "update_saved_insight": "insight.update",
    "update_smart_event": "smart_event.update",
}
"""By operation, what the trail calls it."""

NOT_THERE: Final = frozenset({
    "ingest_events", "ingest_recording", "put_object", "take_import_chunk",  # what comes in
    "query_funnel", "list_funnel_persons", "query_overview", "query_sql", "query_trends", "preview_rules", "preview_smart_event",
    "log_in", "log_out", "end_login_session",  # one's own
    "reset_server",  # of `sv dev`
})  # fmt: skip
"""These set nothing up, and change nothing of what somebody did."""

CHANGES: Final = {
    "change_project": {"name": "Another name"},
    "change_user": {"is_instance_admin": True},
    "update_dashboard": {"name": "Tuesdays"},
}
"""Where the request that shows a status leaves all as it is, one that does not."""

MADE_BEFORE: Final = ("user.create", "smart_event.create")
"""What such a request may need to be there."""


def newest(api: Api) -> dict[str, Any]:
    found: list[dict[str, Any]] = api.http.get("/api/v1/audit", params={"limit": 1}).json()["data"]
    return found[0] if found else {}


@pytest.mark.parametrize("name", sorted(name for name, found in operations().items() if found.method != "GET"))
def test_what_changes_something_is_in_the_trail(api: Api, tokens: dict[str, str], name: str) -> None:
    (status,) = [status for status in REQUESTS[name] if status.startswith("2")]
    path, sent = REQUESTS[name][status]
    sent = sent | ({"json": CHANGES[name]} if name in CHANGES else {})
    before = newest(api)
    answer = send(api, name, path, sent, tokens)
    assert answer.status_code == int(status), answer.text
    entry = newest(api)
    if name in ACTIONS:
        assert entry != before
        assert (entry["action"], name in NOT_THERE) == (ACTIONS[name], False)
    else:
        assert name in NOT_THERE, "a new route: is what it changes in the trail?"
        assert entry.get("action") in (before.get("action"), *MADE_BEFORE)
