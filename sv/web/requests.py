"""Reading a request of the query API: who asks, for which project, with which JSON."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from sv.auth.permissions import Principal
from sv.insights.runner import Context, Kind
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter, NotAuthenticated, NotFound, PayloadTooLarge, UnsupportedMedia
from sv.model.identity import is_merged
from sv.model.limits import MAX_BODY_SECONDS, MAX_QUERY_BODY_BYTES
from sv.model.validate import clip, decoded, not_json, show
from sv.people.logins import principal_of_cookie, principal_of_token
from sv.web.cookies import SAFE_METHODS, cookie_of, expect_own_page
from sv.web.disconnect import cancel_on_disconnect
from sv.web.paths import name_of
from sv.web.services import Services

PROJECT: Final = "/api/v1/projects/{project_id:str}"
PERMISSION_CHECK: Final = "check_permission"
"""Under which `sv.web.permissions` leaves its check of a request in the request's state."""

AnyRequest = Request[Any, Any, State]
Result = TypeVar("Result")
_BODY: Final = "whole_body"
"""Under which a body that was read is left there too: a stream gives it once."""

_encoder: Final = msgspec.json.Encoder()


def services_of(request: AnyRequest) -> Services:
    services: Services = request.app.state.services
    return services


async def principal_of(request: AnyRequest) -> Principal:
    """Who asks: by the API token, else by the cookie. A token that is wrong is not made good by a cookie.

    Raises NotAuthenticated, and NotAuthorized for a change that the cookie alone vouches for, unless a page of our own asks for it.
    """
    services = services_of(request)
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotAuthenticated("expected 'Bearer <API token>' (Authorization)")
        return await asyncio.to_thread(principal_of_token, services.people, token.strip())
    secret = cookie_of(request.headers.get("cookie"))
    if secret is None:
        raise NotAuthenticated("expected an API token (Authorization) or a login session (Cookie), got neither")
    principal = await asyncio.to_thread(principal_of_cookie, services.people, secret)
    if request.method not in SAFE_METHODS:
        expect_own_page(request.headers, services.public_url)
    return principal


def caller_of(request: AnyRequest) -> Principal:
    """Who asks, as `sv.web.permissions` found out before the handler ran."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


async def project_of(request: AnyRequest, project_id: str) -> Project:
    """The project in the path; whether the caller may access it was checked before (`sv.web.permissions`). Raises NotFound."""
    project = await asyncio.to_thread(services_of(request).find_project, project_id)
    if project is None:
        raise NotFound(f"no project {show(name_of(project_id))} (project_id)")
    return project


def refuse_parameters(request: AnyRequest) -> None:
    """For a route without query parameters: a parameter without effect is a mistake. Raises InvalidParameter, naming the first one."""
    for name in request.query_params:
        raise InvalidParameter(f"{clip(name)}: unknown parameter; this route takes none")


async def ask_again(request: AnyRequest) -> None:
    """Check the caller's permission once more, now that the body is there; nothing for a route that checks none. Raises as the guard does.

    SCAR: a body may come a minute after its head. Who held such a request open made a token of their own after theirs was revoked.
    """
    check = request.scope["state"].get(PERMISSION_CHECK)
    if check is not None:
        await check()


async def body_of(request: AnyRequest, seconds: float = MAX_BODY_SECONDS) -> bytes:
    """The whole body, of at most as many bytes as the route takes, from a caller who may still ask. Raises InvalidParameter where it takes
    longer than so many seconds, Unavailable where there is no room for it, and what `ask_again` does."""
    state = request.scope["state"]
    if _BODY in state:
        data: bytes = state[_BODY]
        return data
    try:
        async with asyncio.timeout(seconds):
            data = await services_of(request).bodies.read(request.path_params.get("project_id", ""), request.stream())
    except TimeoutError:
        raise InvalidParameter(f"the body took longer than {seconds:g} seconds (body)") from None
    await ask_again(request)
    state[_BODY] = data
    return data


async def json_of(request: AnyRequest) -> Any:
    """The decoded body. Raises UnsupportedMedia, PayloadTooLarge, InvalidParameter (not JSON)."""
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnsupportedMedia(f"expected application/json, got {content_type[:60]!r} (Content-Type)")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMedia(f"expected no encoding, got {encoding[:40]!r} (Content-Encoding)")
    data = await body_of(request)
    if len(data) > MAX_QUERY_BODY_BYTES:
        raise PayloadTooLarge(f"expected at most {MAX_QUERY_BODY_BYTES} bytes, got {len(data)} (body)")
    try:
        return decoded(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_json(data, error) from None


async def run(
    request: AnyRequest,
    project: Project,
    range_ms: tuple[int, int],
    insight: Callable[[Context], Result],
    kind: Kind = Kind.QUERY,
    same: tuple[Any, ...] = (),
    *,
    takes_turns: bool = True,
) -> Response[bytes]:
    """Run an insight on a query thread, and answer its result. When the caller disconnects, it is stopped.

    same: everything on which the answer depends; equal questions at the same time are run once. If empty, the run is never shared.
    takes_turns: see `Runner.run`.
    """
    # As JSON, in which 1, 1.0 and true differ, as they do in filters. The path says which insight it is.
    question = (request.scope["path"], _encoder.encode(same)) if same else None
    asked = services_of(request).runner.run(
        project.id,
        range_ms,
        lambda context: _encoder.encode(insight(context)),
        kind=kind,
        is_merged=is_merged(project.settings),
        same=question,
        takes_turns=takes_turns,
    )
    return answer(await cancel_on_disconnect(request.receive, asked))


async def call(request: AnyRequest, project: Project, work: Callable[[], Result]) -> Result:
    """Run what reads rollups alone, and return its result. When the caller disconnects, nothing waits for it any more."""
    return await cancel_on_disconnect(request.receive, services_of(request).runner.call(project.id, work))


def answer(content: Any, status: int = 200) -> Response[bytes]:
    """A JSON answer; bytes are taken as JSON already."""
    body = content if isinstance(content, bytes) else _encoder.encode(content)
    return Response(body, status_code=status, media_type="application/json")
