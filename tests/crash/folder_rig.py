"""A data folder opened in the test's own process: no HTTP, no background thread, every step when the test says so."""

import contextlib
import functools
import shutil
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import msgspec

from sv.engine.port import Limits
from sv.insights.events import list_events
from sv.insights.runner import Context
from sv.meta.db import Meta
from sv.model.batch import VERSION, Batch, StoredBatch, encode_batch
from sv.model.cursor import decode_cursor
from sv.model.errors import NotFound
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.query_parsing import parse_events_query
from sv.server import Server
from sv.settings import Settings
from sv.wal.log import Log

PROJECT = "dev"
MIB = 1024 * 1024


class SmallLog:
    """Files of a sixteenth of the usual size: each is written full of zeros first, and a hundred folders have two each."""

    open = staticmethod(functools.partial(Log.open, segment_bytes=MIB))


class Folder:
    """Opens at once. `close` is the ordinary end with a flush, `crash` the end of a process that was killed right now."""

    def __init__(
        self, path: Path, threads: int = 2, clock: Callable[[], int] | None = None, memory_limit: int = 512 * MIB
    ) -> None:
        self.path = path
        settings = Settings(data=path, flush_seconds=3600.0, compact_seconds=0.0, memory_limit=memory_limit, threads=threads)
        self.server = Server(settings, is_dev=True, clock=clock or now_ms)
        with patch("sv.server.Log", SmallLog):
            self.server.open()
        try:
            self.make_project()
        except BaseException:
            self.server.close()
            raise

    def make_project(self) -> None:
        """Have the one that `put` writes to."""
        try:
            self.server.projects.get(PROJECT)
        except NotFound:
            self.server.projects.create(PROJECT, token="sv_pub_dev", now_ms=now_ms(), project_id=PROJECT)

    @classmethod
    def like(cls, killed: Path, path: Path) -> Self:
        """What a start finds in a copy of the folder of a process that was killed."""
        shutil.copytree(killed, path)
        return cls(path)

    def put(
        self, *numbers: str, with_ids: bool = False, at_ms: int | None = None, retry_key: bytes = b"", user: str = "ann"
    ) -> None:
        """Log and accept one batch, as ingest does. Raises Unavailable."""
        batch = batch_of(numbers, with_ids=with_ids, at_ms=at_ms, retry_key=retry_key, user=user)
        self.server.store_now(batch, encode_batch(batch))

    def accept(self, seq: int, batch: Batch) -> None:
        """Accept a batch that the log doesn't have."""
        self.server.store.accept([StoredBatch(seq, batch)])

    def numbers(self) -> Counter[str]:
        """How often each event is in one snapshot."""
        engine = self.server._open_engine()
        query = msgspec.structs.replace(parse_events_query([], timezone="UTC", now_ms=now_ms()), limit=1_000_000)
        limits = Limits(60.0, until_s=time.monotonic() + 60)
        found: Counter[str] = Counter()
        with self.server.store.snapshot(PROJECT, 0, MAX_TIMESTAMP_MS + 1) as snapshot:
            context = Context(engine, engine.pin(snapshot, limits), limits, 2)
            while True:
                page = list_events(context, query)
                found.update(item["properties"]["n"] for item in page["data"])
                if not page["meta"]["has_more"]:
                    return found
                query = msgspec.structs.replace(query, cursor=decode_cursor(page["meta"]["next_cursor"]))

    def flush(self) -> None:
        self.server.maintenance.flush()

    def merge(self) -> int:
        return self.server.maintenance.compact(everything=True)

    def crash(self) -> None:
        self.server.close(flush=False)

    def close(self) -> None:
        self.server.close()


@contextlib.contextmanager
def catalog_at_rest(killed: Path) -> Iterator[Meta]:
    """The catalog as the next start will read it, in a copy: the folder stays as the process that was killed left it."""
    with tempfile.TemporaryDirectory() as copy:
        for file in killed.glob("sv.db*"):
            shutil.copy(file, copy)
        with Meta.open(Path(copy) / "sv.db") as meta:
            yield meta


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def batch_of(
    numbers: Sequence[str], *, with_ids: bool = False, at_ms: int | None = None, retry_key: bytes = b"", user: str = "ann"
) -> Batch:
    """A batch of one session's events, whose ids, where it has some, follow from the numbers."""
    events: list[dict[str, Any]] = []
    for number in numbers:
        event = {"event": "crash", "timestamp": at_ms or now_ms(), "properties": {"n": number}, "userId": user, "sessionId": "s"}
        events.append(event | ({"eventId": str(uuid.uuid5(uuid.NAMESPACE_OID, number))} if with_ids else {}))
    return Batch(VERSION, PROJECT, now_ms(), len(events), "", None, retry_key, b"", msgspec.json.encode(events))
