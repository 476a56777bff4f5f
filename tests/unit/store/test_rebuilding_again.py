"""Lists that can't be made just now are tried again less and less often."""

import threading
from typing import Any, cast

import pytest

from sv.model.errors import Unavailable
from sv.store.rollups import RollupWork

WAIT_S = 60


class FakeRows:
    """One project's lists are to be made."""

    def drop_unfinished(self) -> None: ...

    def projects_to_build(self) -> list[str]:
        return ["p"]

    def has_dropped(self) -> bool:
        return False

    def purge(self) -> bool:
        return False


class FullDisk:
    """In the place of the rollups. Has room at the ninth try."""

    tries = 0

    def rebuild(self, *_: object) -> bool:
        self.tries += 1
        if self.tries < 9:
            raise Unavailable("No space left on device")
        return True


def test_each_failure_doubles_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    work = RollupWork(cast("Any", disk), cast("Any", FakeRows()), cast("Any", None))
    pauses: list[float] = []
    is_done = threading.Event()
    monkeypatch.setattr(work._worker, "pause", pauses.append)
    monkeypatch.setattr(work._worker, "until_woken", lambda: (is_done.set(), threading.Event().wait(0.001)))
    work.start()
    assert is_done.wait(WAIT_S)
    work.stop()
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    assert disk.tries == 9
