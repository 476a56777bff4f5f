"""Lists that can't be made just now are tried again less and less often."""

import threading
from typing import Any, cast

import pytest

from sv.model.errors import Unavailable
from sv.store.rollups import RollupWork

WAIT_S = 60


class FakeRows:
    """One project's lists are to be made, and a build is left of an earlier run. refusals: how often the disk refuses to give that up."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.is_left = True
        self.is_purged = threading.Event()

    def has_unfinished(self) -> bool:
        return self.is_left

    def drop_unfinished(self) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise Unavailable("No space left on device")
        self.is_left = False

    def projects_to_build(self) -> list[str]:
        return ["p"]

    def has_dropped(self) -> bool:
        return False

    def purge(self) -> bool:
        if not self.is_left:
            self.is_purged.set()
        return False


class FullDisk:
    """In the place of the rollups. Has room at the ninth try."""

    tries = 0

    def rebuild(self, *_: object) -> bool:
        self.tries += 1
        if self.tries < 9:
            raise Unavailable("No space left on device")
        return True


def pauses_of(rows: FakeRows, disk: FullDisk, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those of a start's work until all of it is done."""
    work = RollupWork(cast("Any", disk), cast("Any", rows), cast("Any", None))
    pauses: list[float] = []
    is_done = threading.Event()
    monkeypatch.setattr(work._worker, "pause", pauses.append)
    monkeypatch.setattr(work._worker, "until_woken", lambda: (is_done.set(), threading.Event().wait(0.001)))
    work.start()
    assert is_done.wait(WAIT_S)
    work.stop()
    return pauses


def test_each_failure_doubles_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    assert pauses_of(FakeRows(), disk, monkeypatch) == [5, 10, 20, 40, 80, 160, 300, 300]
    assert disk.tries == 9


def test_a_start_on_a_full_disk_with_lists_half_made_gives_them_up_once_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making them takes their room twice, which may be what filled it."""
    rows, disk = FakeRows(refusals=2), FullDisk()
    disk.tries = 8
    assert pauses_of(rows, disk, monkeypatch) == [5, 10]
    assert (rows.is_left, disk.tries) == (False, 9)


def test_what_a_jobs_rebuild_made_before_the_disk_was_full_goes_at_once() -> None:
    """The job tries again, and each try that left its rows would leave less room to the next one."""
    rows = FakeRows()
    work = RollupWork(cast("Any", FullDisk()), cast("Any", rows), cast("Any", None))
    try:
        with pytest.raises(Unavailable):
            work.rebuild("p")
        assert rows.is_purged.wait(WAIT_S)
    finally:
        work.stop()
