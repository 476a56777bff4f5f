"""Checks a running server's address and API token as given to a command, and opens requests to it.

Redirects are not followed, so that a token goes to the server that was named and to no other.
"""

import http.client
import ipaddress
import urllib.parse
import urllib.request
from email.message import Message
from typing import IO, Final

from sv.model.errors import InvalidParameter

CONNECT_S: Final = 10.0
"""For a connection, with the handshake of TLS: three of TCP's own tries. Where packets are swallowed nobody answers later either, while a
server that has been asked may think for as long as the request lets it."""


class _HttpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        patience_s, self.timeout = self.timeout, _for_connecting(self.timeout)
        super().connect()
        self.sock.settimeout(patience_s)


class _HttpsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        patience_s, self.timeout = self.timeout, _for_connecting(self.timeout)
        super().connect()
        self.sock.settimeout(patience_s)


def _for_connecting(timeout_s: float | None) -> float:
    return CONNECT_S if timeout_s is None else min(timeout_s, CONNECT_S)


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: the redirect is the answer."""


def make_opener(url: str) -> urllib.request.OpenerDirector:
    """For requests to this server. The environment's proxy is for the world outside, and gets no token for this machine."""
    own = [urllib.request.ProxyHandler({})] if _is_here(url) else []
    return urllib.request.build_opener(_Redirects, _Http, _Https, *own)


def _is_here(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(url: str, named: str = "--url") -> None:
    """Raises InvalidParameter for what is no address of a server, with or without a path in front of `/api`. named: where it was given."""
    if not _is_address(url):
        raise InvalidParameter(f"expected an address such as https://analytics.example.com, got {url!r} ({named})")
    before, has_api, _ = f"{url.rstrip('/')}/".partition("/api/v1/")
    if has_api:
        raise InvalidParameter(f"expected the server's own address, {before}, got {url!r} ({named})")


def _is_address(url: str) -> bool:
    """Whether it can be asked at all: what looks up names and makes requests has errors of its own for the rest."""
    try:
        parts = urllib.parse.urlsplit(url)
        name = (parts.hostname or "").encode("idna")
        is_whole = parts.port != 0 and parts.path.isascii() and url.isprintable() and not set(url) & set(" ?#")
    except ValueError:  # of brackets, a port or a name
        return False
    return parts.scheme in ("http", "https") and bool(name) and is_whole and not parts.username


def check_token(api_token: str) -> None:
    """Raises InvalidParameter, without showing it, for what can't be an API token."""
    if not api_token.isascii() or not api_token.isprintable() or " " in api_token:
        raise InvalidParameter("expected an API token as it was shown when it was made (--api-token)")
