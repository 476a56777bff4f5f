"""What lies in the folder beside sound segments: it never stops an opening, is counted, and is not deleted."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from wal_rig import (
    FaultyDisk,
    QuickDisk,
    Told,
    change_byte,
    frame_ranges,
    look,
    open_log,
    read_back,
    segment_files,
    store,
)

from sv.wal import DamageReport
from sv.wal.damage import set_aside
from sv.wal.header import HEADER_BYTES, Header, Link

PAYLOADS = [b"%03d" % n * 100 for n in range(150)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of 150 records in some segments; every one was acknowledged."""
    store(tmp_path, PAYLOADS, spare_segments=0, each_alone=True)
    return tmp_path


def records(*seqs: range) -> list[tuple[int, bytes]]:
    return [(seq, PAYLOADS[seq - 1]) for some in seqs for seq in some]


ALL = records(range(1, 151))


def test_foreign_names_are_counted_and_left_alone(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "0000000g.wal").write_bytes(b"x")
    (folder / "00000001.WAL").write_bytes(b"x")
    (folder / "folder").mkdir()
    (folder / "000000aa.wal").mkdir()
    (folder / "000000ab.wal").symlink_to("/etc/passwd")
    (folder / "spare-000000ac.wal").symlink_to("/etc/passwd")
    os.mkfifo(folder / "000000ad.wal")
    names = sorted(os.listdir(folder))
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(foreign_files=8)
    log = open_log(folder, spare_segments=0)
    log.truncate_below(0)
    log.close()
    assert sorted(os.listdir(folder)) == names


def test_an_empty_file_and_a_blank_one_are_unused_segments(folder: Path) -> None:
    (folder / "00000077.wal").write_bytes(b"")
    (folder / "00000078.wal").write_bytes(bytes(20_000))
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(unused_files=2)
    told = store(folder, [b"next"])
    assert told.stored == [(151, b"next")]
    assert look(folder)[0].segments[-1].number > 0x78


@pytest.mark.parametrize("size", [1, 40, 59])
def test_a_truncated_header_is_counted_and_the_file_left_alone(folder: Path, size: int) -> None:
    shutil.copy(segment_files(folder)[0], folder / "00000099.wal")
    os.truncate(folder / "00000099.wal", size)
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(unreadable_files=1)
    log = open_log(folder, spare_segments=0)
    assert log.next_seq > 151, "what can't be read may hold numbers of its own"
    log.truncate_below(10_000)
    log.close()
    assert (folder / "00000099.wal").stat().st_size == size


def test_garbage_under_a_segment_name_is_counted_and_left_alone(folder: Path) -> None:
    (folder / "00000099.wal").write_bytes(os.urandom(50_000))
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(unreadable_files=1)


def test_a_file_of_a_newer_format_is_left_alone(folder: Path) -> None:
    path = folder / "00000099.wal"
    shutil.copy(segment_files(folder)[0], path)
    change_byte(path, 8, 0x06)
    change_byte(path, 4096 + 8, 0x06)
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(foreign_files=1)


def test_a_missing_old_segment_costs_its_records_alone(folder: Path) -> None:
    files = segment_files(folder)
    lost = frame_ranges(files[1])
    files[1].unlink()
    back, damage = read_back(folder)
    assert back == [frame for frame in ALL if frame[0] not in lost]
    assert damage == DamageReport(missing_records=len(lost))
    assert read_back(folder, max(lost))[1] == DamageReport()


def test_a_missing_last_segment_is_no_fault_of_the_log(folder: Path) -> None:
    last = segment_files(folder)[-1]
    lost = frame_ranges(last)
    last.unlink()
    back, damage = read_back(folder)
    assert back == records(range(1, min(lost)))
    assert damage == DamageReport()


def test_one_bad_header_copy_costs_nothing(folder: Path) -> None:
    for path in segment_files(folder):
        change_byte(path, 20)
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(damaged_headers=len(segment_files(folder)))


def test_two_bad_header_copies_cost_nothing_either(folder: Path) -> None:
    for path in segment_files(folder):
        change_byte(path, 20)
        change_byte(path, 4096 + 20)
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(damaged_headers=len(segment_files(folder)))
    assert len(list((folder / "aside").iterdir())) == len(segment_files(folder))


def test_a_renamed_segment_keeps_its_place(folder: Path) -> None:
    files = segment_files(folder)
    files[0].rename(folder / "00000088.wal")
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport()
    assert store(folder, [b"next"]).stored == [(151, b"next")]
    assert segment_files(folder)[-1].name > "00000088.wal"


def test_a_copy_of_a_segment_beside_it_is_not_replayed(folder: Path) -> None:
    files = segment_files(folder)
    shutil.copy(files[1], folder / "00000000.wal")
    shutil.copy(files[2], folder / "00000088.wal")
    back, damage = read_back(folder)
    assert back == ALL
    assert damage == DamageReport(foreign_files=2)


def test_a_file_that_cannot_be_opened_is_counted_and_its_numbers_are_not_given_again(folder: Path) -> None:
    files = segment_files(folder)
    told = Told()
    log = open_log(folder, told, disk=FaultyDisk("open", first=len(files), error=errno.EACCES), spare_segments=0)
    assert log.damage.unreadable_files == 1
    held = frame_ranges(files[-1])
    assert [frame.seq for frame in log.replay()] == list(range(1, min(held)))
    log.append(b"after")
    told.wait_for(1)
    log.truncate_below(150)
    log.close()
    assert files[-1].exists()
    seq = told.stored[0][0]
    assert seq > 150
    back, _ = read_back(folder, min(held) - 1)
    assert back == [*records(range(min(held), 151)), (seq, b"after")], "readable again, it is replayed"


def test_a_bad_block_costs_the_records_in_it_and_their_file_is_kept(folder: Path) -> None:
    path = segment_files(folder)[1]
    ranges = frame_ranges(path)
    bad = range(12_288, 16_384)

    class BadBlock(QuickDisk):
        def pread(self, fd: int, size: int, offset: int) -> bytes:
            is_hit = offset < bad.stop and offset + size > bad.start
            if is_hit and os.path.sameopenfile(fd, watch):
                raise OSError(errno.EIO, "bad block")
            return super().pread(fd, size, offset)

    watch = os.open(path, os.O_RDONLY)
    log = open_log(folder, disk=BadBlock(), spare_segments=0)
    back = [(frame.seq, frame.payload) for frame in log.replay()]
    hit = {seq for seq, (start, stop) in ranges.items() if start < bad.stop and stop > bad.start}
    assert 0 < len(hit) < len(ranges)
    assert back == [frame for frame in ALL if frame[0] not in hit]
    assert log.damage.unreadable_bytes == min(path.stat().st_size, bad.stop) - bad.start
    assert log.damage.missing_records == len(hit)
    log.truncate_below(1000)
    log.close()
    os.close(watch)
    assert path.exists()
    assert len(segment_files(folder)) == 2


def test_a_bad_block_in_the_last_segment_hides_no_number(folder: Path) -> None:
    path = segment_files(folder)[-1]
    last = max(frame_ranges(path).values())

    watch = os.open(path, os.O_RDONLY)

    class BadTail(QuickDisk):
        def pread(self, fd: int, size: int, offset: int) -> bytes:
            if os.path.sameopenfile(fd, watch) and offset + size > last[0] - last[0] % 4096 and offset >= HEADER_BYTES:
                raise OSError(errno.EIO, "bad block")
            return super().pread(fd, min(size, 4096), offset)

    told = Told()
    log = open_log(folder, told, disk=BadTail(), spare_segments=0)
    shown = [frame.seq for frame in log.replay()]
    assert shown == list(range(1, len(shown) + 1))
    assert len(shown) < 150
    log.append(b"after")
    log.close()
    os.close(watch)
    back, _ = read_back(folder)
    assert back == [*ALL, (told.stored[0][0], b"after")]


def test_a_torn_tail_is_copied_aside_once_and_ends_the_replay(folder: Path) -> None:
    path = segment_files(folder)[-1]
    end = look(folder)[0].segments[-1].end
    torn = b"SVWF half a record"
    with path.open("r+b") as file:
        file.seek(end)
        file.write(torn)
    for _ in range(2):
        back, damage = read_back(folder)
        assert back == ALL
        assert damage == DamageReport(torn_tails=1, torn_bytes=len(torn))
        copies = list((folder / "aside").iterdir())
        assert [copy.read_bytes() for copy in copies] == [torn]
        assert copies[0].name == f"{path.name}.{end}-{end + len(torn)}"
    assert store(folder, [b"next"]).stored == [(151, b"next")]
    back, damage = read_back(folder)
    assert back == [*ALL, (151, b"next")]
    assert damage == DamageReport()


def test_damage_in_the_middle_is_copied_aside_before_its_segment_may_go(folder: Path) -> None:
    path = segment_files(folder)[0]
    start, stop = frame_ranges(path)[5]
    original = path.read_bytes()[start:stop]
    change_byte(path, start + 40)
    log = open_log(folder)
    assert [frame.seq for frame in log.replay()] == [seq for seq in range(1, 151) if seq != 5]
    assert log.damage == DamageReport(damaged_ranges=1, damaged_bytes=stop - start, missing_records=1)
    log.truncate_below(150)
    log.close()
    assert not path.exists()
    copies = list((folder / "aside").iterdir())
    assert len(copies) == 1
    changed = copies[0].read_bytes()
    assert [at for at in range(len(original)) if changed[at] != original[at]] == [40]
    assert read_back(folder, 150) == ([], DamageReport())


def test_a_damaged_segment_that_cannot_be_copied_aside_is_kept(folder: Path) -> None:
    path = segment_files(folder)[0]
    change_byte(path, frame_ranges(path)[5][0])
    (folder / "aside").write_bytes(b"a file where the folder should be")
    log = open_log(folder)
    assert len(list(log.replay())) == 149
    log.truncate_below(150)
    log.close()
    assert path.exists()
    assert len(segment_files(folder)) == 2


def test_a_copy_aside_that_finds_no_room_leaves_none_of_its_own(tmp_path: Path) -> None:
    class FullDisk(QuickDisk):
        def sync_data(self, fd: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert not set_aside(FullDisk(), tmp_path, "00000001.wal", 64, b"damaged")
    assert list((tmp_path / "aside").iterdir()) == []
    assert set_aside(QuickDisk(), tmp_path, "00000001.wal", 64, b"damaged")
    assert [path.name for path in (tmp_path / "aside").iterdir()] == ["00000001.wal.64-71"]


def test_format_1_still_loads(tmp_path: Path) -> None:
    """Frozen bytes: segment 7 with records 41 and 42 and a torn third, after a segment that was let go."""
    shutil.copy(Path(__file__).parent / "format_1" / "00000007.wal", tmp_path)
    back, damage = read_back(tmp_path, after_seq=40)
    assert back == [(41, b"first"), (42, bytes(range(256)))]
    assert damage == DamageReport(torn_tails=1, torn_bytes=40)
    found = look(tmp_path)[0]
    assert found.segments[0].header == Header(7, 0x0123456789ABCDEF, 41, Link(5, 9000, 40), 6)
    assert store(tmp_path, [b"next"]).stored == [(43, b"next")]
