"""Routes that read sessions."""

from typing import Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec.structs import replace

from sv.insights.sessions import events_in
from sv.meta.projects import Project
from sv.model.identity import is_merged
from sv.model.queries import EventsQuery
from sv.model.session_parsing import SessionsQuery, parse_sessions_query
from sv.web.paths import name_of
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, call, project_of, refuse_parameters, services_of
from sv.web.routes_persons import PERSON
from sv.web.routes_reading import answer_events, events_query_of

SESSION: Final = f"{PROJECT}/sessions/{{session_id:str}}"


@get(f"{PROJECT}/sessions", operation_id="list_sessions", opt={"permission": READ_PROJECT})
async def list_sessions_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Sessions, the latest start first, page by page."""
    project = await project_of(request, project_id)
    query = _query_of(request, project)
    services, merged = services_of(request), is_merged(project.settings)
    return answer(
        await call(request, project, lambda: msgspec.json.encode(services.sessions.page(project.id, query, is_merged=merged)))
    )


@get(f"{PERSON}/sessions", operation_id="list_person_sessions", opt={"permission": READ_PROJECT})
async def list_person_sessions_route(
    request: AnyRequest, project_id: FromPath[str], distinct_id: FromPath[str]
) -> Response[bytes]:
    """The sessions in which a person has an event, likewise."""
    project = await project_of(request, project_id)
    query = _query_of(request, project, without=("distinct_id",))
    services, merged = services_of(request), is_merged(project.settings)

    def page() -> bytes:
        person = services.persons.find(project.id, name_of(distinct_id), is_merged=merged)
        own = replace(query, wanted=replace(query.wanted, distinct_id=person.distinct_id))
        return msgspec.json.encode(services.sessions.page(project.id, own, is_merged=merged))

    return answer(await call(request, project, page))


@get(SESSION, operation_id="get_session", opt={"permission": READ_PROJECT})
async def get_session_route(request: AnyRequest, project_id: FromPath[str], session_id: FromPath[str]) -> Response[bytes]:
    """One session by its id."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, merged = services_of(request), is_merged(project.settings)
    return answer(await call(request, project, lambda: services.sessions.one(project.id, name_of(session_id), is_merged=merged)))


@get(f"{SESSION}/events", operation_id="list_session_events", opt={"permission": READ_PROJECT})
async def list_session_events_route(request: AnyRequest, project_id: FromPath[str], session_id: FromPath[str]) -> Response[bytes]:
    """A session's events, newest first, page by page."""
    project = await project_of(request, project_id)
    query = events_query_of(request, project, without=("session_id",))
    services, merged = services_of(request), is_merged(project.settings)

    def narrowed(asked: EventsQuery) -> EventsQuery:
        return events_in(services.sessions.find(project.id, name_of(session_id), is_merged=merged), asked)

    return await answer_events(request, project, query, narrowed)


def _query_of(request: AnyRequest, project: Project, *, without: tuple[str, ...] = ()) -> SessionsQuery:
    pairs = request.query_params.multi_items()
    return parse_sessions_query(pairs, timezone=project.timezone, now_ms=services_of(request).now_ms(), without=without)
