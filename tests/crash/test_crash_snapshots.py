"""Every snapshot has each accepted event exactly once, while flushes and merges go on beside it."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_rig import numbers_in_files
from folder_rig import Folder, batch_of, now_ms

from sv.model.limits import MAX_TIMESTAMP_MS
from sv.store.event_store import Generation

DAY_MS = 86_400_000
HAMMERED_S = 1.0
"""At least; and until enough of everything has happened, which a busy machine needs longer for."""
GIVEN_UP_AFTER_S = 120.0
REPEATED = 0.15
"""Of the batches: sent before, and known by its events' ids."""


class GapAfter:
    """A lock that makes room for everybody else when it is let go, so that two critical sections are never as good as one."""

    def __init__(self) -> None:
        self._inner = threading.Lock()

    def __enter__(self) -> None:
        self._inner.acquire()

    def __exit__(self, *_: object) -> None:
        self._inner.release()
        time.sleep(0.0002)


class Hammer:
    """Threads that accept, flush, merge and read until the time is up and each has done enough, or until one of them has failed."""

    def __init__(self, folder: Folder, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._began_s = time.monotonic()
        self._failure: BaseException | None = None
        self.accepted: list[str] = []
        self.coming: list[str] = []
        self.snapshots = 0
        self.flushes = 0
        self.merges = 0
        self.counts = 0
        self._generations: dict[int, Generation] = {}
        self._rows = 0

    def run(self) -> None:
        roles = [self._accept, self._flush, self._merge, self._read, self._read, self._count]
        self._folder.server.catalog._lock = GapAfter()  # type: ignore[assignment]
        threads = [threading.Thread(target=self._repeat, args=(role,)) for role in roles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _repeat(self, role: Callable[[], None]) -> None:
        try:
            while self._failure is None and not self._is_over():
                role()
        except BaseException as error:
            self._failure = error

    def _is_over(self) -> bool:
        passed_s = time.monotonic() - self._began_s
        has_enough = self.flushes > 10 and self.merges > 4 and self.snapshots > 20 and self.counts > 200
        return passed_s > (HAMMERED_S if has_enough else GIVEN_UP_AFTER_S)

    def _accept(self) -> None:
        """In log order, as the log's thread does. `coming` grows before, `accepted` after."""
        chance = self._chance
        if self.accepted and chance.random() < REPEATED:
            numbers = chance.sample(self.accepted, min(3, len(self.accepted)))
        else:
            numbers = [f"{len(self.coming) + place}" for place in range(chance.choice((1, 1, 2, 7)))]
            self.coming.extend(numbers)
        at_ms = now_ms() - chance.choice((0, 0, 1, 2)) * DAY_MS
        self._folder.accept(self._folder.server.store.accepted_seq + 1, batch_of(numbers, with_ids=True, at_ms=at_ms))
        self.accepted.extend(self.coming[len(self.accepted) :])
        time.sleep(chance.choice((0, 0.001, 0.005)))

    def _flush(self) -> None:
        self._folder.flush()
        self.flushes += 1
        time.sleep(0.01)

    def _merge(self) -> None:
        self.merges += self._folder.merge()
        time.sleep(0.03)

    def _read(self) -> None:
        before = len(self.accepted)
        found = self._folder.numbers()
        after = len(self.coming)
        self.snapshots += 1
        assert set(found.values()) <= {1}, [number for number, count in found.items() if count > 1][:10]
        missing = set(self.accepted[:before]) - found.keys()
        assert not missing, (before, after, sorted(missing)[:10])
        assert found.keys() <= set(self.coming[:after])

    def _count(self) -> None:
        """Without a query, so thousands of times: no snapshot has less than the one before it, or more than was sent."""
        store, catalog = self._folder.server.store, self._folder.server.catalog
        current = store.current
        for generation in [*store.frozen, *([current] if current is not None else [])]:
            self._generations[generation.number] = generation
        snapshot = catalog.take("dev", 0, MAX_TIMESTAMP_MS + 1)
        known = [self._generations[number].events for number in snapshot.buffers if number in self._generations]
        catalog.release(snapshot)
        if len(known) < len(snapshot.buffers):
            return  # a buffer was opened in between
        rows = sum(part.rows for part in snapshot.parts) + sum(known)
        assert self._rows <= rows <= len(self.coming), (self._rows, rows, len(self.coming))
        self._rows = rows
        self.counts += 1


@pytest.mark.parametrize("seed", [1, 2])
def test_each_snapshot_has_each_accepted_event_exactly_once(tmp_path: Path, seed: int) -> None:
    folder = Folder(tmp_path / "data")
    hammer = Hammer(folder, seed)
    try:
        hammer.run()
        print(
            f"{len(hammer.accepted)} events, {hammer.snapshots} snapshots, {hammer.counts} counts, {hammer.flushes} flushes, {hammer.merges} merges"
        )
        assert folder.numbers() == Counter(hammer.accepted)
    finally:
        folder.close()
    assert hammer.flushes > 10
    assert hammer.merges > 4
    assert hammer.snapshots > 20
    assert hammer.counts > 200
    again = Folder(tmp_path / "data")
    assert again.numbers() == Counter(hammer.accepted)
    again.close()


def test_a_snapshot_that_is_held_keeps_what_it_reads(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("1")
    folder.flush()
    folder.put("2")
    folder.flush()
    folder.put("3")
    catalog = folder.server.catalog
    with folder.server.store.snapshot("dev", 0, now_ms() + 1000) as held:
        folder.flush()
        folder.merge()
        folder.put("4")
        folder.flush()
        assert len(held.parts) == 2
        assert all((folder.path / part.path).exists() for part in held.parts), "merged away, and still read"
        assert len(held.buffers) == 1
        assert catalog.unread_buffers() == []
        assert folder.numbers() == Counter(["1", "2", "3", "4"])
    folder.put("5")
    folder.flush()
    assert not any((folder.path / part.path).exists() for part in held.parts), "nobody reads them any more"
    assert folder.numbers() == Counter(["1", "2", "3", "4", "5"])
    folder.close()


def test_files_that_were_merged_while_a_query_read_them_are_gone_after_an_end_with_nothing_to_flush(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    for number in ("1", "2"):
        folder.put(number)
        folder.flush()
    with folder.server.store.snapshot("dev", 0, now_ms() + 1000):
        folder.merge()
        assert numbers_in_files(folder.path) == Counter({"1": 2, "2": 2})
    folder.close()
    assert numbers_in_files(folder.path) == Counter(["1", "2"])


def test_readers_are_not_starved_by_steady_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SCAR: a query drained until nothing was left, and under load something always is."""
    folder = Folder(tmp_path / "data")
    tables = folder.server.store.tables
    is_over = threading.Event()

    def load() -> None:
        while not is_over.is_set():
            folder.accept(folder.server.store.accepted_seq + 1, batch_of(["1"]))
            time.sleep(0.0005)

    def drain_slowly(*args: Any, drain: Callable[..., int] = tables.drain, **options: Any) -> int:
        time.sleep(0.02)
        return drain(*args, **options)

    monkeypatch.setattr(tables, "drain", drain_slowly)
    thread = threading.Thread(target=load)
    thread.start()
    try:
        for action in (folder.server.store.catch_up, folder.flush, folder.server.store.catch_up):
            began = time.monotonic()
            action()
            assert time.monotonic() - began < 5
    finally:
        is_over.set()
        thread.join()
        folder.crash()
