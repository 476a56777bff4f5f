"""Answers only requests to a name of this machine: for `sv dev`, whose credentials everybody knows.

A malicious site can make its own name point to 127.0.0.1 (DNS rebinding). Its pages are then of one origin with the server, and a browser
lets them read every answer. The name that the browser used is in `Host`. Only names that no site can have are answered: IP addresses, names
without a dot, and names under domains that nobody can register (RFC 6761 and 6762, `.internal`, `home.arpa`), such as
`host.docker.internal`. A request without a name (HTTP/1.0) doesn't come from a browser.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from sv.model.errors import NotAuthorized
from sv.web.front import App, Receive, Scope, Send

_LOCAL: Final = ("localhost", "local", "test", "internal", "localdomain", "home.arpa")
_ADDRESS: Final = re.compile(r"[0-9]+(\.[0-9]+){3}|\[[^\]]*\]")
_PORT: Final = re.compile(r":[0-9]*\Z")


class ByLocalNames:
    """Wraps an application. Raises NotAuthorized. public_url: its host is accepted as well."""

    def __init__(self, app: App, public_url: str | None) -> None:
        self._app = app
        self._own = None if public_url is None else urlsplit(public_url).hostname

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
        name = name_of(host)
        if name and name != self._own and not is_local(name):
            shown = host[:100].decode("latin-1")
            raise NotAuthorized(
                f"sv dev answers only by names that no site can have, such as localhost, got {shown!r} (Host); "
                "where it is yours, name it with --public-url"
            )
        await self._app(scope, receive, send)


def name_of(host: bytes) -> str:
    """The name in a `Host`, without its port, in lower case. SCAR: whatever is in it: sites may have names such as `a!b.example`."""
    return _PORT.sub("", host.decode("latin-1").lower())


def is_local(name: str) -> bool:
    """Whether no foreign site can have this name."""
    name = name.removesuffix(".")
    return "." not in name or _ADDRESS.fullmatch(name) is not None or name.endswith(tuple(f".{each}" for each in _LOCAL))
