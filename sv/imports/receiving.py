"""A server's side of an import: takes in chunks that arrive over HTTP.

Nothing that a client sends is taken on trust: each event goes through the rules of ingest again, and each request is bounded. Permissions
are checked by the routes.
"""

import asyncio
import threading
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec
from msgspec import Struct

from sv.imports.chunks import CHUNK_ROWS, decode_events
from sv.ingest.events import Decoded
from sv.model.errors import InvalidParameter, PayloadTooLarge, SvError, Unavailable, UnsupportedMedia, ValidationFailed
from sv.model.json_repair import repair
from sv.model.limits import MAX_USER_AGENT_CHARS, MIB
from sv.model.validate import clip, not_json
from sv.store.event_store import EventStore
from sv.store.importing import ImportBatch, ImportChunks, ImportRows
from sv.store.maintenance import Maintenance

MAX_CHUNK_BODY_BYTES: Final = 64 * MIB
"""Of a chunk's JSON, before and after compression. Our own client stays at a third of it."""

MAX_UPLOADS: Final = 8
MAX_PROJECT_UPLOADS: Final = 2
"""Chunks under way at the same time, in all and of one project: one is stored, the next one comes in meanwhile. Who sends slowly keeps
no other project's out."""

MAX_ARRIVED_BYTES: Final = 2 * MAX_CHUNK_BODY_BYTES
"""Of all that are under way, as far as they are here; a project may have half of it."""

MAX_TURN_WAIT_S: Final = 30.0
"""For being decoded and stored, which are one chunk's at a time: it takes six times its bytes. The next ones come in meanwhile."""

MAX_CHUNK_NUMBER: Final = 2**53 - 1
"""The largest whole number that every JSON reader tells apart."""

MAX_ERRORS: Final = 100
"""Rejected events that an answer lists one by one."""

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class ChunkError(Struct, frozen=True):
    """A rejected event: the place of its batch, its place in the batch, both from 0, the reason, and what is wrong."""

    batch: int
    index: int
    code: str
    message: str


class ChunkAnswer(Struct, frozen=True):
    """What became of a chunk.

    taken: events stored; fewer than were sent and not rejected where an eventId was seen before. rejected: events rejected, and
    rejected_by_code how many for which reason; errors: the first hundred of them. already: the chunk was in before, and nothing was done.
    """

    taken: int
    rejected: int
    already: bool
    rejected_by_code: dict[str, int]
    errors: list[ChunkError]


class ImportState(Struct, frozen=True):
    """The numbers of the chunks that are in, ascending."""

    import_id: str
    chunks: list[int]


class _Room(threading.local):
    """How much of a chunk may still be decoded. batches: that this thread may still decode."""

    batches = 0


_room: Final = _Room()


class _Batch(Struct, frozen=True, forbid_unknown_fields=True):
    events: msgspec.Raw
    user_agent: str = ""

    def __post_init__(self) -> None:
        """SCAR: counted as they are decoded. Five million, which fit into a chunk's bytes, took hundreds of megabytes to be refused."""
        _room.batches -= 1
        if _room.batches < 0:
            raise PayloadTooLarge(f"expected at most {CHUNK_ROWS} batches in a chunk, got more (batches)")


class _Chunk(Struct, frozen=True, forbid_unknown_fields=True):
    batches: list[_Batch]


_decoder: Final = msgspec.json.Decoder(_Chunk)


class Receiver:
    """One for the server. `take` blocks, and is called on threads; `admit` is called on the event loop, and so is `turn`."""

    def __init__(self, chunks: ImportChunks, now_ms: Callable[[], int]) -> None:
        self._chunks = chunks
        self._now_ms = now_ms
        self._uploads: Counter[str] = Counter()
        self._arrived_bytes: Counter[str] = Counter()
        self._turn = asyncio.Lock()

    @contextmanager
    def admit(self, project_id: str) -> Generator[Callable[[int], None]]:
        """Around an upload, before its body is read. What it gives is told how many more bytes are here.

        Raises Unavailable where too many are under way, and so does what it gives where they are too many bytes.
        """
        if self._uploads.total() >= MAX_UPLOADS or self._uploads[project_id] >= MAX_PROJECT_UPLOADS:
            raise _later()
        arrived = 0

        def arrive(size: int) -> None:
            nonlocal arrived
            own, all_together = self._arrived_bytes[project_id] + size, self._arrived_bytes.total() + size
            if own > MAX_ARRIVED_BYTES // 2 or all_together > MAX_ARRIVED_BYTES:
                raise _later()
            arrived += size
            self._arrived_bytes[project_id] = own

        self._uploads[project_id] += 1
        try:
            yield arrive
        finally:
            self._arrived_bytes[project_id] -= arrived
            self._uploads[project_id] -= 1
            if not self._uploads[project_id]:
                del self._uploads[project_id], self._arrived_bytes[project_id]

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Around `take`. Raises Unavailable where it is long in coming."""
        try:
            async with asyncio.timeout(MAX_TURN_WAIT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise _later() from None
        try:
            yield
        finally:
            self._turn.release()

    def state(self, project_id: str, import_id: str) -> ImportState:
        """What is in of an import; nothing for one that nobody has begun."""
        return ImportState(import_id, sorted(self._chunks.taken(project_id, import_id)))

    def take(self, project_id: str, import_id: str, chunk_no: int, data: bytes, encoding: str) -> ChunkAnswer:
        """Take in a chunk, `{"batches": [{"user_agent", "events": […]}]}`, gzipped or not.

        encoding: the Content-Encoding header, lower case, "" where absent. Raises InvalidParameter (no JSON, a number out of range),
        ValidationFailed (another shape), PayloadTooLarge, UnsupportedMedia, Unavailable.
        """
        if not 1 <= chunk_no <= MAX_CHUNK_NUMBER:
            raise InvalidParameter(f"expected a whole number from 1 to {MAX_CHUNK_NUMBER:,}, got {chunk_no} (chunk_no)")
        chunk = _decoded(repair(_inflated(data, encoding)))
        batches: list[ImportBatch] = []
        errors: list[ChunkError] = []
        counts: Counter[str] = Counter()
        now_ms = self._now_ms()
        rows = 0
        for number, batch in enumerate(chunk.batches):
            decoded = _checked(number, batch, now_ms)
            rows += decoded.accepted + len(decoded.rejections)
            if rows > CHUNK_ROWS:
                raise PayloadTooLarge(f"expected at most {CHUNK_ROWS} events in a chunk, got more (batches)")
            counts.update(rejection.code.value for rejection in decoded.rejections)
            errors += [
                ChunkError(number, rejection.index, rejection.code, rejection.message)
                for rejection in decoded.rejections[: MAX_ERRORS - len(errors)]
            ]
            if decoded.accepted:
                batches.append(ImportBatch(batch.user_agent[:MAX_USER_AGENT_CHARS], decoded.accepted, decoded.events_json))
        taken = self._chunks.store(project_id, import_id, chunk_no, batches)
        if taken is None:
            return ChunkAnswer(0, 0, already=True, rejected_by_code={}, errors=[])
        return ChunkAnswer(taken, counts.total(), already=False, rejected_by_code=dict(counts), errors=errors)


def open_receiver(store: EventStore, rows: ImportRows, maintenance: Maintenance, now_ms: Callable[[], int]) -> Receiver:
    """The receiver of a server with these parts."""
    return Receiver(ImportChunks(store, rows, maintenance, now_ms=now_ms), now_ms)


def _later() -> Unavailable:
    return Unavailable("other imports are being taken in; try again soon", retry_after_s=2)


def _inflated(data: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMedia(f"expected gzip or none, got {encoding[:40]!r} (Content-Encoding)")
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = member.decompress(data, MAX_CHUNK_BODY_BYTES + 1)
    except zlib.error as error:
        raise InvalidParameter(f"the body is no valid gzip: {error} (body)") from None
    if len(content) > MAX_CHUNK_BODY_BYTES:
        raise PayloadTooLarge(f"expected at most {MAX_CHUNK_BODY_BYTES} bytes once inflated, got more (body)")
    if not member.eof or member.unused_data:
        raise InvalidParameter("expected one whole gzip member (body)")
    return content


def _decoded(body: bytes) -> _Chunk:
    _room.batches = CHUNK_ROWS  # none is without an event
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _wrong_shape(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_json(body, error) from None


def _wrong_shape(error: msgspec.ValidationError) -> ValidationFailed:
    """The first wrong field, with the decoder's message. Not more: finding all would mean to keep all of a large body."""
    said, _, path = str(error).partition(" - at `$")
    return ValidationFailed.at(clip(path.rstrip("`").lstrip(".")) or "body", clip(said[:1].lower() + said[1:]))


def _checked(number: int, batch: _Batch, now_ms: int) -> Decoded:
    try:
        return decode_events(bytes(batch.events), now_ms)
    except PayloadTooLarge as error:
        raise PayloadTooLarge(f"batches[{number}]: {error.message}") from None
    except ValidationFailed as error:
        raise ValidationFailed.at(f"batches[{number}].events", error.details[0].message) from None
    except SvError as error:
        raise ValidationFailed.at(f"batches[{number}].events", error.message) from None
