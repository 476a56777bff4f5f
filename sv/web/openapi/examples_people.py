"""A story of people, projects and tokens, which the OpenAPI document shows and a test plays, in this order, with a fresh `sv dev`.

Answers for the same as `examples` does. A path names a user by their address, for which the test puts the id.
"""

from typing import Any, Final

from sv.web.openapi.operation import Example

PEOPLE_VARYING: Final = frozenset(
    {"created_at", "last_used_at", "at", "token", "project_token", "prefix", "password", "next_cursor", "user_agent", "user_id"}
)
"""Fields of answers whose values differ from server to server, and `expires_at` where it is one."""

_ID: Final = "k3v9x0a2m7qd"
_AT: Final = "2026-01-31T09:00:00.000Z"
_PUBLIC: Final = "sv_pub_4Jx2mPq8sT0vYbE7hKcR3nWd9zLgUf6A"
_CURSOR: Final = "eyJ0cyI6MTc2OTg1MDAwMDAwMCwiaWQiOiJrM3Y5eDBhMm03cWQifQ"
_LAST: Final = {"next_cursor": None, "has_more": False}
_MORE: Final = {"next_cursor": _CURSOR, "has_more": True}
_SETTINGS: Final = {
    "identity": "forward",
    "event_retention_days": None,
    "recording_retention_days": None,
    "autocapture": True,
    "respect_do_not_track": True,
    "recording_sample_rate": 0.0,
    "mask_all_inputs": True,
    "mask_all_text": False,
}
_DEV: Final = {"id": "dev", "name": "dev", "timezone": "UTC", "settings": _SETTINGS, "created_at": _AT}
_SHOP: Final = {
    "id": "shop",
    "name": "My shop",
    "timezone": "Europe/Berlin",
    "settings": _SETTINGS | {"event_retention_days": 400},
    "created_at": _AT,
}
_KEPT_TOKEN: Final = {"token": _PUBLIC, "created_at": _AT, "expires_at": None}
_SELF: Final = {"id": _ID, "email": "dev@localhost", "is_instance_admin": True, "created_at": _AT}
_ME: Final = {"user": _SELF, "projects": [{"id": "dev", "name": "dev", "timezone": "UTC", "role": "admin"}]}
_ANN: Final = {
    "id": _ID,
    "email": "ann@example.com",
    "is_instance_admin": False,
    "memberships": [{"project_id": "shop", "role": "viewer"}],
    "created_at": _AT,
}
_MEMBER: Final = {"user_id": _ID, "email": "ann@example.com", "role": "editor", "created_at": _AT}
_EXPORT: Final = {
    "id": _ID,
    "name": "nightly export",
    "prefix": "sv_4Jx2",
    "scopes": ["read"],
    "project_id": "shop",
    "created_at": _AT,
    "expires_at": "2030-01-31T12:00:00.000Z",
    "revoked_at": None,
    "last_used_at": None,
}
_ACTOR: Final = {"kind": "api_token", "id": _ID, "name": "dev"}


def _entry(action: str, target: tuple[str, str], before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": "12",
        "at": _AT,
        "actor": _ACTOR,
        "action": action,
        "project_id": "shop",
        "target": {"id": target[0], "name": target[1]},
        "before": before,
        "after": after,
    }


PEOPLE_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "log_in": (
        Example(
            name="login",
            summary="The login of `sv dev`",
            body={"email": "dev@localhost", "password": "dev"},
            answer=_ME,
        ),
    ),
    "get_me": (Example(name="me", summary="Who administers the instance", answer=_ME),),
    "list_login_sessions": (
        Example(
            name="sessions",
            summary="The newest login session",
            query={"limit": 1},
            answer={
                "data": [
                    {
                        "id": _ID,
                        "created_at": _AT,
                        "last_used_at": _AT,
                        "expires_at": "2026-03-02T09:00:00.000Z",
                        "address": "127.0.0.1",
                        "user_agent": "Mozilla/5.0",
                        "is_current": True,
                    }
                ],
                "meta": _LAST,
            },
        ),
    ),
    "change_password": (
        Example(
            name="password",
            summary="A better password",
            body={"current_password": "dev", "new_password": "correct horse battery"},
            status=204,
        ),
    ),
    "list_projects": (Example(name="projects", summary="The only project", answer={"data": [_DEV], "meta": _LAST}),),
    "create_project": (
        Example(
            name="shop",
            summary="A project in Berlin",
            body={"id": "shop", "name": "Shop", "timezone": "Europe/Berlin"},
            status=201,
            answer=_SHOP | {"name": "Shop", "settings": _SETTINGS, "project_token": _PUBLIC},
        ),
    ),
    "change_project": (
        Example(
            name="name_and_retention",
            summary="Another name, and events kept for 400 days",
            path={"project_id": "shop"},
            body={"name": "My shop", "settings": {"event_retention_days": 400}},
            answer=_SHOP | {"project_tokens": [_KEPT_TOKEN]},
        ),
    ),
    "get_project": (
        Example(
            name="shop",
            summary="A project as who administers it sees it",
            path={"project_id": "shop"},
            answer=_SHOP | {"project_tokens": [_KEPT_TOKEN]},
        ),
    ),
    "list_project_audit": (
        Example(
            name="newest",
            summary="The last change",
            path={"project_id": "shop"},
            query={"limit": 1},
            answer={
                "data": [
                    _entry(
                        "project.update",
                        ("shop", "My shop"),
                        {"name": "Shop", "event_retention_days": None},
                        {"name": "My shop", "event_retention_days": 400},
                    )
                ],
                "meta": _MORE,
            },
        ),
    ),
    "rotate_project_token": (
        Example(
            name="a_week",
            summary="The old token is good for another week",
            path={"project_id": "shop"},
            body={"overlap_hours": 168},
            answer=_SHOP | {"project_token": _PUBLIC},
        ),
    ),
    "create_user": (
        Example(
            name="ann",
            summary="Ann may look at the shop; her password is made up",
            body={"email": "ann@example.com", "memberships": [{"project_id": "shop", "role": "viewer"}]},
            status=201,
            answer=_ANN | {"password": "hK3-vT9x-Qm2p-8sYb"},
        ),
        Example(
            name="bob",
            summary="Bob has a password and no part in a project yet",
            body={"email": "bob@example.com", "password": "correct horse battery"},
            status=201,
            answer=_ANN | {"email": "bob@example.com", "memberships": [], "password": None},
        ),
    ),
    "get_user": (Example(name="ann", summary="One user", path={"user_id": "ann@example.com"}, answer=_ANN),),
    "add_member": (
        Example(
            name="bob",
            summary="Bob may write in the shop",
            path={"project_id": "shop"},
            body={"email": "bob@example.com", "role": "editor"},
            status=201,
            answer=_MEMBER | {"email": "bob@example.com"},
        ),
    ),
    "change_member": (
        Example(
            name="ann",
            summary="Ann may write, too",
            path={"project_id": "shop", "user_id": "ann@example.com"},
            body={"role": "editor"},
            answer=_MEMBER,
        ),
    ),
    "list_members": (
        Example(
            name="members",
            summary="The newest member of the shop",
            path={"project_id": "shop"},
            query={"limit": 1},
            answer={"data": [_MEMBER | {"email": "bob@example.com"}], "meta": _MORE},
        ),
    ),
    "change_user": (
        Example(
            name="ann",
            summary="Ann goes back to looking on",
            path={"user_id": "ann@example.com"},
            body={"memberships": [{"project_id": "shop", "role": "viewer"}]},
            answer=_ANN,
        ),
    ),
    "list_users": (
        Example(
            name="users",
            summary="The newest user",
            query={"limit": 1},
            answer={
                "data": [_ANN | {"email": "bob@example.com", "memberships": [{"project_id": "shop", "role": "editor"}]}],
                "meta": _MORE,
            },
        ),
    ),
    "create_api_token": (
        Example(
            name="export",
            summary="A token to read one project",
            body={"name": "nightly export", "project_id": "shop", "scopes": ["read"], "expires_at": "2030-01-31T12:00:00Z"},
            status=201,
            answer=_EXPORT | {"token": "sv_4Jx2mPq8sT0vYbE7hKcR3nWd9zLgUf6AiO1eXk5B"},
        ),
    ),
    "list_api_tokens": (
        Example(name="tokens", summary="The newest token", query={"limit": 1}, answer={"data": [_EXPORT], "meta": _MORE}),
    ),
    "list_audit": (
        Example(
            name="newest",
            summary="The last change, anywhere",
            query={"limit": 1},
            answer={
                "data": [
                    _entry(
                        "api_token.create",
                        (_ID, "nightly export"),
                        None,
                        {"prefix": "sv_4Jx2", "scopes": ["read"], "expires_at": "2030-01-31T12:00:00.000Z"},
                    )
                ],
                "meta": _MORE,
            },
        ),
    ),
}
