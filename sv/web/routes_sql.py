"""The route that answers a statement of SQL."""

import time
from typing import Any

from litestar import Response, post
from litestar.params import FromPath

from sv.insights.runner import Context
from sv.insights.sql import sql
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.sql import parse_sql_query
from sv.web.permissions import READ_PROJECT
from sv.web.requests import PROJECT, AnyRequest, json_of, project_of, refuse_parameters, run


@post(f"{PROJECT}/sql", status_code=200, operation_id="query_sql", opt={"permission": READ_PROJECT})
async def sql_route(request: AnyRequest, project_id: FromPath[str]) -> Response[bytes]:
    """One select over the project's events."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    query = parse_sql_query(await json_of(request))

    def timed(context: Context) -> dict[str, Any]:
        started_s = time.perf_counter()
        found = sql(context, query)
        return found | {"elapsed_ms": round((time.perf_counter() - started_s) * 1000, 3)}

    # The statement runs in a process of its own, which ingest waits for as little as insights wait for it.
    return await run(request, project, (0, MAX_TIMESTAMP_MS), timed, takes_turns=False)
