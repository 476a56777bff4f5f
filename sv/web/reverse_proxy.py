"""What stands between callers and the ASGI door: a base path, and trusted reverse proxies.

    base path    the server is reached below a path of a host that it shares with others: the path is removed before anything looks at it
    proxies      from a trusted proxy, `X-Forwarded-For`, `-Proto` and `-Host` replace what the connection itself says

A path without the base path means the same as with it. So a proxy may remove it or pass it on, and callers that reach the port directly
(health checks, SDKs on the same network) don't need it. Assumes that no path of the server's own begins with it; `sv.settings` sees to
that.

Never believes these headers on a connection that isn't from a trusted address: a visitor can send them too.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from sv.model.connection_limits import KNOWN_ADDRESSES
from sv.web.front import App, Receive, Scope, Send
from sv.web.origin import HOST

_ADDRESS: Final = re.compile(
    rb"\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|(?P<v4>[0-9.]{7,15})(?::[0-9]{1,5})?|(?P<v6>[0-9A-Fa-f:.]{2,45})"
)
_SCHEMES: Final = (b"http", b"https")


def behind_proxies(app: App, base_path: str = "", trusted_proxies: Sequence[str] = ()) -> App:
    """The application with both in front of it; the application itself where neither is set."""
    if base_path:
        app = _Below(app, base_path)
    return _Proxied(app, trusted_proxies) if trusted_proxies else app


class _Below:
    """base_path: `/stats`, without a slash at its end, of characters that nobody has to encode."""

    def __init__(self, app: App, base_path: str) -> None:
        self._app = app
        self._raw = base_path.encode()
        self._chars = len(base_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw_path: bytes = scope["raw_path"]
            if raw_path.startswith(self._raw) and raw_path[self._chars : self._chars + 1] in (b"/", b""):
                # Equal as bytes, so it is as long in the decoded path.
                scope = {**scope, "path": scope["path"][self._chars :] or "/", "raw_path": raw_path[self._chars :] or b"/"}
        await self._app(scope, receive, send)


class _Proxied:
    """networks: of the proxies that are believed."""

    def __init__(self, app: App, networks: Sequence[str]) -> None:
        self._app = app
        self._is_trusted = _trust_in(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and self._is_trusted(client[0]):
            scope = self._believed(scope)
        await self._app(scope, receive, send)

    def _believed(self, scope: Scope) -> Scope:
        chain: list[bytes] = []
        scheme = host = b""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                chain += value.split(b",")
            elif name == b"x-forwarded-proto":
                scheme = value.strip().lower()
            elif name == b"x-forwarded-host":
                host = value.rpartition(b",")[2].strip()  # the nearest proxy's: what stands before it may be the visitor's own
        changed = {**scope}
        if chain:
            changed["client"] = (self._caller(chain) or scope["client"][0], 0)
        if scheme in _SCHEMES:
            changed["scheme"] = scheme.decode()
        if HOST.fullmatch(host):
            changed["headers"] = [(b"host", host), *((name, value) for name, value in scope["headers"] if name != b"host")]
        return changed

    def _caller(self, chain: list[bytes]) -> str | None:
        """Each proxy adds at the end whom it was called by: from there, the first that is no trusted proxy. Where all are, the first of
        all. What is no address ends the search and is never the answer: None where it is the last."""
        caller = None
        for entry in reversed(chain):
            found = _ADDRESS.fullmatch(entry.strip())
            address = "" if found is None else (found["bracketed"] or found["v4"] or found["v6"]).decode()
            is_trusted = self._is_trusted(address)
            if is_trusted is None:
                break
            caller = address
            if not is_trusted:
                break
        return caller


def _trust_in(networks: Sequence[str]) -> Callable[[str], bool | None]:
    """Whether an address is in one of the networks; None for what is no address."""
    from ipaddress import ip_address, ip_network

    trusted = [ip_network(network) for network in networks]

    @lru_cache(KNOWN_ADDRESSES)
    def is_trusted(text: str) -> bool | None:
        try:
            address = ip_address(text)
        except ValueError:
            return None
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in trusted)

    return is_trusted
