"""Routes about the server itself: its metrics, the document that describes it, and the reset of `sv dev`."""

import asyncio
from typing import Final

from litestar import Response, get, post

from sv.web.permissions import ADMIN, ADMIN_OR_HERE, ANYONE
from sv.web.requests import AnyRequest, refuse_parameters, services_of

OPENAPI: Final = "application/vnd.oai.openapi+json"


@get("/metrics", operation_id="get_metrics", opt={"permission": ADMIN_OR_HERE})
async def metrics_route(request: AnyRequest) -> Response[str]:
    """Prometheus metrics, for callers on this machine and for API tokens with the scope `admin`."""
    refuse_parameters(request)
    return Response(await asyncio.to_thread(services_of(request).metrics), media_type="text/plain; version=0.0.4")


@get("/schema", operation_id="get_schema", opt={"permission": ANYONE})
async def schema_route(request: AnyRequest) -> Response[bytes]:
    """The OpenAPI document of this server's routes. It is made when first asked for: few servers ever are."""
    refuse_parameters(request)
    state = request.app.state
    if "document" not in state:
        from sv.web.openapi.document import encode_document

        services = services_of(request)
        state["document"] = await asyncio.to_thread(encode_document, request.app, services.version, services.base_path)
    return Response(state["document"], media_type=OPENAPI)


@post("/api/v1/dev/reset", status_code=204, operation_id="reset_server", opt={"permission": ADMIN})
async def reset_route(request: AnyRequest) -> None:
    """Empty the server. Exists under `sv dev` alone."""
    refuse_parameters(request)
    reset = services_of(request).reset
    assert reset is not None
    await asyncio.to_thread(reset)
