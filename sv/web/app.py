"""The Litestar application: every route but ingest and health, the error map, the OpenAPI document."""

import asyncio
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from sv.auth.permissions import require
from sv.model.access import Scope
from sv.model.errors import SvError
from sv.model.limits import MAX_QUERY_BODY_BYTES
from sv.web.errors import JSON, error_answer, error_body
from sv.web.requests import AnyRequest, principal_of, services_of
from sv.web.routes_insights import funnel_route, trends_route
from sv.web.routes_reading import get_event_route, list_events_route
from sv.web.services import Services

_CODES = {
    400: "INVALID_PARAMETER",
    401: "NOT_AUTHENTICATED",
    403: "NOT_AUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
LOOPBACK = ("127.", "::1", "::ffff:127.")


@get("/metrics")
async def metrics_route(request: AnyRequest) -> Response[str]:
    """Prometheus metrics, for callers on this machine and for API tokens with the scope `admin`."""
    client = request.client
    if client is None or not client.host.startswith(LOOPBACK) or "x-forwarded-for" in request.headers:
        require(await principal_of(request), Scope.ADMIN, None)
    return Response(services_of(request).metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


@post("/api/v1/dev/reset", status_code=204)
async def reset_route(request: AnyRequest) -> None:
    """Empty the server. Exists under `sv dev` alone."""
    require(await principal_of(request), Scope.ADMIN, None)
    reset = services_of(request).reset
    assert reset is not None
    await asyncio.to_thread(reset)


def make_app(services: Services) -> Litestar:
    """The application over these services."""
    routes: list[Any] = [list_events_route, get_event_route, trends_route, funnel_route, metrics_route]
    if services.reset is not None:
        routes.append(reset_route)
    return Litestar(
        route_handlers=routes,
        state=State({"services": services}),
        exception_handlers={Exception: _answer_error},
        openapi_config=OpenAPIConfig(
            title="Session Vision",
            version=services.version,
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
        logging_config=None,
        request_max_body_size=MAX_QUERY_BODY_BYTES,
    )


def _answer_error(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, HTTPException) and not isinstance(error, SvError):
        code = _CODES.get(error.status_code, "INVALID_PARAMETER" if error.status_code < 500 else "INTERNAL_ERROR")
        body = error_body(_message(error), code)
        return Response(body, status_code=error.status_code, media_type=JSON, headers=error.headers)
    status, headers, body = error_answer(error)
    return Response(body, status_code=status, media_type=JSON, headers=headers)


def _message(error: HTTPException) -> str:
    """The framework's own errors in our words."""
    match error.status_code:
        case 404:
            return "no such route"
        case 405:
            return "this route does not take this method"
        case 413:
            return f"expected at most {MAX_QUERY_BODY_BYTES} bytes (body)"
        case _:
            return error.detail
