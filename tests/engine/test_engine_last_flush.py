"""The end of a server: what is held goes into files, unless that would take longer than whoever ends it waits."""

from pathlib import Path

import pytest

from tests.engine.rig import NOON
from tests.engine.rollup_rig import RollupRig


def test_what_would_take_long_to_write_stays_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.store.maintenance.LAST_FLUSH_EVENTS", 3)
    rig = RollupRig(tmp_path)
    sent = [{"event": "view", "timestamp": NOON + number, "anonymousId": "ann"} for number in range(4)]
    rig.send("p", sent)
    rig.maintenance.flush_last()
    assert (list(rig.catalog.parts()), len(rig.logged)) == ([], 1)
    rig.restart()
    assert len(rig.rows("p")) == 4
    rig.close()


def test_what_is_held_at_the_end_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.store.maintenance.LAST_FLUSH_EVENTS", 3)
    rig = RollupRig(tmp_path)
    rig.send("p", [{"event": "view", "timestamp": NOON + number, "anonymousId": "ann"} for number in range(3)])
    rig.maintenance.flush_last()
    assert ([part.rows for part in rig.catalog.parts()], rig.logged) == ([3], [])
    rig.close()
