"""Routes that read events."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec.structs import replace

from sv.insights.events import event_time_ms, get_event, list_events
from sv.insights.runner import Context, Kind
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.identity import is_merged
from sv.model.queries import EventsQuery
from sv.model.query_parsing import parse_events_query
from sv.model.validate import show
from sv.web.filters import check_regexes
from sv.web.paths import name_of
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, project_of, refuse_parameters, run, services_of
from sv.web.smart import kept_patterns, smart_list


@get(f"{PROJECT}/events", operation_id="list_events", opt={"permission": READ_PROJECT})
async def list_events_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Events, newest first, page by page."""
    project = await project_of(request, project_id)
    return await answer_events(request, project, events_query_of(request, project))


def events_query_of(request: AnyRequest, project: Project, *, without: tuple[str, ...] = ()) -> EventsQuery:
    """What list of events the query string asks for. without: see `parse_events_query`. Raises InvalidParameter."""
    now_ms = services_of(request).now_ms()
    pairs = request.query_params.multi_items()
    return parse_events_query(pairs, timezone=project.timezone, now_ms=now_ms, without=without)


async def answer_events(
    request: AnyRequest, project: Project, query: EventsQuery, narrowed: Callable[[EventsQuery], EventsQuery] | None = None
) -> Response[bytes]:
    """A page of events.

    narrowed: makes of the query one of a person's or a session's events alone. It is called once it is settled which events are looked at,
    so that what it says is never older: a session that began earlier meanwhile would lack that event, and have others of the same request.
    """
    query = await smart_list(request, project, query)
    filters = [(f"filters[{place}]", item) for place, item in enumerate(query.filters)]

    def page(context: Context) -> dict[str, Any]:
        try:
            check_regexes(context, filters, kept_patterns(query))
            asked = query if narrowed is None else narrowed(query)
            return list_events(context, _of_known_person(request, project, asked))
        except ValidationFailed as error:  # in a query string every fault is a parameter's
            raise InvalidParameter(error.message) from None

    kind = Kind.SEARCH if query.filters or query.rules else Kind.PAGE
    return await run(request, project, (0, query.dates.to_ms), page, kind, same=(query,))


def _of_known_person(request: AnyRequest, project: Project, query: EventsQuery) -> EventsQuery:
    """The same query, which has fewer files to read where the distinct id's number is known. For a query thread, which has its snapshot."""
    if query.distinct_id is None or query.person is not None or is_merged(project.settings):
        return query
    return replace(query, person=services_of(request).persons.number_of(project.id, query.distinct_id))


@get(f"{PROJECT}/events/{{event_id:str}}", operation_id="get_event", opt={"permission": READ_PROJECT})
async def get_event_route(request: AnyRequest, project_id: FromPath[str], event_id: FromPath[str]) -> Response[bytes]:
    """One event by its id."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    uuid = _uuid(event_id)
    at_ms = event_time_ms(uuid)
    return await run(request, project, (0, at_ms + 1), lambda context: get_event(context, uuid), Kind.PAGE)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidParameter(f"expected a UUID, got {show(name_of(text))} (event_id)") from None
