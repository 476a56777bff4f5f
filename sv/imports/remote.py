"""Sends an import into a running server over HTTP, one chunk per request.

A request without an answer is sent again: the server takes a chunk once, even if an answer was lost. What the server refuses is not sent
again, but reported.
"""

import gzip
import random
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

import msgspec

from sv.imports.chunks import Chunk, ChunkSize, Rejected
from sv.imports.targets import Outcome, Step
from sv.model.errors import Unavailable
from sv.remote.server import RemoteServer, TryAgainError

TIMEOUT_S: Final = 300.0
"""For a chunk: it is stored before it is answered, behind a merge of large files if that is under way."""

MAX_TRIES: Final = 12
"""Of one request: with the pauses between them some four minutes, in which a server is updated or restarted."""

FIRST_TRIES: Final = 3
"""Of a request that nobody answers, before the first answer: an address that is wrong stays wrong."""

MAX_PAUSE_S: Final = 30.0
MAX_RETRY_AFTER_S: Final = 60.0
GZIP_LEVEL: Final = 3
"""A third of the time of the default level, for a tenth more bytes."""

_encoder: Final = msgspec.json.Encoder()


class RemoteTarget:
    """url, api_token: see `RemoteServer`. say: called with the reason when something takes longer. Raises InvalidParameter for a bad
    address."""

    size: ChunkSize | None = None

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
        self._server = RemoteServer(url, api_token, agent="sv-import", role="takes imports", timeout_s=timeout_s)
        self._path = f"/projects/{urllib.parse.quote(project_id, safe='')}/imports"
        self._has_answered = False
        self._say = say
        self._sleep = sleep

    def taken_up_to(self, import_id: str) -> int:
        answer = self._ask("GET", f"/{import_id}", None)
        chunks = answer.get("chunks")
        if not isinstance(chunks, list):
            raise self._server.foreign()
        return max(chunks, default=0)

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        return lambda: lambda: self.store(import_id, chunk)

    def store(self, import_id: str, chunk: Chunk) -> Outcome:
        """Take a chunk in. Raises what `Target.begin` says."""
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
            raise self._server.foreign() from None

    def finish(self) -> None:
        """The server merges files by itself."""

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        """The answer's JSON, after as many tries as it takes. Raises what the server refuses with, Unavailable after the last try."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                answer = self._server.ask(method, self._path + path, body, "" if body is None else "gzip")
                self._has_answered = True
                return answer
            except TryAgainError as fault:
                self._has_answered |= fault.is_answer
                if attempt >= (MAX_TRIES if self._has_answered else FIRST_TRIES):
                    raise Unavailable(f"gave up after {attempt} tries: {fault.reason}") from None
                backoff_s = min(2.0 ** (attempt - 1), MAX_PAUSE_S) * random.uniform(0.5, 1.0)
                pause_s = max(min(fault.retry_after_s, MAX_RETRY_AFTER_S), backoff_s)
                self._say(f"{fault.reason}; trying again in {pause_s:.0f} s")
                self._sleep(pause_s)
        raise AssertionError("the last try returns or raises")
