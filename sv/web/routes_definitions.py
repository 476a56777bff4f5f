"""Routes of event and property definitions."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, get, patch
from litestar.params import FromPath

from sv.auth.permissions import actor_of
from sv.insights.definitions import Definitions
from sv.meta.projects import Project
from sv.model.definitions_parsing import EVENT_PARAMETERS, PROPERTY_PARAMETERS, parse_definitions_query, parse_notes
from sv.people.notes import in_trail
from sv.web.paths import name_of
from sv.web.permissions import READ_PROJECT, WRITE_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, call, caller_of, json_of, project_of, refuse_parameters, services_of


@get(f"{PROJECT}/event_definitions", operation_id="list_event_definitions", opt={"permission": READ_PROJECT})
async def list_event_definitions_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """The names of events, newest first, page by page."""
    project = await project_of(request, project_id)
    query = parse_definitions_query(request.query_params.multi_items(), EVENT_PARAMETERS)
    return await _answer(request, project, lambda definitions: definitions.list_events(project.id, query))


@get(f"{PROJECT}/property_definitions", operation_id="list_property_definitions", opt={"permission": READ_PROJECT})
async def list_property_definitions_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """The names of properties, newest first, page by page."""
    project = await project_of(request, project_id)
    query = parse_definitions_query(request.query_params.multi_items(), PROPERTY_PARAMETERS)
    return await _answer(request, project, lambda definitions: definitions.list_properties(project.id, query))


@patch(f"{PROJECT}/event_definitions/{{name:str}}", operation_id="update_event_definition", opt={"permission": WRITE_PROJECT})
async def update_event_definition_route(request: AnyRequest, project_id: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """What owners say of an event's name."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    change = parse_notes(await json_of(request))
    noted = in_trail(services_of(request).people, actor_of(caller_of(request)), "event_definition.update", project.id)
    return await _answer(request, project, lambda definitions: definitions.note_event(project.id, name_of(name), change, noted))


@patch(
    f"{PROJECT}/property_definitions/{{name:str}}", operation_id="update_property_definition", opt={"permission": WRITE_PROJECT}
)
async def update_property_definition_route(
    request: AnyRequest, project_id: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """What owners say of a property's name."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    change = parse_notes(await json_of(request))
    noted = in_trail(services_of(request).people, actor_of(caller_of(request)), "property_definition.update", project.id)
    return await _answer(
        request, project, lambda definitions: definitions.note_property(project.id, name_of(name), change, noted)
    )


async def _answer(request: AnyRequest, project: Project, work: Callable[[Definitions], dict[str, Any]]) -> Response[bytes]:
    services = services_of(request)
    return answer(await call(request, project, lambda: msgspec.json.encode(work(services.definitions))))
