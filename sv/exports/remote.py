"""A running server as the source of an export, over HTTP.

A request without an answer is sent again. An answer that breaks off is an error, and the caller goes on from the last whole piece.
"""

import contextlib
import http.client
import time
import urllib.parse
from collections.abc import Callable, Generator
from typing import Any, Final

import msgspec

from sv.exports.sources import Pairs, Plan
from sv.model.errors import Unavailable
from sv.remote.server import MAX_ANSWER_BYTES, Refused, RemoteServer, TryAgainError, is_cut_off

TIMEOUT_S: Final = 300.0
"""Of silence: a busy server's first block, or the next one."""

MAX_TRIES: Final = 8
"""Of one request: with the pauses between them a minute and a half, in which a server is restarted."""

FIRST_TRIES: Final = 3
"""Of a request that nobody answers, before the first answer: an address that is wrong stays wrong."""

MAX_PAUSE_S: Final = 30.0
BLOCK_BYTES: Final = 1 << 20


class RemoteSource:
    """url, api_token: see `RemoteServer`. say: called with the reason when something takes longer. Raises InvalidParameter for a bad
    address."""

    reads_ahead = False
    """A server reads two exports at a time, and the other place is for others."""

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
        self._server = RemoteServer(url, api_token, agent="sv-export", role="gives exports", timeout_s=timeout_s)
        self._path = f"/projects/{urllib.parse.quote(project_id, safe='')}/events/export"
        self._say = say
        self._sleep = sleep
        self._has_answered = False

    def plan(self, pairs: Pairs) -> Plan:
        with self._open("/plan", pairs) as answer:
            try:
                return msgspec.json.decode(answer.read(MAX_ANSWER_BYTES), type=Plan)
            except (OSError, http.client.HTTPException) as error:
                raise Unavailable(self._server.broke_off()) from error
            except msgspec.DecodeError as error:
                raise (Unavailable(self._server.broke_off()) if is_cut_off(answer) else self._server.foreign()) from error

    def read(self, pairs: Pairs) -> Generator[bytes]:
        with self._open("", pairs) as answer:
            if not answer.chunked and answer.length is None:
                raise Refused(
                    f"what stands before {self._server.url} doesn't say where an answer ends, so that half of one would be taken for all of"
                    " it: have it speak HTTP/1.1, or ask the server itself (--url or SV_URL)"
                )
            try:
                while block := answer.read(BLOCK_BYTES):
                    yield block
            except (OSError, http.client.HTTPException) as error:
                raise Unavailable(self._server.broke_off()) from error
            if is_cut_off(answer):
                raise Unavailable(self._server.broke_off())

    def _open(self, path: str, pairs: Pairs) -> "contextlib.closing[Any]":
        """The answer, after as many tries as it takes. Raises what the server refuses with, Unavailable after the last try."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                answer = self._server.open("GET", f"{self._path}{path}?{urllib.parse.urlencode(list(pairs))}")
                self._has_answered = True
                return answer
            except TryAgainError as fault:
                self._has_answered |= fault.is_answer
                if attempt == (MAX_TRIES if self._has_answered else FIRST_TRIES):
                    raise Unavailable(fault.reason) from None
                wait_s = min(fault.retry_after_s or 0.5 * 2.0**attempt, MAX_PAUSE_S)
                self._say(f"{fault.reason}; trying again in {wait_s:.0f} s")
                self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")
