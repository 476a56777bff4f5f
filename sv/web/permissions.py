"""Who may ask a route: said once, on its handler, and enforced before the handler runs.

    @get(path, operation_id="list_events", opt={"permission": READ_PROJECT})

Answers for the words in which a route says it, and for the guard that holds each request to them; the OpenAPI document tells callers the
same words. Assumes that a route of a project has `project_id` in its path. A route that says nothing answers nobody: the guard fails.
Never looks at a project token: that is in the body, and ingest's to check.
"""

from typing import Any, Final, Literal, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from sv.auth.permissions import require
from sv.model.access import Scope
from sv.web.requests import AnyRequest, principal_of

LOOPBACK: Final = ("127.", "::1", "::ffff:127.")


class Permission(Struct, frozen=True):
    """What a caller has to show. credential: which kind, if any. scope: for an API token, what it must allow.

    place: whether it must allow that in the project of the path or in the whole instance. is_open_here: callers on the server's own
    machine need nothing.
    """

    credential: Literal["none", "project token", "API token", "signed URL"]
    scope: Scope | None = None
    place: Literal["project", "instance"] = "instance"
    is_open_here: bool = False


ANYONE: Final = Permission("none")
PROJECT_TOKEN: Final = Permission("project token")
SIGNED_URL: Final = Permission("signed URL")
READ_PROJECT: Final = Permission("API token", Scope.READ, "project")
WRITE_PROJECT: Final = Permission("API token", Scope.WRITE, "project")
ADMIN_PROJECT: Final = Permission("API token", Scope.ADMIN, "project")
ADMIN: Final = Permission("API token", Scope.ADMIN)
ADMIN_OR_HERE: Final = Permission("API token", Scope.ADMIN, is_open_here=True)


def permission_of(handler: BaseRouteHandler) -> Permission:
    """What a route's handler says. Raises KeyError for one that says nothing."""
    permission: Permission = handler.opt["permission"]
    return permission


async def check_permission(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route. Raises NotAuthenticated, NotAuthorized (also for a project that isn't there, where the caller is
    bound to another), KeyError for a route without a permission."""
    if connection.scope["type"] == "http" and connection.scope["method"] == "OPTIONS":
        return  # which methods a route has is no secret
    permission = permission_of(handler)
    if permission.scope is None or (permission.is_open_here and _is_from_here(connection)):
        return
    project_id = connection.path_params["project_id"] if permission.place == "project" else None
    require(await principal_of(cast("AnyRequest", connection)), permission.scope, project_id)


def _is_from_here(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether the caller is on this machine, and no proxy before somebody who isn't."""
    client = connection.client
    return client is not None and client.host.startswith(LOOPBACK) and "x-forwarded-for" not in connection.headers
