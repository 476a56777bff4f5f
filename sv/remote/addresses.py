"""A running server's address and an API token, as they are given to a command, and what asks there.

Redirects are not followed, so that a token goes to the server that was named and to no other.
"""

import urllib.parse
import urllib.request
from email.message import Message
from typing import IO

from sv.model.errors import InvalidParameter


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: the redirect is the answer."""


def make_opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Redirects)


def check_address(url: str, named: str = "--url") -> None:
    """Raises InvalidParameter for what is no address of a server, with or without a path in front of `/api`. named: where it was given."""
    if not _is_address(url):
        raise InvalidParameter(f"expected an address such as https://analytics.example.com, got {url!r} ({named})")


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
