"""Who may do what. Pure: a principal, a scope and a place in, nothing or an error out.

`admin` contains `write`, and `write` contains `read`. A principal for one project has no part in any other, and none
in what belongs to the whole instance; whether the other project exists is not told.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from sv.model.access import Actor, Role, Scope
from sv.model.errors import NotAuthenticated, NotAuthorized
from sv.model.validate import show

_IMPLIED_BY: Final = {
    Scope.READ: frozenset({Scope.READ, Scope.WRITE, Scope.ADMIN}),
    Scope.WRITE: frozenset({Scope.WRITE, Scope.ADMIN}),
    Scope.ADMIN: frozenset({Scope.ADMIN}),
}

_SCOPES_OF_ROLE: Final = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.EDITOR: frozenset({Scope.READ, Scope.WRITE}),
    Role.ADMIN: frozenset({Scope.READ, Scope.WRITE, Scope.ADMIN}),
}


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks, once known.

    kind: an API token, or a user with a login session. scopes: what it may do in its project, and project_id that one
    project; None for all of them and for the instance itself. roles: what a user is, by project, besides; who administers
    the instance has all scopes in all projects, any other user none but by roles. name: the token's name or the user's
    address. until_ms: when a token ends that is to. A principal is made for one request.
    """

    kind: Literal["api_token", "user"]
    scopes: frozenset[Scope]
    project_id: str | None
    token_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    name: str = ""
    roles: Mapping[str, Role] = {}
    until_ms: int | None = None


def scopes_of(role: Role | None) -> frozenset[Scope]:
    """What a role in a project allows there; nothing for no role."""
    return frozenset() if role is None else _SCOPES_OF_ROLE[role]


def require(principal: Principal | None, scope: Scope, project_id: str | None) -> Principal:
    """Return the principal if it may do what `scope` names in the project; `project_id` None is the whole instance.

    Raises NotAuthenticated for nobody, NotAuthorized for somebody who may not.
    """
    if principal is None:
        raise NotAuthenticated("expected an API token (Authorization: Bearer sv_…) or a login session")
    held = scopes_in(principal, project_id)
    if not held and (principal.kind == "user" or principal.project_id not in (None, project_id)):
        if project_id is None:
            raise NotAuthorized("these credentials are for one project, and this concerns the whole instance")
        raise NotAuthorized(f"these credentials have no part in project {show(project_id)} (project_id)")
    _expect(scope, held)
    return principal


def require_somewhere(principal: Principal | None, scope: Scope) -> Principal:
    """Return the principal if it may do what `scope` names in one project at least. Raises as `require` does."""
    if principal is None:
        return require(None, scope, None)
    held = principal.scopes.union(*map(scopes_of, principal.roles.values()))
    _expect(scope, held)
    return principal


def projects_with(principal: Principal, scope: Scope) -> frozenset[str] | None:
    """The projects in which the principal may do what `scope` names; None for all there are, and the instance."""
    allowed = _IMPLIED_BY[scope]
    own = frozenset(project_id for project_id, role in principal.roles.items() if scopes_of(role) & allowed)
    if not principal.scopes & allowed:
        return own
    return None if principal.project_id is None else own | {principal.project_id}


def scopes_in(principal: Principal, project_id: str | None) -> frozenset[Scope]:
    """What the principal may do in the project, or with the whole instance (None)."""
    held = principal.scopes if principal.project_id in (None, project_id) else frozenset[Scope]()
    return held if project_id is None else held | scopes_of(principal.roles.get(project_id))


def actor_of(principal: Principal) -> Actor:
    """The principal as the audit trail names it."""
    return Actor(principal.kind, principal.token_id or principal.user_id, principal.name)


def _expect(scope: Scope, held: frozenset[Scope]) -> None:
    if not held & _IMPLIED_BY[scope]:
        raise NotAuthorized(f"expected the scope {scope}, got {', '.join(sorted(held)) or 'none'}")
