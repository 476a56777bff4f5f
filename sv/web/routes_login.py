"""Routes by which a person logs in, out, and looks after their own login sessions."""

import asyncio
from functools import partial
from typing import Any, Final

from litestar import Response, delete, get, post
from litestar.params import FromPath

from sv.auth.permissions import Principal
from sv.meta.projects import Project
from sv.model.access import Role
from sv.model.limits import MAX_MEMBERSHIPS
from sv.model.paging import PageQuery, parse_page_query
from sv.people.answers import show_login_session, show_page, show_user
from sv.people.bodies import parse_login, parse_password_change
from sv.people.logins import change_own_password, log_in
from sv.people.people import People
from sv.web.cookies import clear_cookie, expect_own_page, is_secure, set_cookie
from sv.web.permissions import ANYONE, LOGIN
from sv.web.requests import AnyRequest, answer, caller_of, json_of, refuse_parameters, services_of

AUTH: Final = "/api/v1/auth"

MAX_LOGIN_BODY_BYTES: Final = 16 << 10
"""Whoever sends it has shown nothing yet. An e-mail and a password of the greatest length, each character escaped, are less."""


@post(
    f"{AUTH}/login",
    status_code=200,
    operation_id="log_in",
    opt={"permission": ANYONE},
    request_max_body_size=MAX_LOGIN_BODY_BYTES,
)
async def log_in_route(request: AnyRequest) -> Response[bytes]:
    """A login session for an e-mail and its password, as a cookie."""
    refuse_parameters(request)
    services = services_of(request)
    expect_own_page(request.headers, services.public_url, is_required=False)
    email, password = parse_login(await json_of(request))
    people = services.people
    address = _address_of(request)
    people.throttle.take(address, email)
    agent = request.headers.get("user-agent", "")
    login = await services.hashing.run(partial(log_in, people, email, password, address=address, user_agent=agent))
    principal = Principal(
        kind="user",
        scopes=frozenset(),
        project_id=None,
        user_id=login.user.id,
        session_id=login.session.id,
        name=login.user.email,
    )
    answered = answer(await asyncio.to_thread(_me, people, principal))
    answered.headers["set-cookie"] = set_cookie(
        login.secret,
        people.login_session_ms // 1000,
        is_secure=_is_secure(request, services.public_url),
        base_path=services.base_path,
    )
    return answered


@post(f"{AUTH}/logout", status_code=204, operation_id="log_out", opt={"permission": LOGIN})
async def log_out_route(request: AnyRequest) -> Response[None]:
    """End the login session of the cookie."""
    refuse_parameters(request)
    services, caller = services_of(request), caller_of(request)
    await asyncio.to_thread(services.people.login_sessions.end, caller.session_id or "", caller.user_id or "")
    cleared = clear_cookie(is_secure=_is_secure(request, services.public_url), base_path=services.base_path)
    return Response(None, status_code=204, headers={"set-cookie": cleared})


@get(f"{AUTH}/me", operation_id="get_me", opt={"permission": LOGIN})
async def get_me_route(request: AnyRequest) -> Response[bytes]:
    """Who is logged in, with their projects."""
    refuse_parameters(request)
    return answer(await asyncio.to_thread(_me, services_of(request).people, caller_of(request)))


@post(f"{AUTH}/password", status_code=204, operation_id="change_password", opt={"permission": LOGIN})
async def change_password_route(request: AnyRequest) -> None:
    """A new password; the user's other login sessions end."""
    refuse_parameters(request)
    services, caller = services_of(request), caller_of(request)
    current, new = parse_password_change(await json_of(request))
    address = _address_of(request)
    services.people.throttle.take(address, caller.name)
    await services.hashing.run(partial(change_own_password, services.people, caller, current, new, address))


@get(f"{AUTH}/sessions", operation_id="list_login_sessions", opt={"permission": LOGIN})
async def list_login_sessions_route(request: AnyRequest) -> Response[bytes]:
    """The user's own login sessions."""
    query = parse_page_query(request.query_params.multi_items())
    return answer(await asyncio.to_thread(_sessions, services_of(request).people, caller_of(request), query))


@delete(f"{AUTH}/sessions/{{login_session_id:str}}", operation_id="end_login_session", opt={"permission": LOGIN})
async def end_login_session_route(request: AnyRequest, login_session_id: FromPath[str]) -> None:
    """End one of the user's own login sessions."""
    refuse_parameters(request)
    caller = caller_of(request)
    await asyncio.to_thread(services_of(request).people.login_sessions.end, login_session_id, caller.user_id or "")


ROUTES: Final = (
    log_in_route,
    log_out_route,
    get_me_route,
    change_password_route,
    list_login_sessions_route,
    end_login_session_route,
)


def _me(people: People, caller: Principal) -> dict[str, Any]:
    user = people.users.get(caller.user_id or "")
    memberships = people.users.roles_of(user.id)
    roles = {held.project_id: held.role for held in memberships}
    projects = people.projects.page(PageQuery(MAX_MEMBERSHIPS), None if user.is_instance_admin else roles)[:MAX_MEMBERSHIPS]
    shown = show_user(user, memberships)
    del shown["memberships"]
    return {"user": shown, "projects": [_project(project, roles, is_admin=user.is_instance_admin) for project in projects]}


def _project(project: Project, roles: dict[str, Role], *, is_admin: bool) -> dict[str, Any]:
    role = Role.ADMIN if is_admin else roles[project.id]
    return {"id": project.id, "name": project.name, "timezone": project.timezone, "role": role.value}


def _sessions(people: People, caller: Principal, query: PageQuery) -> dict[str, Any]:
    found = people.login_sessions.page_of(caller.user_id or "", people.now_ms(), query)
    return show_page(
        found, query, lambda each: show_login_session(each, caller.session_id), lambda each: (each.created_ms, each.id)
    )


def _address_of(request: AnyRequest) -> str:
    """The caller's address; a trusted proxy's word for it has taken the proxy's own place already."""
    return request.client.host if request.client is not None else ""


def _is_secure(request: AnyRequest, public_url: str | None) -> bool:
    return is_secure(str(request.scope["scheme"]), request.headers, public_url)
