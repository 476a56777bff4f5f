"""When a flush is due: once the oldest event has waited long enough, also under load, where something has always come while one went on."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from sv.model.batch import VERSION, Batch, StoredBatch
from sv.model.ledger import Tally
from sv.model.part import NewPart, Part
from sv.store.catalog import Catalog
from sv.store.event_store import EventStore
from sv.store.maintenance import Maintenance

FLUSH_S: Final = 10.0


class Clock:
    """Stands until it is set. looks: how often it was asked."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now_s


class BusyTables:
    """Takes everything and writes nothing. While the first batch is drained another one comes in."""

    most_large_bytes = 1 << 30

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.meanwhile: Callable[[], None] = lambda: None
        self.drained_s: list[float] = []

    def create_buffer(self, number: int) -> None:
        pass

    def drop_buffer(self, number: int) -> None:
        pass

    def drain(self, number: int, taken: Sequence[StoredBatch]) -> int:
        self.drained_s.append(self._clock.now_s)
        if len(self.drained_s) == 1:
            self.meanwhile()
        return len(taken)

    def buffer_groups(self, number: int) -> list[Any]:
        return []

    def count_bots(self, number: int) -> int:
        return 0

    def interrupt_writing(self) -> None:
        pass


class NoRows:
    def unfinished(self) -> dict[str, frozenset[int]]:
        return {}

    def commit_flush(self, parts: Sequence[NewPart], seq: int, tally: Tally) -> list[Part]:
        return []


def stored(seq: int) -> StoredBatch:
    return StoredBatch(seq, Batch(VERSION, "p", 1, 1, "", None, b"", b"", b"[]"))


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_came_while_a_flush_went_on_waits_for_its_own_time(tmp_path: Path) -> None:
    clock = Clock()
    tables, rows = BusyTables(clock), NoRows()
    fake_tables: Any = tables
    fake_rows: Any = rows
    store = EventStore(
        data_folder=tmp_path,
        catalog=Catalog([]),
        open_tables=lambda: fake_tables,
        keep_persons=lambda: None,
        covered_seq=0,
        monotonic_s=clock,
        engine_memory_bytes=1 << 30,
    )
    maintenance = Maintenance(
        store,
        fake_rows,
        flush_after_s=FLUSH_S,
        flush_after_events=1000,
        flush_after_bytes=1 << 20,
        compact_every_s=0,
        fold=lambda is_ending: True,
        before_commit=lambda headers, seq: None,
        after_commit=lambda seq: None,
        now_ms=lambda: 1,
        monotonic_s=clock,
    )
    tables.meanwhile = lambda: store.accept([stored(2)])
    store.accept([stored(1)])
    maintenance.start()
    try:
        for nth in (1, 2):
            seen = clock.looks
            wait_for(lambda seen=seen: clock.looks > seen + 3)  # the thread has seen what waits, and that it isn't due
            clock.now_s += FLUSH_S
            store.work_arrived.set()
            wait_for(lambda nth=nth: maintenance.flushes >= nth)
        assert tables.drained_s == [110.0, 120.0]
    finally:
        maintenance.stop()
