"""A running server as the source, over HTTP.

A request that was not answered is sent again; an answer that breaks off is an error, and what asked for it sees to going on. Redirects are
not followed, so that a token goes to the server that was named and to no other.
"""

import contextlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator
from email.message import Message
from typing import IO, Any, Final

import msgspec

from sv import __version__
from sv.exports.sources import Pairs, Plan
from sv.model.errors import InvalidParameter, Unavailable

TIMEOUT_S: Final = 300.0
"""Of silence: a busy server's first block, or the next one."""

MAX_TRIES: Final = 8
MAX_PAUSE_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 16 << 20
BLOCK_BYTES: Final = 1 << 20

_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: the redirect is the answer."""


class RemoteSource:
    """url: the server's address, with or without a path in front of `/api`. say: hears why it takes longer.

    Raises InvalidParameter for what is no address.
    """

    def __init__(
        self,
        url: str,
        api_token: str,
        project_id: str,
        *,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise InvalidParameter(f"expected an address such as https://analytics.example.com, got {url!r} (--url)")
        if not api_token.isascii() or not api_token.isprintable() or " " in api_token:
            raise InvalidParameter("expected an API token as it was shown when it was made (--api-token)")
        self._url = url
        self._base = f"{url.rstrip('/')}/api/v1/projects/{urllib.parse.quote(project_id, safe='')}/events/export"
        self._api_token = api_token
        self._say = say
        self._sleep = sleep
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_Redirects)

    def plan(self, pairs: Pairs) -> Plan:
        with self._open("/plan", pairs) as answer:
            try:
                return msgspec.json.decode(answer.read(MAX_ANSWER_BYTES), type=Plan)
            except (msgspec.DecodeError, OSError, http.client.HTTPException) as error:
                raise self._foreign() from error

    def read(self, pairs: Pairs) -> Generator[bytes]:
        with self._open("", pairs) as answer:
            try:
                while block := answer.read(BLOCK_BYTES):
                    yield block
            except (OSError, http.client.HTTPException) as error:
                raise Unavailable(f"the answer of {self._url} broke off") from error

    def _open(self, path: str, pairs: Pairs) -> "contextlib.closing[Any]":
        """The answer, after as many tries as it takes. Raises what the server refuses with, Unavailable after the last try."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self._base}{path}?{urllib.parse.urlencode(list(pairs))}",
            headers={"Authorization": f"Bearer {self._api_token}", "User-Agent": f"sv-export/{__version__}"},
        )
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return contextlib.closing(self._opener.open(request, timeout=self._timeout_s))
            except urllib.error.HTTPError as error:
                reason, pause_s = self._reason_to_wait(error), error.headers.get("retry-after", "")
            except (OSError, http.client.HTTPException) as error:
                reason, pause_s = f"no answer from {self._url}: {getattr(error, 'reason', None) or error}", ""
            if attempt == MAX_TRIES:
                raise Unavailable(reason)
            wait_s = min(float(pause_s) if pause_s.isdigit() else 0.5 * 2.0**attempt, MAX_PAUSE_S)
            self._say(f"{reason}; trying again in {wait_s:.0f} s")
            self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _reason_to_wait(self, error: urllib.error.HTTPError) -> str:
        """What an answer other than 200 means, where it may be another one later. Raises InvalidParameter where it won't."""
        said = _error_of(error)
        message = f"{self._url} answered {error.code}: {said or error.reason}"
        if error.code in _AGAIN:
            return message
        if 300 <= error.code < 400:
            raise InvalidParameter(f"{message}; the address is {error.headers.get('location', 'another one')} (--url)")
        if said is None:
            raise self._foreign()
        raise InvalidParameter(message)

    def _foreign(self) -> InvalidParameter:
        return InvalidParameter(f"{self._url} does not answer as a Session Vision server that gives exports (--url)")


def _error_of(error: urllib.error.HTTPError) -> str | None:
    """What our own servers say of an error."""
    try:
        found = msgspec.json.decode(error.read(MAX_ANSWER_BYTES), type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, OSError, http.client.HTTPException):
        return None
    return found if isinstance(found, str) else None
