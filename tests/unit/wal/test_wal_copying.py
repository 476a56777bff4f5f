"""Copies of a log beside the process that writes it hold whole records, and all that were acknowledged before."""

import threading
from pathlib import Path

from wal_rig import SMALL, QuickDisk, Told

from sv.wal import DamageReport, Log
from sv.wal.copying import copy_segments, missing_seqs
from sv.wal.disk import OS_DISK
from sv.wal.folder import segment_numbers, survey
from sv.wal.header import HEADER_BYTES
from sv.wal.replay import Replay


def copy_of(folder: Path, target: Path, from_number: int = 0) -> int:
    target.mkdir(exist_ok=True)
    return copy_segments(folder, from_number, lambda name, data: (target / name).write_bytes(data) and None)


def read_copy(folder: Path) -> tuple[list[int], DamageReport]:
    damage = DamageReport()
    found = survey(folder, OS_DISK, damage)
    frames = Replay(OS_DISK, folder, found.segments, damage, {}).frames(0)
    return [frame.seq for frame in frames], damage


def test_copies_beside_a_busy_writer_hold_whole_records_and_each_one_of_before(tmp_path: Path) -> None:
    told, is_done = Told(), threading.Event()
    log = Log.open(tmp_path / "log", deliver=told, segment_bytes=4 * SMALL, disk=QuickDisk())

    def write() -> None:
        while not is_done.is_set():
            before = len(told.commits)
            for _ in range(20):
                log.append(b"x" * 700)
            told.wait_for(before + 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for nth in range(8):
            told.wait_for(nth * 40 + 1)
            before = len(told.stored)
            copy_of(tmp_path / "log", tmp_path / f"copy-{nth}")
            seqs, damage = read_copy(tmp_path / f"copy-{nth}")
            assert seqs == list(range(1, len(seqs) + 1))
            assert len(seqs) >= before
            assert damage == DamageReport(unused_files=damage.unused_files)
    finally:
        is_done.set()
        writer.join()
        log.close()


def test_a_damaged_record_is_copied_as_it_is_with_those_behind_it(tmp_path: Path) -> None:
    told = Told()
    log = Log.open(tmp_path / "log", deliver=told, segment_bytes=SMALL, disk=QuickDisk())
    for _ in range(3):
        log.append(b"x" * 500)
    told.wait_for(3)
    log.close()
    (path,) = [path for _, path in segment_numbers(tmp_path / "log")]
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 600] ^= 1  # in the second
    path.write_bytes(data)
    copy_of(tmp_path / "log", tmp_path / "copy")
    seqs, damage = read_copy(tmp_path / "copy")
    assert seqs == [1, 3]
    assert damage.damaged_ranges == 1


def test_segments_that_came_and_went_between_two_copies_are_counted_as_missing(tmp_path: Path) -> None:
    told = Told()
    log = Log.open(tmp_path / "log", deliver=told, segment_bytes=SMALL, disk=QuickDisk())

    def fill(up_to: int) -> None:
        while len(told.stored) < up_to:
            log.append(b"x" * 3000)
            told.wait_for(len(told.commits) + 1)

    fill(3)
    highest = copy_of(tmp_path / "log", tmp_path / "copy")
    fill(9)
    log.truncate_below(7)
    copy_of(tmp_path / "log", tmp_path / "copy", highest)
    log.close()
    copied = read_copy(tmp_path / "copy")[0]
    assert copied[-1] == 9
    gap = [seq for seq in range(copied[0], 9) if seq not in copied]
    assert missing_seqs(tmp_path / "copy", 0, 0) == copied[0] - 1 + len(gap) > 0
    assert missing_seqs(tmp_path / "copy", max(gap), 0) == 0
    assert missing_seqs(tmp_path / "copy", max(gap), 12) == 3, "what is known to have been given counts too"
