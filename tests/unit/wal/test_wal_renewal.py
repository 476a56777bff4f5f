"""After a renewal and a truncation the folder has no byte of what was stored before; no fault on the way loses a record."""

import contextlib
import errno
import threading
from pathlib import Path

import pytest
from wal_rig import FaultyDisk, QuickDisk, Told, open_log, read_back

from sv.wal import Log, LogFault

MARK = b"a person's name"
OTHER = b"somebody else's"


def folder_holds(folder: Path, mark: bytes) -> bool:
    return any(mark in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def put(log: Log, told: Told, mark: bytes, count: int) -> None:
    before = len(told.commits)
    for nth in range(count):
        log.append(mark + b" %04d" % nth + mark * 20)
    told.wait_for(before + count)


def forget(log: Log) -> None:
    log.renew()
    log.truncate_below(log.next_seq - 1)
    assert log.outdated() == []


@pytest.mark.parametrize("spares", [0, 2])
def test_nothing_stored_before_a_renewal_is_left_in_the_folder(tmp_path: Path, spares: int) -> None:
    told = Told()
    log = open_log(tmp_path, told, spare_segments=spares)
    for _ in range(4):  # some files have been used again by now
        put(log, told, MARK, 100)
        log.truncate_below(log.next_seq - 20)
    put(log, told, MARK, 1)
    assert folder_holds(tmp_path, MARK)
    forget(log)
    put(log, told, OTHER, 100)
    assert not folder_holds(tmp_path, MARK)
    log.close()
    stored = [(seq, payload) for seq, payload in told.stored if payload.startswith(OTHER)]
    assert read_back(tmp_path, after_seq=stored[0][0] - 1)[0] == stored


def test_a_segment_that_is_not_covered_at_the_renewal_is_deleted_and_not_recycled_later(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told, spare_segments=2)
    put(log, told, MARK, 100)
    log.renew()
    position = log.next_seq - 1
    assert log.outdated() != []
    put(log, told, OTHER, 100)
    log.truncate_below(position)
    assert log.outdated() == []
    for _ in range(3):
        put(log, told, OTHER, 200)
        log.truncate_below(log.next_seq - 50)
    assert not folder_holds(tmp_path, MARK)
    log.close()


def test_what_an_earlier_process_left_goes_too(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told, spare_segments=2)
    for _ in range(3):
        put(log, told, MARK, 100)
        log.truncate_below(log.next_seq - 20)
    log.close()
    assert folder_holds(tmp_path, MARK)
    log = open_log(tmp_path, Told(), spare_segments=2)
    forget(log)
    assert not folder_holds(tmp_path, MARK)
    next_seq = log.next_seq
    log.close()
    log = open_log(tmp_path, Told())
    assert log.next_seq >= next_seq
    log.close()


def test_writers_go_on_while_the_log_is_renewed_again_and_again(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told, spare_segments=2)
    put(log, told, MARK, 300)
    log.truncate_below(150)

    def write() -> None:
        for nth in range(300):
            log.append(OTHER + b" %04d" % nth + b"." * 300)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    position = 0
    for _ in range(5):
        log.renew()
        position = log.next_seq - 1  # what was stored before the renewal, and maybe more
        log.truncate_below(position)
    for writer in writers:
        writer.join()
    told.wait_for(1500)
    assert log.outdated() == []
    assert not folder_holds(tmp_path, MARK)
    log.close()
    expected = [(seq, payload) for seq, payload in told.stored if seq > position]
    assert len(told.stored) == 1500
    assert read_back(tmp_path, after_seq=position)[0] == expected


@pytest.mark.parametrize("call", ["open", "pwritev", "sync_data", "sync_folder", "rename", "unlink"])
def test_whichever_call_fails_during_a_renewal_no_record_is_lost_and_the_next_one_does_it(tmp_path: Path, call: str) -> None:
    for first in range(1, 30):
        folder = tmp_path / f"{call}-{first}"
        told = Told()
        disk = FaultyDisk()
        log = open_log(folder, told, spare_segments=0, disk=disk)
        put(log, told, MARK, 100)
        disk.call, disk.first, disk.error = call, disk.calls[call] + first, errno.EIO
        with contextlib.suppress(LogFault):
            log.renew()
            log.truncate_below(100)
            log.outdated()
        has_struck = disk.has_struck
        disk.heal()
        put(log, told, OTHER, 3)
        back = read_back(folder, after_seq=100)[0]
        assert [payload for _, payload in back] == [payload for _, payload in told.stored if payload.startswith(OTHER)], first
        forget(log)
        put(log, told, OTHER, 3)
        assert not folder_holds(folder, MARK), first
        log.close()
        assert read_back(folder, after_seq=103)[0] == told.stored[-3:]
        if not has_struck:
            return
    pytest.fail("the calls never end")


def test_a_closed_log_is_not_renewed(tmp_path: Path) -> None:
    log = open_log(tmp_path, Told(), disk=QuickDisk())
    log.close()
    with pytest.raises(LogFault):
        log.renew()
