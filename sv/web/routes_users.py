"""Routes that manage users, and who has which part in a project."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from sv.auth.passwords import check_password, hash_password, make_password
from sv.auth.permissions import actor_of
from sv.meta.users import User
from sv.model.paging import PageQuery, parse_page_query
from sv.people.answers import show_member, show_page, show_user
from sv.people.bodies import parse_member, parse_new_member, parse_user
from sv.people.people import People
from sv.people.users import add_member, change_member, change_user, create_user, delete_user, remove_member
from sv.web.permissions import ADMIN, ADMIN_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, caller_of, json_of, project_of, refuse_parameters, services_of

USERS: Final = "/api/v1/users"
MEMBERS: Final = f"{PROJECT}/members"


@get(USERS, operation_id="list_users", opt={"permission": ADMIN})
async def list_users_route(request: AnyRequest) -> Response[bytes]:
    """Every user, with their roles."""
    query = parse_page_query(request.query_params.multi_items())
    return answer(await asyncio.to_thread(_users, services_of(request).people, query))


@post(USERS, operation_id="create_user", opt={"permission": ADMIN})
async def create_user_route(request: AnyRequest) -> Response[bytes]:
    """A new user; a password that was made up is shown once."""
    refuse_parameters(request)
    new = parse_user(await json_of(request), is_new=True)
    services, actor = services_of(request), actor_of(caller_of(request))
    made = None if new.password is not None else make_password()
    password_hash = await services.hashing.run(_hashing(made or new.password or ""))
    user = await asyncio.to_thread(create_user, services.people, actor, new, password_hash)
    shown = await asyncio.to_thread(_user, services.people, user)
    return answer(shown | {"password": made}, 201)


@get(f"{USERS}/{{user_id:str}}", operation_id="get_user", opt={"permission": ADMIN})
async def get_user_route(request: AnyRequest, user_id: FromPath[str]) -> Response[bytes]:
    """One user, with their roles."""
    refuse_parameters(request)
    people = services_of(request).people
    return answer(await asyncio.to_thread(lambda: _user(people, people.users.get(user_id))))


@patch(f"{USERS}/{{user_id:str}}", operation_id="change_user", opt={"permission": ADMIN})
async def change_user_route(request: AnyRequest, user_id: FromPath[str]) -> Response[bytes]:
    """Other roles, another password, or the right to administer the instance."""
    refuse_parameters(request)
    change = parse_user(await json_of(request), is_new=False)
    services, actor = services_of(request), actor_of(caller_of(request))
    password_hash = None if change.password is None else await services.hashing.run(_hashing(change.password))
    user = await asyncio.to_thread(change_user, services.people, actor, user_id, change, password_hash)
    return answer(await asyncio.to_thread(_user, services.people, user))


@delete(f"{USERS}/{{user_id:str}}", operation_id="delete_user", opt={"permission": ADMIN})
async def delete_user_route(request: AnyRequest, user_id: FromPath[str]) -> None:
    """Remove a user, with their roles and login sessions."""
    refuse_parameters(request)
    await asyncio.to_thread(delete_user, services_of(request).people, actor_of(caller_of(request)), user_id)


@get(MEMBERS, operation_id="list_members", opt={"permission": ADMIN_PROJECT})
async def list_members_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Who has a part in the project."""
    project = await project_of(request, project_id)
    query = parse_page_query(request.query_params.multi_items())
    found = await asyncio.to_thread(services_of(request).people.users.page_of_members, project.id, query)
    return answer(show_page(found, query, show_member, lambda each: (each.created_ms, each.user_id)))


@post(MEMBERS, operation_id="add_member", opt={"permission": ADMIN_PROJECT})
async def add_member_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Give a user a part in the project."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    email, role = parse_new_member(await json_of(request))
    people, actor = services_of(request).people, actor_of(caller_of(request))
    return answer(show_member(await asyncio.to_thread(add_member, people, actor, project.id, email, role)), 201)


@patch(f"{MEMBERS}/{{user_id:str}}", operation_id="change_member", opt={"permission": ADMIN_PROJECT})
async def change_member_route(request: AnyRequest, project_id: FromPath[str], user_id: FromPath[str]) -> Response[bytes]:
    """Another role in the project."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    role = parse_member(await json_of(request))
    people, actor = services_of(request).people, actor_of(caller_of(request))
    return answer(show_member(await asyncio.to_thread(change_member, people, actor, project.id, user_id, role)))


@delete(f"{MEMBERS}/{{user_id:str}}", operation_id="remove_member", opt={"permission": ADMIN_PROJECT})
async def remove_member_route(request: AnyRequest, project_id: FromPath[str], user_id: FromPath[str]) -> None:
    """Take a user's part in the project away."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    people, actor = services_of(request).people, actor_of(caller_of(request))
    await asyncio.to_thread(remove_member, people, actor, project.id, user_id)


ROUTES: Final = (
    list_users_route,
    create_user_route,
    get_user_route,
    change_user_route,
    delete_user_route,
    list_members_route,
    add_member_route,
    change_member_route,
    remove_member_route,
)


def _hashing(password: str) -> Callable[[], str]:
    """The work of hashing a password that somebody chose or that was made. Raises ValidationFailed for one that can't be."""
    check_password(password)
    return partial(hash_password, password)


def _user(people: People, user: User) -> dict[str, Any]:
    return show_user(user, people.users.roles_of(user.id))


def _users(people: People, query: PageQuery) -> dict[str, Any]:
    return show_page(people.users.page(query), query, lambda each: _user(people, each), lambda each: (each.created_ms, each.id))
