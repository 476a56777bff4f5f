"""Routes that manage API tokens. A caller who administers some projects sees, makes and ends tokens of these alone."""

import asyncio
from typing import Final

from litestar import Response, delete, get, post
from litestar.params import FromPath

from sv.auth.permissions import actor_of, projects_with, require
from sv.model.access import Scope
from sv.model.calendar import iso_ms
from sv.model.errors import ValidationFailed
from sv.model.paging import parse_page_query
from sv.people.answers import show_api_token, show_page
from sv.people.bodies import parse_token
from sv.people.tokens import create_token, revoke_token
from sv.web.permissions import ADMIN_SOMEWHERE
from sv.web.requests import AnyRequest, answer, caller_of, json_of, refuse_parameters, services_of

TOKENS: Final = "/api/v1/api_tokens"


@get(TOKENS, operation_id="list_api_tokens", opt={"permission": ADMIN_SOMEWHERE})
async def list_api_tokens_route(request: AnyRequest) -> Response[bytes]:
    """API tokens, good or not, without their secrets."""
    query = parse_page_query(request.query_params.multi_items())
    people, own = services_of(request).people, projects_with(caller_of(request), Scope.ADMIN)
    found = await asyncio.to_thread(people.api_tokens.page, query, own)
    return answer(show_page(found, query, show_api_token, lambda each: (each.created_ms, each.id)))


@post(TOKENS, operation_id="create_api_token", opt={"permission": ADMIN_SOMEWHERE})
async def create_api_token_route(request: AnyRequest) -> Response[bytes]:
    """A new API token, shown once."""
    refuse_parameters(request)
    new = parse_token(await json_of(request))
    caller = require(caller_of(request), Scope.ADMIN, new.project_id)
    _check_end(new.expires_ms, caller.until_ms)
    made = await asyncio.to_thread(create_token, services_of(request).people, actor_of(caller), new)
    return answer(show_api_token(made.token) | {"token": made.secret}, 201)


def _check_end(expires_ms: int | None, until_ms: int | None) -> None:
    """Raises ValidationFailed for a token that would outlive the one that asks for it: nobody hands out more than they hold."""
    if until_ms is not None and (expires_ms is None or expires_ms > until_ms):
        got = "none" if expires_ms is None else iso_ms(expires_ms)
        raise ValidationFailed.at(
            "expires_at", f"expected a time up to {iso_ms(until_ms)}, when the token that asks ends, got {got}"
        )


@delete(f"{TOKENS}/{{token_id:str}}", operation_id="revoke_api_token", opt={"permission": ADMIN_SOMEWHERE})
async def revoke_api_token_route(request: AnyRequest, token_id: FromPath[str]) -> None:
    """End an API token at once."""
    refuse_parameters(request)
    caller = caller_of(request)
    own = projects_with(caller, Scope.ADMIN)
    await asyncio.to_thread(revoke_token, services_of(request).people, actor_of(caller), token_id, own)


ROUTES: Final = (
    list_api_tokens_route,
    create_api_token_route,
    revoke_api_token_route,
)
