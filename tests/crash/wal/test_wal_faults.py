"""The n-th call to the system fails, for every n: what was acknowledged is there, what was refused is not."""

import errno
import os
import time
from pathlib import Path

import pytest
from wal_rig import SMALL, FaultyDisk, Told, change_byte, look, open_log, read_back, segment_files, spare_files, store

from sv.wal import LogFault

CALLS = ["open", "pwritev", "sync_data", "sync_folder", "rename", "unlink"]
FOR_GOOD = 1_000_000
CASES = [
    *((call, errno.EIO, 1) for call in CALLS),
    *((call, errno.EIO, 4) for call in CALLS),
    *((call, errno.ENOSPC, FOR_GOOD) for call in CALLS),
    ("pwritev", "short", 1),
    ("pwritev", "short", FOR_GOOD),
]
BEFORE = [b"before %02d" % n * 40 for n in range(30)]


class Run:
    """One life of a log on a faulty disk: opened on an older log, filled, let go of, closed."""

    def __init__(self, folder: Path, disk: FaultyDisk) -> None:
        self.told = Told()
        self.covered = 0
        try:
            log = open_log(folder, self.told, disk=disk)
        except LogFault:
            return
        for batch in range(14):
            for n in range(3):
                log.append(b"batch %02d record %d" % (batch, n) * 40)
            self.told.wait_for(3 * batch + 3)
            if batch in (1, 8):
                wait_for_a_spare(folder)
            if batch in (5, 10):
                self.covered = max(self.covered, self.told.stored[-4][0] if len(self.told.stored) > 4 else 0)
                log.truncate_below(self.covered)
        log.close()

    @property
    def refused_last(self) -> list[bytes]:
        """What was refused after the last success: nobody can know whether it is in the file."""
        tail: list[bytes] = []
        for commit in self.told.commits:
            tail = [] if commit.seq is not None else [*tail, commit.payload]
        return tail


def wait_for_a_spare(folder: Path) -> None:
    deadline = time.monotonic() + 0.02
    while not spare_files(folder) and time.monotonic() < deadline:
        time.sleep(0.001)


def check(folder: Path, run: Run, note: object) -> None:
    """Everything acknowledged is there once and in order; of the refused, at most those after the last success."""
    before = list(enumerate(BEFORE, 1))
    acknowledged = [frame for frame in [*before, *run.told.stored] if frame[0] > run.covered]
    back, _ = read_back(folder, run.covered)
    assert back[: len(acknowledged)] == acknowledged, note
    more = [payload for _, payload in back[len(acknowledged) :]]
    assert len(set(more)) == len(more), note
    assert set(more) <= set(run.refused_last), note
    again = store(folder, [b"life goes on"], next_seq_floor=run.covered + 1)
    assert read_back(folder, run.covered)[0] == [*back, *again.stored], note


@pytest.mark.parametrize(("call", "error", "count"), CASES)
def test_whichever_call_fails_nothing_acknowledged_is_lost_and_nothing_refused_stays(
    tmp_path: Path, call: str, error: int | str, count: int
) -> None:
    for first in range(1, 200):
        folder = tmp_path / str(first)
        store(folder, BEFORE)
        disk = FaultyDisk(call, first, count, error)
        run = Run(folder, disk)
        check(folder, run, (call, error, count, first))
        if not disk.has_struck:
            assert not run.told.refused
            assert first > 1
            return
    pytest.fail("the calls never end")


@pytest.mark.parametrize("call", ["pwritev", "sync_data", "sync_folder", "open"])
def test_a_disk_that_comes_back_is_used_again_without_a_restart(tmp_path: Path, call: str) -> None:
    told, disk = Told(), FaultyDisk(call, first=10_000)
    log = open_log(tmp_path, told, disk=disk, spare_segments=0)
    log.append(b"good")
    told.wait_for(1)
    assert log.fault is None
    disk.first, disk.count, disk.error = 1, 10_000_000, errno.ENOSPC
    for n in range(40):
        log.append(b"x" * 1000)
        told.wait_for(2 + n)
    assert log.fault is not None
    assert "No space left on device" in log.fault.reason
    assert told.refused
    assert told.commits[-1].seq is None
    disk.heal()
    log.append(b"good again")
    told.wait_for(42)
    assert log.fault is None
    assert told.stored[-1][1] == b"good again"
    log.close()
    back, damage = read_back(tmp_path)
    assert back == told.stored
    assert [seq for seq, _ in back] == list(range(1, len(back) + 1)), "a refused record uses up no number"
    assert (damage.torn_tails, damage.damaged_ranges, damage.missing_records) == (0, 0, 0)


def test_a_log_that_nobody_appends_to_finds_out_by_itself_that_the_disk_is_back(tmp_path: Path) -> None:
    told, disk = Told(), FaultyDisk("sync_data", 1, 10_000_000)
    log = open_log(tmp_path, told, disk=disk, spare_segments=0, retry_s=0.005)
    log.append(b"refused")
    told.wait_for(1)
    assert log.fault is not None
    disk.heal()
    deadline = time.monotonic() + 10
    while log.fault is not None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert read_back(tmp_path)[0] == [], "the refused record can't come back any more"
    log.append(b"stored")
    log.close()
    assert read_back(tmp_path)[0] == told.stored == [(1, b"stored")]


def test_a_refused_tail_is_gone_once_a_later_segment_is_on_disk(tmp_path: Path) -> None:
    told, disk = Told(), FaultyDisk("sync_data", first=3)
    log = open_log(tmp_path, told, disk=disk, spare_segments=0)
    for n in range(3):
        log.append(b"%d" % n)
        told.wait_for(n + 1)
    assert told.refused == [b"2"]
    assert [payload for _, payload in read_back(tmp_path)[0]] == [b"0", b"1", b"2"], "the file holds it"
    log.append(b"3")
    told.wait_for(4)
    assert read_back(tmp_path)[0] == told.stored == [(1, b"0"), (2, b"1"), (3, b"3")]
    log.close()
    first = segment_files(tmp_path)[0].stat().st_ino
    log = open_log(tmp_path)
    log.truncate_below(2)
    log.close()
    assert [payload for _, payload in read_back(tmp_path)[0]] == [b"3"]
    assert first != 0


def test_a_refused_record_never_hides_a_stored_one_even_when_the_next_header_is_lost(tmp_path: Path) -> None:
    told, disk = Told(), FaultyDisk("sync_data", first=2)
    log = open_log(tmp_path, told, disk=disk, spare_segments=0)
    for n in range(4):
        log.append(b"%d" % n)
        told.wait_for(n + 1)
    log.close()
    assert told.refused == [b"1"]
    for at in (20, 4096 + 20):
        change_byte(segment_files(tmp_path)[1], at)
    assert read_back(tmp_path)[0] == told.stored == [(1, b"0"), (2, b"2"), (3, b"3")]
    assert store(tmp_path, [b"4"]).stored == [(4, b"4")]
    assert read_back(tmp_path)[0] == [*told.stored, (4, b"4")]


def test_a_segment_given_up_is_void_even_if_it_cannot_be_removed(tmp_path: Path) -> None:
    told = Told()

    class Stuck(FaultyDisk):
        def unlink(self, path: Path) -> None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    log = open_log(tmp_path, told, disk=Stuck("sync_data", first=1, count=3), spare_segments=0)
    for n in range(4):
        log.append(b"%d" % n)
        told.wait_for(n + 1)
    log.close()
    assert len(segment_files(tmp_path)) == 4
    assert read_back(tmp_path)[0] == told.stored == [(1, b"3")]
    log = open_log(tmp_path, spare_segments=0)
    log.truncate_below(0)
    log.close()
    assert len(segment_files(tmp_path)) == 1


@pytest.mark.parametrize("spares", [0, 2])
@pytest.mark.parametrize("call", ["open", "pwritev", "sync_data", "sync_folder"])
def test_a_disk_that_refuses_for_long_costs_no_files_no_numbers_and_one_line_in_the_log(
    tmp_path: Path, call: str, spares: int, caplog: pytest.LogCaptureFixture
) -> None:
    told, disk = Told(), FaultyDisk(call, 2, 10_000_000)
    log = open_log(tmp_path, told, disk=disk, spare_segments=spares)
    for n in range(200):
        log.append(b"%d" % n * 1000)
        told.wait_for(n + 1)
    disk.heal()
    log.append(b"healed")
    log.close()
    assert len(told.refused) > 170
    assert told.stored[-1][1] == b"healed"
    assert len(os.listdir(tmp_path)) <= 4
    assert max(found.number for found in look(tmp_path)[0].segments) < 10
    lines = [record.getMessage() for record in caplog.records if record.name == "sv.wal.log"]
    assert len(lines) == 2 or (spares and len(lines) <= 6), "a spare that is still there makes for a short recovery"
    assert "Input/output error" in lines[0]
    assert lines[-1] == "the log can be written again"


def test_the_last_room_on_a_disk_is_kept_for_records(tmp_path: Path) -> None:
    class NearlyFull(FaultyDisk):
        def free_bytes(self, folder: Path) -> int:
            return 3 * SMALL

    told, disk = Told(), NearlyFull()
    log = open_log(tmp_path, told, disk=disk)
    for n in range(100):
        log.append(b"%03d" % n * 100)
        told.wait_for(n + 1)
    log.close()
    assert not told.refused
    assert disk.calls["rename"] == 0, "a spare was made"
    assert read_back(tmp_path)[0] == told.stored


def test_a_spare_that_cannot_be_made_is_not_tried_again_and_again(tmp_path: Path) -> None:
    disk = FaultyDisk("pwritev", 1, 10_000_000, errno.ENOSPC)
    log = open_log(tmp_path, disk=disk)
    deadline = time.monotonic() + 10
    while not disk.calls["pwritev"]:
        assert time.monotonic() < deadline
    time.sleep(0.03)
    log.close()
    assert disk.calls["pwritev"] == 1
    assert os.listdir(tmp_path) == []


def test_without_a_spare_a_full_disk_refuses_what_does_not_fit_and_keeps_what_did(tmp_path: Path) -> None:
    class Full(FaultyDisk):
        room = 30_000

        def pwritev(self, fd: int, buffers: list[bytes], offset: int) -> int:  # type: ignore[override]
            data = b"".join(buffers)
            grow = max(0, offset + len(data) - os.fstat(fd).st_size)
            taken = min(len(data), max(0, len(data) - max(0, grow - self.room)))
            if taken == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= min(grow, self.room)
            return os.pwrite(fd, data[:taken], offset)

    told, disk = Told(), Full()
    log = open_log(tmp_path, told, disk=disk, spare_segments=0)
    for n in range(60):
        log.append(b"%02d" % n * 500)
        told.wait_for(n + 1)
    assert told.refused
    assert told.stored
    disk.room = 1_000_000
    log.append(b"room again")
    log.close()
    assert told.stored[-1][1] == b"room again"
    assert read_back(tmp_path)[0] == told.stored
