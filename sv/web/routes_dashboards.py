"""Routes of dashboards: saved insights side by side."""

import asyncio
from typing import Any, Final

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from sv.auth.permissions import actor_of
from sv.meta.dashboards import Dashboard, Listed, Tile
from sv.model.calendar import iso_ms
from sv.model.dashboards import parse_dashboard, parse_dashboard_change
from sv.model.saved_parsing import parse_insight_list
from sv.people.dashboards import create_dashboard, delete_dashboard, update_dashboard
from sv.web.permissions import READ_PROJECT, WRITE_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, caller_of, json_of, project_of, refuse_parameters, services_of
from sv.web.routes_saved_insights import insight_json
from sv.web.saved_pages import answer_page

LIST: Final = f"{PROJECT}/dashboards"
ONE: Final = f"{LIST}/{{dashboard_id:str}}"


@get(LIST, operation_id="list_dashboards", opt={"permission": READ_PROJECT})
async def list_dashboards_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Dashboards without their tiles, newest first, page by page."""
    project = await project_of(request, project_id)
    asked = parse_insight_list(request.query_params.multi_items())
    kept = services_of(request).saved.dashboards
    return await answer_page(asked.limit, lambda limit: kept.page(project.id, limit=limit, cursor=asked.cursor), listed_json)


@post(LIST, operation_id="create_dashboard", opt={"permission": WRITE_PROJECT})
async def create_dashboard_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """A new dashboard, empty or not."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    new = parse_dashboard(await json_of(request))
    made = await asyncio.to_thread(create_dashboard, services.people, services.saved.dashboards, actor, project.id, new)
    return answer(dashboard_json(made), 201)


@get(ONE, operation_id="get_dashboard", opt={"permission": READ_PROJECT})
async def get_dashboard_route(request: AnyRequest, project_id: FromPath[str], dashboard_id: FromPath[str]) -> Response[bytes]:
    """One dashboard with its tiles, and what they ask."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(dashboard_json(await asyncio.to_thread(services_of(request).saved.dashboards.get, project.id, dashboard_id)))


@patch(ONE, operation_id="update_dashboard", opt={"permission": WRITE_PROJECT})
async def update_dashboard_route(request: AnyRequest, project_id: FromPath[str], dashboard_id: FromPath[str]) -> Response[bytes]:
    """Change what the body names; tiles replace all that there were."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    change = parse_dashboard_change(await json_of(request))
    kept = services.saved.dashboards
    made = await asyncio.to_thread(update_dashboard, services.people, kept, actor, project.id, dashboard_id, change)
    return answer(dashboard_json(made))


@delete(ONE, operation_id="delete_dashboard", opt={"permission": WRITE_PROJECT})
async def delete_dashboard_route(request: AnyRequest, project_id: FromPath[str], dashboard_id: FromPath[str]) -> None:
    """Remove one; the insights that it showed stay."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    await asyncio.to_thread(delete_dashboard, services.people, services.saved.dashboards, actor, project.id, dashboard_id)


ROUTES: Final = (
    list_dashboards_route,
    create_dashboard_route,
    get_dashboard_route,
    update_dashboard_route,
    delete_dashboard_route,
)


def listed_json(listed: Listed) -> dict[str, Any]:
    """A dashboard as lists show it."""
    return {
        "id": listed.id,
        "name": listed.name,
        "description": listed.description,
        "tile_count": listed.tile_count,
        "version": listed.version,
        "created_at": iso_ms(listed.created_ms),
        "updated_at": iso_ms(listed.updated_ms),
    }


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as answers show it."""
    return {**listed_json(dashboard.listed), "tiles": [_tile_json(tile) for tile in dashboard.tiles]}


def _tile_json(tile: Tile) -> dict[str, Any]:
    at = tile.layout
    return {
        "insight_id": tile.insight.id,
        "title": tile.title,
        "layout": {"x": at.x, "y": at.y, "w": at.w, "h": at.h},
        "insight": insight_json(tile.insight),
    }
