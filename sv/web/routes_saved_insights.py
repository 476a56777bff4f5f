"""Routes of saved insights: names for queries."""

import asyncio
from typing import Any, Final

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from sv.auth.permissions import actor_of
from sv.meta.projects import Project
from sv.meta.saved_insights import SavedInsight
from sv.model.calendar import iso_ms
from sv.model.queries import FunnelQuery, TrendsQuery
from sv.model.saved_parsing import parse_insight, parse_insight_change, parse_insight_list
from sv.model.smart_queries import action_ids
from sv.people.saved import create_insight, delete_insight, update_insight
from sv.web.filters import Pattern, patterns_of
from sv.web.permissions import READ_PROJECT, WRITE_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, caller_of, json_of, project_of, refuse_parameters, services_of
from sv.web.routes_insights import filters_of
from sv.web.saved_pages import answer_page
from sv.web.smart import check_all, kept_patterns, smart_funnel, smart_trends

LIST: Final = f"{PROJECT}/insights"
ONE: Final = f"{LIST}/{{insight_id:str}}"


@get(LIST, operation_id="list_saved_insights", opt={"permission": READ_PROJECT})
async def list_saved_insights_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Saved insights, newest first, page by page."""
    project = await project_of(request, project_id)
    asked = parse_insight_list(request.query_params.multi_items())
    saved = services_of(request).saved
    return await answer_page(
        asked.limit, lambda limit: saved.insights.page(project.id, limit=limit, cursor=asked.cursor), insight_json
    )


@post(LIST, operation_id="create_saved_insight", opt={"permission": WRITE_PROJECT})
async def create_saved_insight_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Keep a query by a name."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    made = parse_insight(await json_of(request), timezone=project.timezone, now_ms=services.now_ms())
    assert made.parsed is not None
    await _check_query(request, project, made.parsed)
    kept, used = services.saved.insights, action_ids(made.parsed)
    insight = await asyncio.to_thread(create_insight, services.people, kept, actor, project.id, made, used)
    return answer(insight_json(insight), 201)


@get(ONE, operation_id="get_saved_insight", opt={"permission": READ_PROJECT})
async def get_saved_insight_route(request: AnyRequest, project_id: FromPath[str], insight_id: FromPath[str]) -> Response[bytes]:
    """One saved insight."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(insight_json(await asyncio.to_thread(services_of(request).saved.insights.get, project.id, insight_id)))


@patch(ONE, operation_id="update_saved_insight", opt={"permission": WRITE_PROJECT})
async def update_saved_insight_route(
    request: AnyRequest, project_id: FromPath[str], insight_id: FromPath[str]
) -> Response[bytes]:
    """Change what the body names; of which kind it is stays."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    body = await json_of(request)
    kept = services.saved.insights
    known = await asyncio.to_thread(kept.get, project.id, insight_id)
    change = parse_insight_change(body, known.kind, timezone=project.timezone, now_ms=services.now_ms())
    if change.parsed is not None:
        await _check_query(request, project, change.parsed)
    used = action_ids(change.parsed) if change.parsed is not None else ()
    insight = await asyncio.to_thread(update_insight, services.people, kept, actor, project.id, insight_id, change, used)
    return answer(insight_json(insight))


@delete(ONE, operation_id="delete_saved_insight", opt={"permission": WRITE_PROJECT})
async def delete_saved_insight_route(request: AnyRequest, project_id: FromPath[str], insight_id: FromPath[str]) -> None:
    """Remove one; the smart events that it used are free."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    await asyncio.to_thread(delete_insight, services.people, services.saved.insights, actor, project.id, insight_id)


async def _check_query(request: AnyRequest, project: Project, query: TrendsQuery | FunnelQuery) -> None:
    """Raises ValidationFailed, with paths that begin in `query`, for what asking it would be refused for."""
    if isinstance(query, TrendsQuery):
        query = await smart_trends(request, project, query, "query.events")
    else:
        query = await smart_funnel(request, project, query, "query.steps")
    own, kept = (
        [Pattern(f"query.{path}", text) for path, text in found]
        for found in (patterns_of(filters_of(query)), kept_patterns(query))
    )
    await check_all(request, project, own, kept)


def insight_json(insight: SavedInsight) -> dict[str, Any]:
    """A saved insight as answers show it."""
    return {
        "id": insight.id,
        "name": insight.name,
        "description": insight.description,
        "kind": insight.kind.value,
        "query": insight.query,
        "chart": insight.chart and insight.chart.value,
        "version": insight.version,
        "created_at": iso_ms(insight.created_ms),
        "updated_at": iso_ms(insight.updated_ms),
    }
