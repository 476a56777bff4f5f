"""Routes that erase a person, and that tell how far a project's jobs are."""

import asyncio

from litestar import Response, get, post
from litestar.params import FromPath

from sv.auth.permissions import actor_of
from sv.model.cursor import Cursor, encode_cursor
from sv.model.list_parsing import Parameters
from sv.model.validate import Problems
from sv.privacy.answers import job_json
from sv.web.paths import name_of
from sv.web.permissions import ADMIN_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, caller_of, project_of, refuse_parameters, services_of
from sv.web.routes_persons import PERSON

_NEWEST = 1 << 62


@post(f"{PERSON}/erase", operation_id="erase_person", opt={"permission": ADMIN_PROJECT}, status_code=202)
async def erase_person_route(request: AnyRequest, project_id: FromPath[str], distinct_id: FromPath[str]) -> Response[bytes]:
    """Begin to erase a person. A body is not looked at."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    jobs = services_of(request).jobs
    actor = actor_of(caller_of(request))
    return answer(job_json(await asyncio.to_thread(jobs.erase_person, actor, project.id, name_of(distinct_id))), 202)


@get(f"{PROJECT}/jobs", operation_id="list_jobs", opt={"permission": ADMIN_PROJECT})
async def list_jobs_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """Jobs, newest first, page by page."""
    project = await project_of(request, project_id)
    problems = Problems()
    given = Parameters(request.query_params.multi_items(), ("limit", "cursor"), problems)
    limit, before = given.limit(), given.numbered_cursor()
    problems.finish_parameters()
    found = await asyncio.to_thread(services_of(request).jobs.page, project.id, before or _NEWEST, limit + 1)
    page = found[:limit]
    has_more = len(found) > limit
    next_cursor = encode_cursor(Cursor(page[-1].created_ms, str(page[-1].n))) if has_more else None
    return answer({"data": [job_json(job) for job in page], "meta": {"next_cursor": next_cursor, "has_more": has_more}})


@get(f"{PROJECT}/jobs/{{job_id:str}}", operation_id="get_job", opt={"permission": ADMIN_PROJECT})
async def get_job_route(request: AnyRequest, project_id: FromPath[str], job_id: FromPath[str]) -> Response[bytes]:
    """One job."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(job_json(await asyncio.to_thread(services_of(request).jobs.get, project.id, name_of(job_id))))
