"""The Litestar application: every route, the guard before each, and the framework's own errors in the contract's shape.

The OpenAPI document is not the framework's: handlers read requests by themselves, so that there is nothing in their signatures to make one
from. `sv.web.openapi` makes it, from these routes.
"""

from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from sv.model.errors import InvalidParameter, SvError
from sv.model.limits import MAX_QUERY_BODY_BYTES
from sv.model.validate import show
from sv.web.errors import JSON, error_answer, error_body
from sv.web.options import options_handlers
from sv.web.permissions import check_permission
from sv.web.routes_dashboards import ROUTES as DASHBOARD_ROUTES
from sv.web.routes_definitions import (
    list_event_definitions_route,
    list_property_definitions_route,
    update_event_definition_route,
    update_property_definition_route,
)
from sv.web.routes_exports import export_events_route, plan_export_route
from sv.web.routes_imports import get_import_route, take_import_chunk_route
from sv.web.routes_ingest import health_stub, ingest_config_stub, ingest_events_stub
from sv.web.routes_insights import funnel_persons_route, funnel_route, overview_route, trends_route
from sv.web.routes_jobs import erase_person_route, get_job_route, list_jobs_route
from sv.web.routes_login import ROUTES as LOGIN_ROUTES
from sv.web.routes_persons import export_person_route, get_person_route, list_person_events_route, list_persons_route
from sv.web.routes_projects import ROUTES as PROJECT_ROUTES
from sv.web.routes_reading import get_event_route, list_events_route
from sv.web.routes_recordings import get_object_stub, get_recording_route, ingest_recordings_stub, put_object_stub
from sv.web.routes_rejections import get_rejections_route
from sv.web.routes_saved_insights import (
    create_saved_insight_route,
    delete_saved_insight_route,
    get_saved_insight_route,
    list_saved_insights_route,
    update_saved_insight_route,
)
from sv.web.routes_server import metrics_route, reset_route, schema_route
from sv.web.routes_sessions import (
    get_session_route,
    list_person_sessions_route,
    list_session_events_route,
    list_sessions_route,
)
from sv.web.routes_smart_events import (
    create_smart_event_route,
    delete_smart_event_route,
    get_smart_event_route,
    list_smart_events_route,
    preview_rules_route,
    preview_smart_event_route,
    update_smart_event_route,
)
from sv.web.routes_sql import sql_route
from sv.web.routes_tokens import ROUTES as TOKEN_ROUTES
from sv.web.routes_users import ROUTES as USER_ROUTES
from sv.web.services import Services

_CODES: Final = {
    400: "INVALID_PARAMETER",
    401: "NOT_AUTHENTICATED",
    403: "NOT_AUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_ROUTES: Final[tuple[Any, ...]] = (
    ingest_events_stub,
    ingest_config_stub,
    get_rejections_route,
    list_events_route,
    get_event_route,
    list_event_definitions_route,
    list_property_definitions_route,
    update_event_definition_route,
    update_property_definition_route,
    list_persons_route,
    get_person_route,
    list_person_events_route,
    export_person_route,
    erase_person_route,
    list_jobs_route,
    get_job_route,
    list_person_sessions_route,
    list_sessions_route,
    get_session_route,
    list_session_events_route,
    trends_route,
    funnel_route,
    overview_route,
    sql_route,
    list_saved_insights_route,
    create_saved_insight_route,
    get_saved_insight_route,
    update_saved_insight_route,
    delete_saved_insight_route,
    list_smart_events_route,
    create_smart_event_route,
    get_smart_event_route,
    update_smart_event_route,
    delete_smart_event_route,
    preview_rules_route,
    preview_smart_event_route,
    funnel_persons_route,
    get_import_route,
    take_import_chunk_route,
    plan_export_route,
    export_events_route,
    ingest_recordings_stub,
    put_object_stub,
    get_object_stub,
    get_recording_route,
    health_stub,
    metrics_route,
    schema_route,
    *DASHBOARD_ROUTES,
    *LOGIN_ROUTES,
    *PROJECT_ROUTES,
    *TOKEN_ROUTES,
    *USER_ROUTES,
)


def make_app(services: Services) -> Litestar:
    """The application over these services."""
    handlers = [*_ROUTES, reset_route] if services.reset is not None else [*_ROUTES]
    return Litestar(
        route_handlers=[*options_handlers(handlers), *handlers],  # or the framework makes its own
        guards=[check_permission],
        state=State({"services": services}),
        exception_handlers={Exception: _answer_error},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=MAX_QUERY_BODY_BYTES,
    )


_GONE: Final = "client disconnected prematurely"
"""The framework's word for a caller who hung up in the middle of their body: a browser whose user moved on. Nobody reads the answer."""

_NO_HOST: Final = "Invalid host header"
"""Its word for a `Host` that is no name, address and port."""


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, HTTPException) and error.detail == _GONE:
        error = InvalidParameter("the connection ended before the body did")
    if isinstance(error, HTTPException) and error.status_code < 500 and not isinstance(error, SvError):
        body = error_body(_message(error, request), _CODES.get(error.status_code, "INVALID_PARAMETER"))
        return Response(body, status_code=error.status_code, media_type=JSON, headers=error.headers)
    status, headers, body = error_answer(error)
    return Response(body, status_code=status, media_type=JSON, headers=headers)


def _message(error: HTTPException, request: Request[Any, Any, Any]) -> str:
    """The framework's own errors in our words."""
    if error.detail == _NO_HOST:
        return f"expected a host's name or address, got {show(request.headers.get('host'))} (Host)"
    match error.status_code:
        case 404:
            return "no such route"
        case 405:
            taken = [method for method in (error.headers or {}).get("allow", "").split(", ") if method not in ("", "OPTIONS")]
            return f"expected {' or '.join(taken) or 'another method'}, got {request.method[:20]}"
        case 413:
            return f"expected at most {MAX_QUERY_BODY_BYTES} bytes (body)"
        case _:
            return error.detail
