"""Into a running server, over HTTP, a chunk a request.

A request that was not answered is sent again: the server takes a chunk once, whatever was lost on the way. What the server refuses is
not sent again, but told.
"""

import gzip
import http.client
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Final

import msgspec

from sv import __version__
from sv.imports.addresses import check_address, check_token, make_opener
from sv.imports.chunks import Chunk, Rejected
from sv.imports.targets import Outcome
from sv.model.errors import InvalidParameter, Unavailable

TIMEOUT_S: Final = 300.0
"""For a chunk: it is stored before it is answered, behind a merge of large files if that is under way."""

MAX_TRIES: Final = 12
"""Of one request: with the pauses between them some four minutes, in which a server is updated or restarted."""

FIRST_TRIES: Final = 3
"""Of requests before the first answer: an address that is wrong stays wrong."""

MAX_PAUSE_S: Final = 30.0
MAX_RETRY_AFTER_S: Final = 60.0
MAX_ANSWER_BYTES: Final = 16 << 20
GZIP_LEVEL: Final = 3
"""A third of the time of the default level, for a tenth more bytes."""

_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
_encoder: Final = msgspec.json.Encoder()


class RemoteTarget:
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
        check_address(url)
        check_token(api_token)
        self._url = url
        self._has_answered = False
        self._base = f"{url.rstrip('/')}/api/v1/projects/{urllib.parse.quote(project_id, safe='')}/imports"
        self._api_token = api_token
        self._say = say
        self._sleep = sleep
        self._timeout_s = timeout_s
        self._opener = make_opener()

    def taken_up_to(self, import_id: str) -> int:
        answer = self._ask("GET", f"/{import_id}", None)
        chunks = answer.get("chunks")
        if not isinstance(chunks, list):
            raise self._foreign()
        return max(chunks, default=0)

    def store(self, import_id: str, chunk: Chunk) -> Outcome:
        body = (
            b'{"batches":['
            + b",".join(
                b'{"user_agent":' + _encoder.encode(batch.user_agent) + b',"events":' + batch.events + b"}"
                for batch in chunk.batches
            )
            + b"]}"
        )
        answer = self._ask("POST", f"/{import_id}/chunks/{chunk.number}", gzip.compress(body, GZIP_LEVEL, mtime=0))
        try:
            examples = [
                Rejected(chunk.batches[error["batch"]].places[error["index"]], error["code"], error["message"])
                for error in answer["errors"]
            ]
            return Outcome(answer["taken"], answer["already"], answer["rejected_by_code"], tuple(examples))
        except (KeyError, IndexError, TypeError):
            raise self._foreign() from None

    def finish(self) -> None:
        """The server merges files by itself."""

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        """The answer's JSON, after as many tries as it takes. Raises what the server refuses with, Unavailable after the last try."""
        tries = MAX_TRIES if self._has_answered else FIRST_TRIES
        for attempt in range(1, tries + 1):
            try:
                answer = self._ask_once(method, path, body)
                self._has_answered = True
                return answer
            except _TryAgainError as fault:
                if attempt == tries:
                    raise Unavailable(f"gave up after {tries} tries: {fault.reason}") from None
                pause_s = max(fault.retry_after_s, min(2.0 ** (attempt - 1), MAX_PAUSE_S) * random.uniform(0.5, 1.0))
                self._say(f"{fault.reason}; trying again in {pause_s:.0f} s")
                self._sleep(pause_s)
        raise AssertionError("the loop returns or raises")

    def _ask_once(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._api_token}", "User-Agent": f"sv-import/{__version__}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        request = urllib.request.Request(self._base + path, data=body, headers=headers, method=method)  # noqa: S310 - http(s) alone
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                data = response.read(MAX_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise InvalidParameter(f"{self._url}: {reason.verify_message} (--url)") from None
            raise _TryAgainError(f"no answer from {self._url}: {reason or type(error).__name__}") from None
        answer = _json_object(data)
        if answer is None:
            raise self._foreign()
        return answer

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        """What an answer other than 200 means."""
        content = _json_object(_read(error))
        said = content.get("error") if content else None
        message = f"{self._url} answered {error.code}: {said or error.reason}"
        if error.code in _AGAIN:
            after = error.headers.get("retry-after", "")
            return _TryAgainError(message, min(float(after), MAX_RETRY_AFTER_S) if after.isdigit() else 0.0)
        if 300 <= error.code < 400:
            return InvalidParameter(f"{message}; the address is {error.headers.get('location', 'another one')} (--url)")
        if said is None and error.code == 413:
            return InvalidParameter(f"{message}: what stands before the server refuses large bodies; it must let 64 MiB through")
        return InvalidParameter(message) if said is not None else self._foreign()

    def _foreign(self) -> InvalidParameter:
        return InvalidParameter(f"{self._url} does not answer as a Session Vision server that takes imports (--url)")


class _TryAgainError(Exception):
    """A request that may succeed later."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


def _read(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
