"""Routes by which a project's events leave: the plan of an export, and an export."""

from collections.abc import Callable
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream
from msgspec.structs import replace

from sv.insights.event_export import plan_export
from sv.insights.runner import Context, Kind
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.exports import ExportFormat, ExportQuery, parse_export_query
from sv.web.filters import check_regexes
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, project_of, run, services_of
from sv.web.smart import kept_patterns, smart_list

MEDIA_TYPES: Final = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.CSV: "text/csv",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


@get(f"{PROJECT}/events/export/plan", operation_id="plan_export", opt={"permission": READ_PROJECT})
async def plan_export_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """The pieces of an export, all of one moment."""
    project, query = await _asked(request, project_id)
    now_ms = services_of(request).now_ms()
    return await run(request, project, _range(query), _checked(query, lambda context, asked: plan_export(context, asked, now_ms)))


@get(f"{PROJECT}/events/export", operation_id="export_events", opt={"permission": READ_PROJECT})
async def export_events_route(request: AnyRequest, project_id: FromPath[str]) -> Stream:
    """Events as they are read. A fault in the middle ends the connection before the answer's end."""
    project, query = await _asked(request, project_id)
    if (
        query.events.filters or query.events.rules
    ):  # a pattern that doesn't compile is a parameter's fault, and is to be told before anything is sent
        await run(request, project, (0, 1), _checked(query, lambda _context, _query: None), Kind.PAGE)
    blocks = await services_of(request).exports.start(project.id, query)
    headers = {"Content-Disposition": f'attachment; filename="events.{query.format}"'}
    return Stream(blocks, media_type=MEDIA_TYPES[query.format], headers=headers)


async def _asked(request: AnyRequest, project_id: str) -> tuple[Project, ExportQuery]:
    project = await project_of(request, project_id)
    pairs = request.query_params.multi_items()
    query = parse_export_query(pairs, timezone=project.timezone, now_ms=services_of(request).now_ms())
    return project, replace(query, events=await smart_list(request, project, query.events))


def _range(query: ExportQuery) -> tuple[int, int]:
    return query.events.dates.from_ms, query.events.dates.to_ms


def _checked(query: ExportQuery, work: Callable[[Context, ExportQuery], Any]) -> Callable[[Context], Any]:
    def checked(context: Context) -> Any:
        try:
            filters = [(f"filters[{place}]", item) for place, item in enumerate(query.events.filters)]
            check_regexes(context, filters, kept_patterns(query.events))
            return work(context, query)
        except ValidationFailed as error:  # in a query string every fault is a parameter's
            raise InvalidParameter(error.message) from None

    return checked
