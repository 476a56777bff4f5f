"""Routes of smart events: `action_definitions` on the wire."""

import asyncio
from typing import Any, Final

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath
from msgspec.structs import replace

from sv.auth.permissions import actor_of
from sv.insights.preview import preview
from sv.insights.runner import Context
from sv.meta.projects import Project
from sv.model.calendar import iso_ms
from sv.model.saved_parsing import (
    PreviewBody,
    parse_preview,
    parse_smart_event,
    parse_smart_event_change,
    parse_smart_list,
)
from sv.model.smart_events import Rule, SmartEvent, rule_json
from sv.people.saved import create_smart_event, delete_smart_event, update_smart_event
from sv.web.filters import check_patterns
from sv.web.permissions import READ_PROJECT, WRITE_PROJECT
from sv.web.requests import (
    PROJECT,
    AnyRequest,
    answer,
    body_of,
    caller_of,
    json_of,
    project_of,
    refuse_parameters,
    run,
    services_of,
)
from sv.web.saved_pages import answer_page
from sv.web.smart import check_rules, rule_patterns

LIST: Final = f"{PROJECT}/action_definitions"
ONE: Final = f"{LIST}/{{action_id:str}}"


@get(LIST, operation_id="list_smart_events", opt={"permission": READ_PROJECT})
async def list_smart_events_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Smart events, newest first, page by page."""
    project = await project_of(request, project_id)
    asked = parse_smart_list(request.query_params.multi_items())
    saved = services_of(request).saved

    def read(limit: int) -> list[SmartEvent]:
        return saved.smart_events.page(project.id, limit=limit, cursor=asked.cursor, include_archived=asked.include_archived)

    return await answer_page(asked.limit, read, smart_event_json)


@post(LIST, operation_id="create_smart_event", opt={"permission": WRITE_PROJECT})
async def create_smart_event_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """A new smart event."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    made = parse_smart_event(await json_of(request))
    await check_rules(request, project, made.rules or ())
    services, actor = services_of(request), actor_of(caller_of(request))
    smart = await asyncio.to_thread(create_smart_event, services.people, services.saved.smart_events, actor, project.id, made)
    return answer(smart_event_json(smart), 201)


@get(ONE, operation_id="get_smart_event", opt={"permission": READ_PROJECT})
async def get_smart_event_route(request: AnyRequest, project_id: FromPath[str], action_id: FromPath[str]) -> Response[bytes]:
    """One smart event, archived or not."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(smart_event_json(await asyncio.to_thread(services_of(request).saved.smart_events.get, project.id, action_id)))


@patch(ONE, operation_id="update_smart_event", opt={"permission": WRITE_PROJECT})
async def update_smart_event_route(request: AnyRequest, project_id: FromPath[str], action_id: FromPath[str]) -> Response[bytes]:
    """Change what the body names."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    change = parse_smart_event_change(await json_of(request))
    await check_rules(request, project, change.rules or ())
    services, actor = services_of(request), actor_of(caller_of(request))
    kept = services.saved.smart_events
    smart = await asyncio.to_thread(update_smart_event, services.people, kept, actor, project.id, action_id, change)
    return answer(smart_event_json(smart))


@delete(ONE, operation_id="delete_smart_event", opt={"permission": WRITE_PROJECT})
async def delete_smart_event_route(request: AnyRequest, project_id: FromPath[str], action_id: FromPath[str]) -> None:
    """Remove one that nobody uses."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services, actor = services_of(request), actor_of(caller_of(request))
    await asyncio.to_thread(delete_smart_event, services.people, services.saved.smart_events, actor, project.id, action_id)


@post(f"{LIST}/preview", status_code=200, operation_id="preview_rules", opt={"permission": READ_PROJECT})
async def preview_rules_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """What rules mean, before anything is saved."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    now_ms = services_of(request).now_ms()
    asked = parse_preview(await json_of(request), timezone=project.timezone, now_ms=now_ms, needs_rules=True)
    return await _preview(request, project, asked, asked.rules or ())


@post(f"{ONE}/preview", status_code=200, operation_id="preview_smart_event", opt={"permission": READ_PROJECT})
async def preview_smart_event_route(request: AnyRequest, project_id: FromPath[str], action_id: FromPath[str]) -> Response[bytes]:
    """What a smart event means, by its own rules or by those in the body."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    services = services_of(request)
    body: Any = await json_of(request) if await body_of(request) else {}
    asked = parse_preview(body, timezone=project.timezone, now_ms=services.now_ms(), needs_rules=False)
    smart = await asyncio.to_thread(services.saved.smart_events.get, project.id, action_id)
    return await _preview(request, project, asked, smart.rules if asked.rules is None else asked.rules)


async def _preview(request: AnyRequest, project: Project, asked: PreviewBody, rules: tuple[Rule, ...]) -> Response[bytes]:
    query = replace(asked.query, rules=rules)
    patterns = rule_patterns(rules)

    def previewed(context: Context) -> dict[str, Any]:
        check_patterns(context, patterns)
        return preview(context, query)

    return await run(request, project, (query.dates.from_ms, query.dates.to_ms), previewed)


def smart_event_json(smart: SmartEvent) -> dict[str, Any]:
    """A smart event as the contract shows it."""
    return {
        "id": smart.id,
        "name": smart.name,
        "description": smart.description,
        "rules": [rule_json(rule) for rule in smart.rules],
        "archived": smart.is_archived,
        "version": smart.version,
        "created_at": iso_ms(smart.created_ms),
        "updated_at": iso_ms(smart.updated_ms),
    }
