"""Projects, tokens, users and the rest as callers get them: JSON values without secrets, for the routes and the command line."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import to_builtins

from sv.meta.api_tokens import ApiToken
from sv.meta.audit import AuditEntry
from sv.meta.login_sessions import LoginSession
from sv.meta.project_tokens import ProjectToken
from sv.meta.projects import Project
from sv.meta.users import Member, Membership, User
from sv.model.calendar import iso_ms
from sv.model.cursor import Cursor, encode_cursor
from sv.model.paging import PageQuery
from sv.model.project_settings import read_project_settings

Item = TypeVar("Item")


def show_project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "timezone": project.timezone,
        "settings": to_builtins(read_project_settings(project.settings)),
        "created_at": iso_ms(project.created_ms),
    }


def show_project_tokens(tokens: Sequence[ProjectToken], now_ms: int) -> list[dict[str, Any]]:
    """The tokens that are good now, newest first."""
    return [
        {"token": token.token, "created_at": iso_ms(token.created_ms), "expires_at": _time(token.expires_ms)}
        for token in tokens
        if token.revoked_ms is None and (token.expires_ms is None or token.expires_ms > now_ms)
    ]


def show_api_token(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": sorted(scope.value for scope in token.scopes),
        "project_id": token.project_id,
        "created_at": iso_ms(token.created_ms),
        "expires_at": _time(token.expires_ms),
        "revoked_at": _time(token.revoked_ms),
        "last_used_at": _time(token.last_used_ms),
    }


def show_user(user: User, memberships: Sequence[Membership]) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "is_instance_admin": user.is_instance_admin,
        "memberships": [{"project_id": held.project_id, "role": held.role.value} for held in memberships],
        "created_at": iso_ms(user.created_ms),
    }


def show_member(member: Member) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "email": member.email,
        "role": member.role.value,
        "created_at": iso_ms(member.created_ms),
    }


def show_login_session(session: LoginSession, current_id: str | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "created_at": iso_ms(session.created_ms),
        "last_used_at": iso_ms(session.last_used_ms),
        "expires_at": iso_ms(session.expires_ms),
        "address": session.address,
        "user_agent": session.user_agent,
        "is_current": session.id == current_id,
    }


def show_audit_entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "at": iso_ms(entry.at_ms),
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name},
        "action": entry.action,
        "project_id": entry.project_id,
        "target": {"id": entry.target_id, "name": entry.target_name},
        "before": entry.before,
        "after": entry.after,
    }


def show_page(
    items: Sequence[Item], query: PageQuery, show: Callable[[Item], dict[str, Any]], place: Callable[[Item], tuple[int, object]]
) -> dict[str, Any]:
    """A list's answer from its items and one more where there are more. place: an item's time and id, which the list is ordered by."""
    page = items[: query.limit]
    has_more = len(items) > query.limit
    cursor = None
    if has_more:
        ts, item_id = place(page[-1])
        cursor = encode_cursor(Cursor(ts, str(item_id)))
    return {"data": [show(item) for item in page], "meta": {"next_cursor": cursor, "has_more": has_more}}


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_ms(at_ms)
