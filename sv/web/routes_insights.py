"""Routes that answer insights."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from msgspec.structs import replace

from sv.insights.funnel_persons import funnel_persons
from sv.insights.funnels import funnel
from sv.insights.overview import overview, range_of
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.calendar import DateRange
from sv.model.filters import Filter
from sv.model.funnel_persons_parsing import parse_funnel_persons_query
from sv.model.overview_parsing import parse_overview_query
from sv.model.queries import FunnelQuery, TrendsQuery
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.web.filters import Pattern, check_regexes
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, json_of, project_of, refuse_parameters, run, services_of
from sv.web.smart import kept_patterns, smart_funnel, smart_trends


@post(f"{PROJECT}/insights/trends", status_code=200, operation_id="query_trends", opt={"permission": READ_PROJECT})
async def trends_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """A measure over time, by series and by the values of a breakdown."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    body = await json_of(request)
    query = parse_trends_query(body, timezone=project.timezone, now_ms=services_of(request).now_ms())
    query = await smart_trends(request, project, query)
    work = _timed(lambda c: trends(c, query), filters_of(query), kept_patterns(query))
    return await run(request, project, _range(query.dates), work, same=(query,))


@post(f"{PROJECT}/insights/funnel", status_code=200, operation_id="query_funnel", opt={"permission": READ_PROJECT})
async def funnel_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """How many persons or sessions go through the steps in order, within a window."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    body = await json_of(request)
    query = parse_funnel_query(body, timezone=project.timezone, now_ms=services_of(request).now_ms())
    query = await smart_funnel(request, project, query)
    work = _timed(lambda c: funnel(c, query), filters_of(query), kept_patterns(query))
    return await run(request, project, _range(query.dates), work, same=(query,))


@post(f"{PROJECT}/insights/funnel/persons", status_code=200, operation_id="list_funnel_persons", opt={"permission": READ_PROJECT})
async def funnel_persons_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Who a funnel's figures are, page by page."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    body = await json_of(request)
    services = services_of(request)
    query = parse_funnel_persons_query(body, timezone=project.timezone, now_ms=services.now_ms())
    query = replace(query, funnel=await smart_funnel(request, project, query.funnel))
    filters, kept = filters_of(query.funnel), kept_patterns(query.funnel)

    def page(context: Context) -> dict[str, Any]:
        check_regexes(context, filters, kept)
        return funnel_persons(context, query, services.persons)

    return await run(request, project, _range(query.funnel.dates), page)


@post(f"{PROJECT}/insights/overview", status_code=200, operation_id="query_overview", opt={"permission": READ_PROJECT})
async def overview_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """A site's visitors, sessions and pages at a glance."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    now_ms = services_of(request).now_ms()
    query = parse_overview_query(await json_of(request), timezone=project.timezone, now_ms=now_ms)
    filters = [(f"filters[{place}]", item) for place, item in enumerate(query.given)]
    return await run(
        request, project, range_of(query, now_ms), _timed(lambda c: overview(c, query, now_ms), filters), same=(query, now_ms)
    )


def _range(dates: DateRange) -> tuple[int, int]:
    return dates.from_ms, dates.to_ms


def filters_of(query: TrendsQuery | FunnelQuery) -> list[tuple[str, Filter]]:
    """Every filter of the query with its path, for checks that only the engine can make."""
    field, items = ("events", query.series) if isinstance(query, TrendsQuery) else ("steps", query.steps)
    found = [(f"filters[{place}]", item) for place, item in enumerate(query.filters)]
    for number, part in enumerate(items):
        found += [(f"{field}[{number}].filters[{place}]", item) for place, item in enumerate(part.filters)]
    return found


def _timed(
    insight: Callable[[Context], dict[str, Any]], filters: list[tuple[str, Filter]], kept: Sequence[Pattern] = ()
) -> Callable[[Context], dict[str, Any]]:
    """The insight with `elapsed_ms`: the time on the query thread, without waiting in line."""

    def run_timed(context: Context) -> dict[str, Any]:
        started = time.perf_counter()
        check_regexes(context, filters, kept)
        answer = insight(context)
        answer["elapsed_ms"] = round((time.perf_counter() - started) * 1000, 3)
        return answer

    return run_timed
