"""Changes to API tokens. Whoever makes or ends one administers what it is for: its project, or the whole instance."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sv.auth.tokens import API_TOKEN_PREFIX, make_api_token
from sv.meta.api_tokens import ApiToken
from sv.model.access import Actor
from sv.model.calendar import iso_ms
from sv.model.errors import NotFound
from sv.model.validate import show
from sv.people.bodies import NewToken
from sv.people.people import People


class WithSecret(NamedTuple):
    """A token, and its secret, for its owner and once."""

    token: ApiToken
    secret: str


def create_token(people: People, actor: Actor, new: NewToken) -> WithSecret:
    """Raises ValidationFailed, and NotFound for an unknown project."""
    made = make_api_token()
    with people.meta.together():
        token = people.api_tokens.create(
            new.name,
            secret_hash=made.hash,
            prefix=made.prefix,
            scopes=new.scopes,
            project_id=new.project_id,
            now_ms=people.now_ms(),
            expires_ms=new.expires_ms,
        )
        people.note(actor, "api_token.create", (token.id, token.name), project_id=token.project_id, after=_shown(token))
    return WithSecret(token, made.secret)


def revoke_token(people: People, actor: Actor, token_id: str, project_ids: Collection[str] | None = None) -> ApiToken:
    """End a token at once; a second time changes nothing.

    project_ids: the projects whose tokens the actor may end; None for every token. Raises NotFound, also for one of another project.
    """
    if token_id.startswith(API_TOKEN_PREFIX):  # which no log is to have
        raise NotFound("expected the id of an API token, got a token itself (token_id)")
    with people.meta.together():
        token = people.api_tokens.get(token_id)
        if project_ids is not None and token.project_id not in project_ids:
            raise NotFound(f"no API token {show(token_id)} (token_id)")
        if token.revoked_ms is None:
            people.api_tokens.revoke(token_id, people.now_ms())
            people.note(actor, "api_token.revoke", (token.id, token.name), project_id=token.project_id, before=_shown(token))
        return people.api_tokens.get(token_id)


def _shown(token: ApiToken) -> dict[str, Any]:
    return {
        "prefix": token.prefix,
        "scopes": sorted(token.scopes),
        "expires_at": None if token.expires_ms is None else iso_ms(token.expires_ms),
    }
