"""Which files are looked at between an engine's failure and the server's end, and for how long."""

import time
from collections.abc import Sequence

import pytest

from sv.model.errors import Unavailable
from sv.model.part import Part
from sv.store.after_fault import LOOK_S, AfterFault
from sv.store.catalog import Catalog

DAY_MS = 86_400_000


def part(part_id: int) -> Part:
    """One of a day of its own."""
    at_ms = part_id * DAY_MS
    return Part(
        part_id=part_id, project_id="p", path=f"events/{part_id}.parquet", day="2025-06-15", rows=1, bytes=1, created_ms=0,
        min_ts_ms=at_ms, max_ts_ms=at_ms, min_received_ms=0, max_received_ms=0,
    )  # fmt: skip


class Checking:
    """Finds that part 1 is damaged, and can't tell of part 2. look_s: how long it takes with each, by its own clock."""

    def __init__(self, look_s: float = 1.0) -> None:
        self.look_s = look_s
        self.now_s = 100.0
        self.seen: list[int] = []

    def check_all(self, parts: Sequence[Part]) -> int:
        (looked_at,) = parts
        self.seen.append(looked_at.part_id)
        self.now_s += self.look_s
        if looked_at.part_id == 2:
            raise Unavailable("too little memory to tell")
        return looked_at.part_id == 1


def look(catalog: Catalog, checking: Checking) -> None:
    after = AfterFault(catalog, checking, lambda: None, lambda: checking.now_s)
    while not after.is_done():
        time.sleep(0.001)
    after.stop()


@pytest.mark.parametrize(("read", "seen"), [(None, [3, 2, 1]), (3, [3, 2, 1]), (2, [2, 3, 1]), (1, [1])])
def test_the_files_that_were_being_read_come_first_and_others_where_it_is_none_of_them(
    read: int | None, seen: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    catalog, checking = Catalog([part(number) for number in (1, 2, 3)]), Checking()
    if read is not None:
        snapshot = catalog.take("p", read * DAY_MS, read * DAY_MS + 1)
        catalog.note_suspects()
        catalog.release(snapshot)
    look(catalog, checking)
    assert checking.seen == seen
    assert f"{len(seen)} of {len(seen)} event files" in caplog.text
    assert "1 of them were set aside" in caplog.text
    catalog.replace(parts=[1, 2], by=())
    again = Checking()
    look(catalog, again)
    assert again.seen == [3]


def test_looking_ends_after_a_while_and_says_what_looks_at_all(caplog: pytest.LogCaptureFixture) -> None:
    checking = Checking(LOOK_S / 2)
    look(Catalog([part(number) for number in range(3, 10)]), checking)
    assert checking.seen == [9, 8]
    assert "2 of 7 event files" in caplog.text
    assert "sv check --repair" in caplog.text


def test_a_signal_ends_it() -> None:
    checking = Checking()
    after = AfterFault(Catalog([part(3)]), checking, lambda: None, lambda: checking.now_s)
    after.stop()
    while not after.is_done():
        time.sleep(0.001)
    assert checking.seen == []
