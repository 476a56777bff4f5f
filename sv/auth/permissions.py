"""Who may do what. Pure: a principal, a scope and a project in, nothing or an error out.

`admin` contains `write`, and `write` contains `read`. A principal for one project has no part in any other, and none
in what belongs to the whole instance; whether the other project exists is not told.
"""

from typing import Final, Literal

from msgspec import Struct

from sv.model.access import Role, Scope
from sv.model.errors import NotAuthenticated, NotAuthorized

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

    kind: an API token, or a user with a login session. project_id: the one project it is for; None for all of them
    and for the instance itself. token_id: the API token's id; None for a user. A user's principal is made for one
    request: with the role in the project asked for, or for all projects where they administer the instance.
    """

    kind: Literal["api_token", "user"]
    scopes: frozenset[Scope]
    project_id: str | None
    token_id: str | None = None
    user_id: str | None = None


def scopes_of(role: Role | None) -> frozenset[Scope]:
    """What a role in a project allows there; nothing for no role."""
    return frozenset() if role is None else _SCOPES_OF_ROLE[role]


def require(principal: Principal | None, scope: Scope, project_id: str | None) -> Principal:
    """Return the principal if it may do what `scope` names in the project; `project_id` None is the whole instance.

    Raises NotAuthenticated for nobody, NotAuthorized for somebody who may not.
    """
    if principal is None:
        raise NotAuthenticated("expected an API token (Authorization: Bearer sv_…) or a login session")
    if principal.project_id is not None and principal.project_id != project_id:
        if project_id is None:
            raise NotAuthorized("these credentials are for one project, and this concerns the whole instance")
        raise NotAuthorized(f"these credentials have no part in project {project_id!r}")
    if not principal.scopes & _IMPLIED_BY[scope]:
        held = ", ".join(sorted(principal.scopes)) or "none"
        raise NotAuthorized(f"expected the scope {scope}, got {held}")
    return principal
