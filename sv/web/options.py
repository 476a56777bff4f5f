"""Answers OPTIONS for all of the framework's paths: which methods a path has.

Assumes every other handler of the application, since a path's methods are spread over several handlers. The framework's own answer names
only the methods of the first handler at a path; with a handler here it makes none.
"""

from collections.abc import Callable, Iterable

from litestar import Response, route
from litestar.handlers import HTTPRouteHandler


def options_handlers(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """A handler for each path among those of `handlers`."""
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    return [
        route(path, http_method=["OPTIONS"], status_code=204, sync_to_thread=False, include_in_schema=False)(_answering(allowed))
        for path, allowed in methods.items()
    ]


def _answering(allowed: set[str]) -> Callable[[], Response[None]]:
    def options_route() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(allowed))})

    return options_route
