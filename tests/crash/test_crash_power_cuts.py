"""The power goes while a server writes, flushes and merges on a file system of its own: nothing that was acknowledged is lost, and a server
that leaves out a sync is found out.

SV_CRASH_SEED repeats a run's choices. `power_cut.py` does dozens.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_rig import QUIET
from power_rig import WITHOUT_LOG_SYNC, CutServer, PowerDisk, Unmountable, powered_disk
from storm_rig import BUSY, Storm

CUTS = 2
SEED = int(os.environ.get("SV_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


@pytest.fixture
def disk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[PowerDisk | None]:
    """None where no file system can be mounted, which the output says."""
    try:
        with powered_disk(tmp_path) as disk:
            yield disk
    except Unmountable as reason:
        with capfd.disabled():
            print(
                f"\nno power was cut, that takes root and loop devices; the disk made up for the log's tests has to do: {reason}",
                file=sys.stderr,
            )
        yield None


def cut_power(disk: PowerDisk, folder: Path, lie: str = "") -> tuple[Storm, dict[str, Any]]:
    """A storm with power cuts, and what was wrong after it."""
    print(f"SV_CRASH_SEED={SEED}")
    server = CutServer(disk, {**QUIET, **BUSY}, output=folder, lie=lie)
    try:
        storm = Storm(server.start(), random.Random(SEED), pause_s=0.02)
        storm.run(CUTS)
        print(storm.told())
        return storm, storm.check()
    finally:
        server.close()


@pytest.mark.slow
def test_what_was_acknowledged_before_the_power_went_is_there_once_when_it_is_back(
    disk: PowerDisk | None, tmp_path: Path
) -> None:
    if disk is None:
        return
    storm, wrong = cut_power(disk, tmp_path)
    assert wrong == {}
    assert len(storm.acknowledged) > 100
    assert sum(writer.retries for writer in storm.writers) > 0, "the cuts met nobody"


@pytest.mark.slow
def test_a_server_that_acknowledges_without_a_sync_is_found_out_by_the_cuts(disk: PowerDisk | None, tmp_path: Path) -> None:
    if disk is None:
        return
    _, wrong = cut_power(disk, tmp_path, lie=WITHOUT_LOG_SYNC)
    assert wrong["at the end: lost"]
