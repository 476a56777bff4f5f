"""The straight line from a request's bytes to its acknowledgement: inflate, repair, decode, recognise a retry, log, answer.

The answer waits until the batch is on disk (many requests share one sync) and until every later query sees it. When anything raises nothing
is stored, with one exception that the log documents: a batch whose sync failed may come back after a crash; then its retry is recognised by
its digest.
"""

import asyncio
import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from sv.auth.tokens import unknown_project_token
from sv.ingest.body import inflate
from sv.ingest.counters import IngestCounters
from sv.ingest.decode import LARGE_BODY_BYTES, decode, decode_quickly, is_dense
from sv.ingest.events import Decoded, Rejection
from sv.ingest.one_by_one import decode_slowly, token_of
from sv.ingest.pace import Pace
from sv.ingest.rates import Rates
from sv.ingest.rejected import RecentRejections
from sv.ingest.retries import MAX_KEPT_REJECTIONS_BYTES, TOLD_ANEW, Answer, Retries, retry_key
from sv.model.batch import VERSION, Batch, StoredBatch, encode_batch
from sv.model.errors import Unavailable
from sv.model.ingest_limits import MAX_ASIDE_WAIT_S
from sv.model.json_repair import is_slow_to_repair, repair
from sv.model.limits import MAX_USER_AGENT_CHARS

log = logging.getLogger(__name__)

ORDINARY_BODY_BYTES: Final = 64 * 1024
"""With less room than for one, the server says that it refuses writes."""

_encoder: Final = msgspec.json.Encoder()


class Committed(Protocol):
    """What the log says of one appended payload: its position, or why it was not stored."""

    @property
    def seq(self) -> int | None: ...
    @property
    def tag(self) -> Any: ...
    @property
    def fault(self) -> Exception | None: ...


class AppendLog(Protocol):
    """The log, as far as ingest uses it. `append` returns at once; the outcome comes to `Capture.on_commits`."""

    def append(self, payload: bytes, tag: object = None) -> None: ...

    @property
    def queued_bytes(self) -> int: ...


class Ack(Struct, frozen=True):
    """The answer to one ingest request: an HTTP status (202, or 422 where every event was rejected) and a JSON body."""

    status: int
    body: bytes


class _Waiting(Struct, frozen=True, gc=False):
    batch: Batch
    outcome: "asyncio.Future[Answer]"


class Capture:
    """Belongs to one event loop. `on_commits` alone is called by the log's thread.

    project_of: the project of a live project token, else None.
    accept: hands stored batches to the store, in log order; when it returns, queries see them.
    held_bytes: bytes of acknowledged events not yet in files; with the log's queue they may reach max_held_bytes.
    """

    def __init__(
        self,
        *,
        project_of: Callable[[str], str | None],
        accept: Callable[[Sequence[StoredBatch]], None],
        held_bytes: Callable[[], int],
        max_held_bytes: int,
        retries: Retries,
        now_ms: Callable[[], int],
        rates: Rates,
    ) -> None:
        self._project_of = project_of
        self._accept = accept
        self._held_bytes = held_bytes
        self._max_held_bytes = max_held_bytes
        self._now_ms = now_ms
        self._log: AppendLog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._small_lane = asyncio.Semaphore(1)
        self._large_lane = asyncio.Semaphore(1)
        self._aside_bytes = 0
        self.retries = retries
        self.rates = rates
        self.counters = IngestCounters()
        self.pace = Pace()
        self.rejected = RecentRejections(now_ms)
        self.is_closing = False
        self.on_first: Callable[[Batch], None] | None = None
        """Called once, on the log's thread, with the first batch that is stored from then on. It must not wait for anything."""

        self.max_reading_bytes = max_held_bytes // 2
        """Of requests that are still arriving in pieces, all together; and likewise of those that wait for being decoded."""

    def open(self, log: AppendLog, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._loop = loop

    def has_room(self, size: int = ORDINARY_BODY_BYTES) -> bool:
        """Whether `size` more bytes may be held."""
        assert self._log is not None
        return self._held_bytes() + self._log.queued_bytes + size <= self._max_held_bytes

    def check_room(self, size: int) -> None:
        """Raises Unavailable where `size` more bytes would be too many to hold, or where the server is going down."""
        if self.is_closing:
            raise Unavailable("the server is shutting down", retry_after_s=2)
        if not self.has_room(size):
            raise Unavailable("more events arrive than can be written; nothing of this request was stored", retry_after_s=2)

    async def capture(self, data: bytes, encoding: str, user_agent: str, country: str | None, address: str = "") -> Ack:
        """Store one request's events and return its answer once they are durable.

        encoding: the Content-Encoding header, lower case, "" where absent. country: ISO 3166 alpha-2, where known.
        address: the sender's, for the rates alone.
        Raises ClientFault for a request that can't be stored as it is, Unavailable where the disk or the load forbid it.
        """
        self.check_room(len(data))
        key = retry_key(encoding, data) if self.retries.is_on else b""
        now_ms = self._now_ms()
        answer = await self._first_answer(key, now_ms)
        if answer is not None:
            if answer.rejected != TOLD_ANEW:
                return _acknowledged(answer)
            now_ms = answer.received_ms  # as the first time
        body = inflate(data, encoding)
        if len(body) > LARGE_BODY_BYTES:
            self._refuse_unknown(body)
        is_many = is_dense(body)
        decoded = None if is_many or is_slow_to_repair(body) else decode_quickly(repair(body), now_ms)
        if decoded is None:
            decoded = await self._decode_aside(body, now_ms, is_many)
            answer = answer or await self._first_answer(key, now_ms)  # the same body may have been stored meanwhile
        if answer is not None:
            return _acknowledged(answer, decoded.rejections)
        project_id = self._project_or_refuse(decoded.project_token)
        self.rates.take(project_id, address, decoded.accepted)
        if decoded.rejections:
            self.counters.rejected_events.update(rejection.code.value for rejection in decoded.rejections)
            self.rejected.note(project_id, decoded.rejections, decoded.accepted + len(decoded.rejections), now_ms)
        if not decoded.accepted:
            return _refused(decoded)
        if len(decoded.events_json) > ORDINARY_BODY_BYTES:
            self.check_room(len(decoded.events_json))  # as they are kept: inflated, and numbers written out
        batch = Batch(
            VERSION,
            project_id,
            now_ms,
            decoded.accepted,
            user_agent[:MAX_USER_AGENT_CHARS],
            country,
            key if decoded.is_dated else b"",
            _kept(decoded.rejections),
            decoded.events_json,
        )
        return _acknowledged(await self._store(batch), decoded.rejections)

    async def _first_answer(self, key: bytes, now_ms: int) -> Answer | None:
        """What the same body was answered within the window, or will be as soon as it is on disk; None for a new body."""
        answer = self.retries.answer_to(key, now_ms)
        if answer is None:
            waiting = self.retries.in_flight(key)
            if waiting is None:
                return None
            answer = await asyncio.shield(waiting)
        self.counters.retried_requests += 1
        self.counters.retried_events += answer.accepted
        return answer

    async def _decode_aside(self, body: bytes, now_ms: int, is_many: bool) -> Decoded:
        """Decode on a thread what takes long, one request at a time, and only for a token that exists. Small bodies, which are here mostly
        because an event is to be rejected, don't wait for large ones. is_many: whether the body has very many values."""
        self._refuse_unknown(body)
        if self._aside_bytes + len(body) > self.max_reading_bytes:
            raise Unavailable("too many large requests at once; nothing of this one was stored", retry_after_s=2)
        lane = self._small_lane if len(body) <= ORDINARY_BODY_BYTES else self._large_lane
        self._aside_bytes += len(body)
        try:
            await self._turn_of(lane)
            try:
                return await asyncio.to_thread(self._decode_here, body, now_ms, is_many)
            finally:
                lane.release()
        finally:
            self._aside_bytes -= len(body)

    async def _turn_of(self, lane: asyncio.Semaphore) -> None:
        """Acquire the lock. Raises Unavailable where that takes too long, or the server is about to end."""
        try:
            async with asyncio.timeout(MAX_ASIDE_WAIT_S):
                await lane.acquire()
        except TimeoutError:
            raise Unavailable("too many large requests at once; nothing of this one was stored", retry_after_s=5) from None
        if self.is_closing:
            lane.release()
            raise Unavailable("the server is shutting down", retry_after_s=2)

    def _decode_here(self, body: bytes, now_ms: int, is_many: bool) -> Decoded:
        """On whatever thread."""
        body = repair(body)
        if is_many:
            return decode_slowly(body, now_ms, self._project_or_refuse)
        return decode(body, now_ms)

    def _refuse_unknown(self, body: bytes) -> None:
        """Raises NotAuthenticated for a body with an unknown token, before any work is spent on its events."""
        token = token_of(body)
        if token is not None:
            self._project_or_refuse(token)

    def _project_or_refuse(self, token: str) -> str:
        project_id = self._project_of(token)
        if project_id is None:
            raise unknown_project_token(token, "projectToken")
        return project_id

    async def _store(self, batch: Batch) -> Answer:
        """Append to the log and wait for the disk."""
        assert self._log is not None
        assert self._loop is not None
        outcome: asyncio.Future[Answer] = self._loop.create_future()
        key = batch.retry_key
        if key:
            self.retries.begin(key, outcome)
        try:
            self._log.append(encode_batch(batch), _Waiting(batch, outcome))
        except Exception:
            if key:
                self.retries.end(key)
            raise
        # TRICKY: from here on `_settle` ends the key. We don't: when a failed outcome wakes us, a retry may have begun the key anew.
        return await outcome

    def on_commits(self, commits: Sequence[Committed]) -> None:
        """The log's report on a group of appends, in log order, on the log's thread."""
        stored = [StoredBatch(commit.seq, commit.tag.batch) for commit in commits if commit.seq is not None]
        if stored:
            self._accept(stored)
            if self.on_first is not None:
                on_first, self.on_first = self.on_first, None
                on_first(stored[0].batch)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._settle, commits)

    def forget_answers(self) -> None:
        """Forget all retries and rejections, for `sv dev`. Called on another thread than the event loop's; returns when it is done."""
        assert self._loop is not None
        done = threading.Event()

        def forget() -> None:
            self.retries.forget_all()
            self.rejected.forget_all(self._now_ms())
            done.set()

        self._loop.call_soon_threadsafe(forget)
        done.wait()

    def _settle(self, commits: Sequence[Committed]) -> None:
        now_ms = self._now_ms()
        for commit in commits:
            try:
                self._settle_one(commit, now_ms)
            except Exception:  # one request's fault must not leave the others of its group without an answer
                log.exception("a fault of ours while acknowledging")

    def _settle_one(self, commit: Committed, now_ms: int) -> None:
        waiting: _Waiting = commit.tag
        batch = waiting.batch
        if batch.retry_key:
            self.retries.end(batch.retry_key)
        if commit.seq is None:
            if not waiting.outcome.cancelled():
                waiting.outcome.set_exception(Unavailable(f"can't write to the data folder: {commit.fault}"))
                waiting.outcome.exception()  # marks it as seen, for the client may have gone
            return
        answer = answer_of(batch)
        if not waiting.outcome.cancelled():
            waiting.outcome.set_result(answer)
        if batch.retry_key:
            self.retries.remember(answer, now_ms)


def answer_of(batch: Batch) -> Answer:
    """What the request was answered that left this batch in the log."""
    return Answer(batch.retry_key, batch.received_ms, batch.event_count, batch.rejected)


def _kept(rejections: Sequence[Rejection]) -> bytes:
    """What is to be remembered of them, as in `Answer`."""
    if not rejections:
        return b""
    errors = _encoder.encode(rejections)
    return zlib.compress(errors, 1) if len(errors) <= MAX_KEPT_REJECTIONS_BYTES else TOLD_ANEW


def _acknowledged(answer: Answer, rejections: Sequence[Rejection] = ()) -> Ack:
    """rejections: for an answer that has them TOLD_ANEW."""
    if not answer.rejected:
        return Ack(202, b'{"status":"accepted","accepted":%d,"rejected":0,"errors":[]}' % answer.accepted)
    if answer.rejected == TOLD_ANEW:
        errors, rejected = _encoder.encode(rejections), len(rejections)
    else:
        errors = zlib.decompress(answer.rejected)
        rejected = len(msgspec.json.decode(errors, type=list[object]))
    return Ack(202, b'{"status":"accepted","accepted":%d,"rejected":%d,"errors":%b}' % (answer.accepted, rejected, errors))


def _refused(decoded: Decoded) -> Ack:
    first = decoded.rejections[0]
    content = {
        "error": f"every event was rejected; events[{first.index}]: {first.message}",
        "code": "VALIDATION_ERROR",
        "status": "rejected",
        "accepted": 0,
        "rejected": len(decoded.rejections),
        "errors": decoded.rejections,
    }
    return Ack(422, _encoder.encode(content))
