"""Routes that read persons, including the export of everything that is kept of one."""

import asyncio
from typing import Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from sv.auth.permissions import actor_of
from sv.insights.export import PersonExport
from sv.insights.persons import events_of
from sv.model.identity import is_merged
from sv.model.person_parsing import parse_persons_query
from sv.model.queries import EventsQuery
from sv.web.paths import name_of
from sv.web.permissions import ADMIN_PROJECT, READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, call, caller_of, project_of, refuse_parameters, services_of
from sv.web.routes_reading import answer_events, events_query_of

NDJSON: Final = "application/x-ndjson"
PERSON: Final = f"{PROJECT}/persons/{{distinct_id:str}}"


@get(f"{PROJECT}/persons", operation_id="list_persons", opt={"permission": READ_PROJECT})
async def list_persons_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Persons, newest first, page by page."""
    project = await project_of(request, project_id)
    query = parse_persons_query(request.query_params.multi_items())
    services, merged = services_of(request), is_merged(project.settings)
    return answer(
        await call(request, project, lambda: msgspec.json.encode(services.persons.page(project.id, query, is_merged=merged)))
    )


@get(PERSON, operation_id="get_person", opt={"permission": READ_PROJECT})
async def get_person_route(request: AnyRequest, project_id: FromPath[str], distinct_id: FromPath[str]) -> Response[bytes]:
    """One person by the distinct id."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, merged = services_of(request), is_merged(project.settings)
    return answer(await call(request, project, lambda: services.persons.one(project.id, name_of(distinct_id), is_merged=merged)))


@get(f"{PERSON}/events", operation_id="list_person_events", opt={"permission": READ_PROJECT})
async def list_person_events_route(request: AnyRequest, project_id: FromPath[str], distinct_id: FromPath[str]) -> Response[bytes]:
    """A person's events, newest first, page by page."""
    project = await project_of(request, project_id)
    query = events_query_of(request, project, without=("distinct_id",))
    services, merged = services_of(request), is_merged(project.settings)

    def narrowed(asked: EventsQuery) -> EventsQuery:
        person = services.persons.find(project.id, name_of(distinct_id), is_merged=merged)
        return events_of(person, asked, is_merged=merged)

    return await answer_events(request, project, query, narrowed)


@get(f"{PERSON}/export", operation_id="export_person", opt={"permission": ADMIN_PROJECT})
async def export_person_route(request: AnyRequest, project_id: FromPath[str], distinct_id: FromPath[str]) -> Stream:
    """All that is kept of a person, line by line, as it is read. A fault in the middle ends the connection without the last line."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services = services_of(request)
    export = PersonExport(services.runner, services.persons, services.sessions, services.recordings, services.recording_threads)
    exported = await export.find(project, name_of(distinct_id))
    trail, actor = services.jobs.trail, actor_of(caller_of(request))
    await asyncio.to_thread(trail.exported, actor, project.id, exported.distinct_id)
    return Stream(export.lines(project, exported), media_type=NDJSON)
