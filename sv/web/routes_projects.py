"""Routes that manage projects: making, changing, rotating the project token, deleting; and the trail of what was changed."""

import asyncio
from typing import Any, Final

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from sv.auth.permissions import Principal, actor_of, projects_with, scopes_in
from sv.meta.projects import Project
from sv.model.access import Scope
from sv.model.paging import PageQuery, parse_page_query
from sv.people.answers import show_audit_entry, show_page, show_project, show_project_tokens
from sv.people.bodies import parse_project, parse_rotation
from sv.people.people import People
from sv.people.projects import WithToken, change_project, create_project, delete_project, rotate_project_token
from sv.web.permissions import ADMIN, ADMIN_PROJECT, READ_PROJECT, READ_SOMEWHERE
from sv.web.requests import PROJECT, AnyRequest, answer, body_of, caller_of, json_of, project_of, refuse_parameters, services_of

PROJECTS: Final = "/api/v1/projects"


@get(PROJECTS, operation_id="list_projects", opt={"permission": READ_SOMEWHERE})
async def list_projects_route(request: AnyRequest) -> Response[bytes]:
    """The projects that the caller may read."""
    query = parse_page_query(request.query_params.multi_items())
    people, visible = services_of(request).people, projects_with(caller_of(request), Scope.READ)
    found = await asyncio.to_thread(people.projects.page, query, visible)
    return answer(show_page(found, query, show_project, lambda each: (each.created_ms, each.id)))


@post(PROJECTS, operation_id="create_project", opt={"permission": ADMIN})
async def create_project_route(request: AnyRequest) -> Response[bytes]:
    """A new project with its project token."""
    refuse_parameters(request)
    new = parse_project(await json_of(request), is_new=True)
    made = await asyncio.to_thread(create_project, services_of(request).people, actor_of(caller_of(request)), new)
    return answer(_with_token(made), 201)


@get(PROJECT, operation_id="get_project", opt={"permission": READ_PROJECT})
async def get_project_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """One project; its project tokens for those who administer it."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(await asyncio.to_thread(_whole, services_of(request).people, caller_of(request), project))


@patch(PROJECT, operation_id="change_project", opt={"permission": ADMIN_PROJECT})
async def change_project_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Another name, timezone or other settings."""
    await project_of(request, project_id)
    refuse_parameters(request)
    change = parse_project(await json_of(request), is_new=False)
    people, caller = services_of(request).people, caller_of(request)
    project = await asyncio.to_thread(change_project, people, actor_of(caller), project_id, change)
    return answer(await asyncio.to_thread(_whole, people, caller, project))


@post(f"{PROJECT}/rotate_token", status_code=200, operation_id="rotate_project_token", opt={"permission": ADMIN_PROJECT})
async def rotate_project_token_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """A new project token; the old one stays good for a while."""
    await project_of(request, project_id)
    refuse_parameters(request)
    overlap_ms = parse_rotation(await json_of(request) if await body_of(request) else {})
    people, actor = services_of(request).people, actor_of(caller_of(request))
    return answer(_with_token(await asyncio.to_thread(rotate_project_token, people, actor, project_id, overlap_ms)))


@delete(PROJECT, operation_id="delete_project", opt={"permission": ADMIN})
async def delete_project_route(request: AnyRequest, project_id: FromPath[str]) -> None:
    """Delete a project for good; its events leave the disk."""
    await project_of(request, project_id)
    refuse_parameters(request)
    services = services_of(request)
    await asyncio.to_thread(delete_project, services.people, actor_of(caller_of(request)), project_id)
    services.look_for_deleted()


@get(f"{PROJECT}/audit", operation_id="list_project_audit", opt={"permission": ADMIN_PROJECT})
async def list_project_audit_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Who changed what in the project."""
    project = await project_of(request, project_id)
    return await _audit(request, project.id)


@get("/api/v1/audit", operation_id="list_audit", opt={"permission": ADMIN})
async def list_audit_route(request: AnyRequest) -> Response[bytes]:
    """Who changed what, in every project and in the instance."""
    return await _audit(request, None)


ROUTES: Final = (
    list_projects_route,
    create_project_route,
    get_project_route,
    change_project_route,
    rotate_project_token_route,
    delete_project_route,
    list_project_audit_route,
    list_audit_route,
)


async def _audit(request: AnyRequest, project_id: str | None) -> Response[bytes]:
    query: PageQuery = parse_page_query(request.query_params.multi_items())
    found = await asyncio.to_thread(services_of(request).people.audit.page, query, project_id)
    return answer(show_page(found, query, show_audit_entry, lambda each: (each.at_ms, each.id)))


def _with_token(made: WithToken) -> dict[str, Any]:
    return show_project(made.project) | {"project_token": made.project_token}


def _whole(people: People, caller: Principal, project: Project) -> dict[str, Any]:
    """The project, with its project tokens for those who administer it: nobody who may only read is shown tokens with which they could
    write."""
    may_see = Scope.ADMIN in scopes_in(caller, project.id)
    tokens = show_project_tokens(people.project_tokens.tokens_of(project.id), people.now_ms()) if may_see else None
    return show_project(project) | {"project_tokens": tokens}
