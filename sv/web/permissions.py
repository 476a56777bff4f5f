"""Who may ask a route: said once, on its handler, and enforced before the handler runs.

    @get(path, operation_id="list_events", opt={"permission": READ_PROJECT})

Answers for the words in which a route says it, and for the guard that holds each request to them; the OpenAPI document tells callers the
same words. Assumes that a route of a project has `project_id` in its path. A route that says nothing answers nobody: the guard fails.
Never looks at a project token, which is in the body, nor at a signed URL: they are for ingest and for the door of recordings.
"""

from typing import Any, Final, Literal, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from sv.auth.permissions import Principal, require, require_somewhere
from sv.model.access import Scope
from sv.model.errors import NotAuthorized
from sv.web.requests import PERMISSION_CHECK, AnyRequest, principal_of

LOOPBACK: Final = ("127.", "::1", "::ffff:127.")

_OF_PROXIES: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers that proxies add, each of them by one that may add no other."""


class Permission(Struct, frozen=True):
    """What a caller has to show.

    credential: which kind, if any; a login session alone is for what is the user's own. scope: what an API token, or the role of a user,
    must allow. place: whether it must allow that in the path's project, in the whole instance, or in at least one project (the handler then
    keeps to those). is_open_here: whether callers on the server's own machine need nothing.
    """

    credential: Literal["none", "project token", "signed URL", "API token or login session", "login session"]
    scope: Scope | None = None
    place: Literal["project", "instance", "somewhere"] = "instance"
    is_open_here: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether the guard checks credentials. Else nobody does, or ingest or the door of recordings does it."""
        return self.credential in ("API token or login session", "login session")


ANYONE: Final = Permission("none")
PROJECT_TOKEN: Final = Permission("project token")
SIGNED_URL: Final = Permission("signed URL")
LOGIN: Final = Permission("login session")
READ_PROJECT: Final = Permission("API token or login session", Scope.READ, "project")
WRITE_PROJECT: Final = Permission("API token or login session", Scope.WRITE, "project")
ADMIN_PROJECT: Final = Permission("API token or login session", Scope.ADMIN, "project")
READ_SOMEWHERE: Final = Permission("API token or login session", Scope.READ, "somewhere")
ADMIN_SOMEWHERE: Final = Permission("API token or login session", Scope.ADMIN, "somewhere")
ADMIN: Final = Permission("API token or login session", Scope.ADMIN)
ADMIN_OR_HERE: Final = Permission("API token or login session", Scope.ADMIN, is_open_here=True)


def permission_of(handler: BaseRouteHandler) -> Permission:
    """The permission that a route's handler declares. Raises KeyError for a route without one."""
    permission: Permission = handler.opt["permission"]
    return permission


async def check_permission(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route. Raises NotAuthenticated, NotAuthorized (also for a project that isn't there, where the caller is
    bound to another), KeyError for a route without a permission."""
    if connection.scope["type"] == "http" and connection.scope["method"] == "OPTIONS":
        return  # which methods a route has is no secret
    permission = permission_of(handler)
    if not permission.is_asked or (permission.is_open_here and _is_from_here(connection)):
        return
    state = connection.scope.setdefault("state", {})

    async def check() -> None:
        principal = await principal_of(cast("AnyRequest", connection))
        _check(permission, principal, connection.path_params.get("project_id"))
        state["principal"] = principal

    await check()
    state[PERMISSION_CHECK] = check


def _check(permission: Permission, principal: Principal, project_id: str | None) -> None:
    if permission.scope is None:
        if principal.session_id is None:
            raise NotAuthorized("expected a login session (Cookie), got an API token")
    elif permission.place == "somewhere":
        require_somewhere(principal, permission.scope)
    else:
        require(principal, permission.scope, project_id if permission.place == "project" else None)


def _is_from_here(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether the caller is on this machine, and no proxy forwards somebody who isn't: a proxy shows itself by the headers that it adds."""
    client = connection.client
    if client is None or not client.host.startswith(LOOPBACK):
        return False
    return not any(name in connection.headers for name in _OF_PROXIES)
