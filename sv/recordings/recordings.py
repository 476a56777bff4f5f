"""Recordings as the rest of the server sees them.

A chunk counts once its bytes are there. An upload to the server's own folder says so itself (`store`). S3 tells nobody, so each promise
is looked up after some seconds, then ever more seldom until its URL is over (`settle`); and a session that somebody asks for is looked up
right then. The same look-up finds what a crash left between the folder's rename and the row.

Assumes that every call may block: an event loop makes them on threads.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from msgspec import Struct

from sv.meta.recordings import Bounds, Chunk, NewChunk, RecordingChunks
from sv.model import limits
from sv.model.calendar import iso_ms
from sv.model.errors import NotAuthorized, NotFound, Unavailable
from sv.model.limits import MINUTE_MS, SECOND_MS
from sv.model.validate import show
from sv.objects.port import URL_LIFETIME_MS, ObjectStore, Undeleted
from sv.recordings.arrivals import Arrivals
from sv.recordings.keys import CONTENT_TYPE, chunk_key, folder_key, parse_key, session_folder
from sv.recordings.request import UploadRequest

log = logging.getLogger(__name__)

GRACE_MS: Final = 10 * MINUTE_MS
"""After a URL is over, for an upload that had begun: longer than MAX_UPLOAD_SECONDS, and than what S3 gives one."""

FIRST_LOOK_MS: Final = 5 * SECOND_MS
"""Clients upload right after they have the URL."""

FINISHING_LOCKS: Final = 64
SETTLE_BATCH: Final = 1000
"""Looked at in one go. Each is looked at later or not at all from then on."""

SILENT_AFTER_MS: Final = 5 * SECOND_MS
SILENT_MS: Final = 30 * SECOND_MS
"""A store that let a look-up wait for so long in vain isn't asked on behalf of readers for half a minute; `settle` goes on asking."""

LISTED_FROM: Final = 4
"""Chunks of one session that are looked up by one listing instead of one by one."""


class Promise(Struct, frozen=True, rename="camel"):
    """The answer to a client that wants to upload."""

    upload_url: str
    method: str
    headers: dict[str, str]
    key: str
    expires_at: str


class Recordings:
    """Thread-safe. is_told: the store is the server's own, and uploads to it go through `arriving`, `admit` and `store`."""

    def __init__(
        self, chunks: RecordingChunks, store: ObjectStore, *, is_told: bool, max_bytes: int, now_ms: Callable[[], int]
    ) -> None:
        self._chunks = chunks
        self._store = store
        self._is_told = is_told
        self._max_bytes = max_bytes
        self._now_ms = now_ms
        self._arrivals = Arrivals()
        self._silent_at_ms: int | None = None
        # Two uploads of one chunk end one after the other, or the size noted could be one's and the bytes the other's.
        self._finishing = tuple(threading.Lock() for _ in range(FINISHING_LOCKS))

    # Uploading

    def promise(self, project_id: str, asked: UploadRequest, origin: str) -> Promise:
        """A URL to upload the chunk to. `origin` is where the client reaches this server.

        Raises PayloadTooLarge for a session that is full, Unavailable where there is no room.
        """
        now_ms = self._now_ms()
        folder = session_folder(asked.session_id)
        key = chunk_key(project_id, folder, asked.chunk_index)
        upload = self._store.presign_upload(key, asked.size, CONTENT_TYPE, origin=origin, now_ms=now_ms)
        over_ms = upload.expires_ms + GRACE_MS
        new = NewChunk(
            project_id=project_id,
            session_id=asked.session_id,
            folder=folder,
            index=asked.chunk_index,
            size=asked.size,
            anonymous_id=asked.anonymous_id,
            user_id=asked.user_id,
            now_ms=now_ms,
            url_until_ms=upload.expires_ms,
            check_ms=over_ms if self._is_told else now_ms + FIRST_LOOK_MS,
        )
        bounds = Bounds(
            session_bytes=limits.MAX_SESSION_RECORDING_BYTES, total_bytes=self._max_bytes, promises=limits.MAX_OPEN_PROMISES
        )
        self._chunks.promise(new, bounds)
        return Promise(upload.url, "PUT", upload.headers, key, iso_ms(upload.expires_ms))

    def arriving(self, key: str, size: int) -> AbstractContextManager[None]:
        """For as long as the block runs, an upload to the server's own store is under way. Raises Unavailable for one too many."""
        return self._arrivals.entered(key, size)

    def admit(self, key: str) -> None:
        """Let an upload that is `arriving` in.

        Raises NotAuthorized for a chunk that nobody expects (any more), Unavailable where there is no room for more bytes.
        """
        chunk = parse_key(key)
        if chunk is None or not self._chunks.is_expected(chunk.project_id, chunk.folder, chunk.index):
            raise NotAuthorized("no upload of this chunk is expected any more (key)")
        if self._chunks.totals().bytes + self._arrivals.bytes > self._max_bytes:
            raise Unavailable("the room for recordings is used up (recordings_limit)", retry_after_s=600)

    def store(self, key: str, size: int, finish: Callable[[], None]) -> None:
        """Let `finish` put an upload's bytes under their key, and note that they are there.

        Raises NotAuthorized, with the bytes removed again, if the chunk was erased meanwhile, and what `finish` raises.
        """
        chunk = parse_key(key)
        assert chunk is not None  # it was admitted
        with self._finishing[hash(key) % len(self._finishing)]:
            finish()
            if not self._chunks.store(chunk.project_id, chunk.folder, chunk.index, size):
                self._store.delete([key])
                raise NotAuthorized("this chunk was erased while it came in (key)")

    # Reading

    def list_chunks(self, project_id: str, session_id: str, origin: str, after: int = -1) -> list[dict[str, Any]]:
        """`{"index", "size", "url"}` of each chunk beyond `after` whose bytes are there, in order, at most MAX_LISTED_CHUNKS.

        Raises NotFound where there is none at all, Unavailable where the store doesn't tell whether there is.
        """
        chunks = self._chunks.chunks_of(project_id, session_id, after, limits.MAX_LISTED_CHUNKS)
        waiting = [chunk for chunk in chunks if chunk.check_ms is not None]
        refused: Unavailable | None = None
        if waiting:
            try:
                self._ask_for_reader(waiting)
                chunks = self._chunks.chunks_of(project_id, session_id, after, limits.MAX_LISTED_CHUNKS)
            except Unavailable as error:  # what is known can be answered all the same
                refused = error
                log.warning("can't look up the chunks of a session: %s", error.message)
        now_ms = self._now_ms()
        found = [
            {"index": chunk.chunk_index, "size": chunk.size, "url": self._download_url(chunk, origin, now_ms)}
            for chunk in chunks
            if chunk.state == "stored"
        ]
        if not found and not self._chunks.recorded(project_id, [session_id]):
            if refused is not None:
                raise refused
            raise NotFound(f"no recording of session {show(session_id)} (session_id)")
        return found

    def _ask_for_reader(self, waiting: Sequence[Chunk]) -> None:
        """Look up the chunks, unless that would mean to wait for a store that is silent.

        SCAR: beside a bucket that didn't answer, each reader waited for half a minute, and for all those before in the line.
        """
        silent_at_ms = self._silent_at_ms
        if silent_at_ms is not None and 0 <= self._now_ms() - silent_at_ms < SILENT_MS:
            raise Unavailable("the bucket of recordings doesn't answer", retry_after_s=30)
        self._look_up(waiting)

    def _download_url(self, chunk: Chunk, origin: str, now_ms: int) -> str:
        return self._store.presign_download(_key(chunk), CONTENT_TYPE, origin=origin, now_ms=now_ms)

    def recorded(self, project_id: str, session_ids: Iterable[str]) -> set[str]:
        """Those of the sessions that have a recording, as far as is known: with S3 a first chunk is known after some seconds."""
        return self._chunks.recorded(project_id, session_ids)

    # The end

    def expire_recordings(self, project_id: str, before_ms: int) -> int:
        """Remove the project's chunks whose first URL went out before then, bytes and rows. Returns how many.

        Nobody sees them from the first moment on; a crash in between, or a store that can't be reached (Unavailable), is made up for by
        `settle`.
        """
        count = self._chunks.doom(project_id, self._now_ms(), before_ms=before_ms)
        if count:
            self._remove_all_due()
        return count

    def erase_session_recordings(self, project_id: str, session_ids: Sequence[str]) -> int:
        """Likewise all chunks of these sessions; a URL that is still out brings nothing back for good. Raises Undeleted where the store
        keeps some of them; the others are gone.

        SCAR: it removed whatever was due, so that one object that a bucket kept held up the erasures of all projects.
        """
        count = self._chunks.doom(project_id, self._now_ms(), session_ids=session_ids)
        kept: set[str] = set()
        reason = ""
        after = (-1, -1)
        while doomed := self._chunks.doomed_of(project_id, session_ids, after, SETTLE_BATCH):
            try:
                self._remove(doomed)
            except Undeleted as error:
                kept |= error.keys
                reason = error.reason
            after = (doomed[-1].recording, doomed[-1].chunk_index)
        if kept:
            raise Undeleted(kept, reason)
        return count

    def erase_all_recordings(self, project_id: str | None = None) -> int:
        """Likewise all chunks of a project, or of all projects."""
        count = self._chunks.doom(project_id, self._now_ms())
        self._remove_all_due()
        return count

    def sessions_of(self, project_id: str, person_id: str) -> list[str]:
        """The sessions with chunks that came under this user's or visitor's id: whom to erase with a person, besides those with events."""
        return self._chunks.sessions_of(project_id, person_id)

    def forget_persons(self, project_id: str, person_ids: Sequence[str]) -> None:
        """Keep none of these users' and visitors' ids beside doomed chunks: a bucket's stay noted until no URL is left."""
        self._chunks.forget_persons(project_id, person_ids)

    # Looking after

    def settle(self) -> bool:
        """Look at what is due: promises whose bytes may be there, and doomed chunks. Returns whether more is due. Raises Unavailable.

        SCAR: where a bucket let nobody delete, nothing that had come to it was found any more. Neither waits for the other.
        """
        try:
            removed = self._remove_due()
        finally:
            waiting = self._chunks.due(self._now_ms(), SETTLE_BATCH, are_doomed=False)
            if waiting:
                self._look_up(waiting)
        return SETTLE_BATCH in (removed, len(waiting))

    def _remove_all_due(self) -> None:
        while self._remove_due() == SETTLE_BATCH:
            pass

    def _remove_due(self) -> int:
        doomed = self._chunks.due(self._now_ms(), SETTLE_BATCH, are_doomed=True)
        if doomed:
            self._remove(doomed)
        return len(doomed)

    def _remove(self, doomed: Sequence[Chunk]) -> None:
        """Remove the bytes; and the row too, once nothing could bring them back (REC-1).

        To the own store nothing comes without a row that expects it, so only uploads under way are waited for. What S3 lets in, only
        the URL's end decides. What the store keeps is put off, so that others have their turn. Raises Undeleted then, Unavailable.
        """
        now_ms = self._now_ms()
        kept: Undeleted | None = None
        try:
            self._store.delete([_key(chunk) for chunk in doomed])
        except Undeleted as error:
            kept = error
        over: list[Chunk] = []
        later: list[tuple[Chunk, int | None]] = []
        for chunk in doomed:
            if kept is not None and _key(chunk) in kept.keys:
                again_ms = now_ms + GRACE_MS
            elif self._is_told:
                again_ms = now_ms + FIRST_LOOK_MS if self._arrivals.is_coming(_key(chunk)) else now_ms
            else:
                again_ms = chunk.url_until_ms + GRACE_MS
            if again_ms <= now_ms:
                over.append(chunk)
            else:
                later.append((chunk, again_ms))
        if over:
            self._chunks.forget(over)
        if later:
            self._chunks.look_again(later)
        if kept is not None:
            raise kept

    def _look_up(self, waiting: Sequence[Chunk]) -> None:
        """Note of each chunk whether its bytes are there; strike promises that are over. Raises Unavailable at the first that the store
        doesn't tell of: what it told before is noted, and that one put off.

        SCAR: one chunk that a bucket refused to look at kept a thousand others from being found, and was looked at again in each round.
        """
        now_ms = self._now_ms()
        looked_at: list[Chunk] = []
        sizes: dict[str, int] = {}
        try:
            for asked in _asked_at_once(waiting):
                try:
                    sizes |= self._sizes(asked)
                except Unavailable:
                    if self._now_ms() - now_ms >= SILENT_AFTER_MS:
                        self._silent_at_ms = self._now_ms()
                    self._chunks.look_again([(chunk, self._put_off(chunk, now_ms)) for chunk in asked])
                    raise
                looked_at += asked
        finally:
            self._note(looked_at, sizes, now_ms)

    def _note(self, looked_at: Sequence[Chunk], sizes: Mapping[str, int], now_ms: int) -> None:
        """What became of the chunks, by the sizes of those whose bytes are there."""
        found: list[tuple[Chunk, int, int | None]] = []
        later: list[tuple[Chunk, int | None]] = []
        lapsed: list[Chunk] = []
        for chunk in looked_at:
            size = sizes.get(_key(chunk))
            is_over = chunk.url_until_ms + GRACE_MS <= now_ms
            again_ms = None if is_over else self._next_look(chunk, now_ms)
            if size is not None:
                # A stored chunk may be replaced as long as a URL is out, and S3 wouldn't say so either.
                found.append((chunk, size, None if self._is_told else again_ms))
            elif is_over and chunk.state == "promised":
                lapsed.append(chunk)
            else:
                later.append((chunk, again_ms))
        if found:
            self._chunks.found(found)
        if later:
            self._chunks.look_again(later)
        if lapsed:
            self._chunks.forget(lapsed)

    def _next_look(self, chunk: Chunk, now_ms: int) -> int:
        """Twice as long after the promise as now."""
        promised_ms = chunk.url_until_ms - URL_LIFETIME_MS
        over_ms = chunk.url_until_ms + GRACE_MS
        return over_ms if self._is_told else min(over_ms, now_ms + max(FIRST_LOOK_MS, now_ms - promised_ms))

    def _put_off(self, chunk: Chunk, now_ms: int) -> int:
        """When to look again at one that the store didn't tell of: so late that others have their turn before."""
        next_ms = self._next_look(chunk, now_ms)
        return next_ms if next_ms > now_ms else now_ms + GRACE_MS

    def _sizes(self, asked: Sequence[Chunk]) -> dict[str, int]:
        """By key, the sizes of those whose bytes are there, of what is asked at once."""
        if len(asked) >= LISTED_FROM:
            return self._store.list(folder_key(asked[0].project_id, asked[0].folder))
        keys = [_key(chunk) for chunk in asked]
        return {key: size for key in keys if (size := self._store.stat(key)) is not None}


def _asked_at_once(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Those of a session of which there are many, and each other one alone; in the order in which they are due."""
    by_session: dict[tuple[str, str], list[Chunk]] = {}
    for chunk in chunks:
        by_session.setdefault((chunk.project_id, chunk.folder), []).append(chunk)
    for of_session in by_session.values():
        yield from [of_session] if len(of_session) >= LISTED_FROM else ([chunk] for chunk in of_session)


def _key(chunk: Chunk) -> str:
    return chunk_key(chunk.project_id, chunk.folder, chunk.chunk_index)
