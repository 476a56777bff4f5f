"""The log while all is well: order, groups, segments, numbers, letting go."""

import logging
import os
import threading
from pathlib import Path

import pytest
from wal_rig import (
    SMALL,
    GatedDisk,
    QuickDisk,
    Told,
    frame_ranges,
    look,
    open_log,
    read_back,
    segment_files,
    spare_files,
    store,
)

from sv.wal import MAX_PAYLOAD_BYTES, Log, LogFault
from sv.wal.disk import OS_DISK
from sv.wal.folder import MAX_SEGMENT_BYTES
from sv.wal.frame import FRAME_BYTES


def test_records_are_told_of_and_read_back_in_the_order_of_their_appends(tmp_path: Path) -> None:
    payloads = [b"%d" % n for n in range(500)] + [b"", b"\0" * 100]
    told = store(tmp_path / "deep" / "wal", payloads, disk=OS_DISK)
    assert told.stored == list(enumerate(payloads, 1))
    back, damage = read_back(tmp_path / "deep" / "wal")
    assert back == told.stored
    assert damage == look(tmp_path / "deep" / "wal")[1]
    assert read_back(tmp_path / "deep" / "wal", after_seq=499)[0] == told.stored[499:]
    assert read_back(tmp_path / "deep" / "wal", after_seq=10_000)[0] == []


def test_each_commit_carries_the_tag_of_its_append(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told)
    tags = [object() for _ in range(20)]
    for tag in tags:
        log.append(b"x", tag)
    log.close()
    assert [commit.tag for commit in told.commits] == tags


def test_appends_that_arrive_during_a_sync_share_the_next_one(tmp_path: Path) -> None:
    told, disk = Told(), GatedDisk()
    log = open_log(tmp_path, told, disk=disk, spare_segments=0)
    log.append(b"first")
    assert disk.is_waiting.wait(10)
    for _ in range(100):
        log.append(b"later")
    assert log.queued_bytes == 5 + 100 * 5 + 101 * FRAME_BYTES
    assert told.groups == []
    disk.gate.set()
    log.close()
    assert [len(group) for group in told.groups] == [1, 100]
    assert log.queued_bytes == 0


def test_a_group_is_bounded_in_bytes(tmp_path: Path) -> None:
    told, disk = Told(), GatedDisk()
    log = open_log(tmp_path, told, disk=disk, spare_segments=0, segment_bytes=64 * 1024 * 1024)
    log.append(b"first")
    assert disk.is_waiting.wait(10)
    for _ in range(20):
        log.append(bytes(1024 * 1024))
    disk.gate.set()
    log.close()
    assert [len(group) for group in told.groups] == [1, 7, 7, 6]


def test_more_records_than_one_vectored_write_takes_are_one_group(tmp_path: Path) -> None:
    told, disk = Told(), GatedDisk()
    log = open_log(tmp_path, told, disk=disk, spare_segments=0, segment_bytes=1024 * 1024)
    log.append(b"first")
    assert disk.is_waiting.wait(10)
    for n in range(5000):
        log.append(b"%d" % n)
    disk.gate.set()
    log.close()
    assert [len(group) for group in told.groups] == [1, 5000]
    assert read_back(tmp_path)[0] == told.stored


def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    payloads = [b"%04d" % n * 50 for n in range(300)]
    told = store(tmp_path, payloads)
    assert len(segment_files(tmp_path)) > 5
    assert all(path.stat().st_size <= SMALL for path in segment_files(tmp_path))
    back, damage = read_back(tmp_path)
    assert back == told.stored
    assert (damage.torn_tails, damage.damaged_ranges, damage.missing_records) == (0, 0, 0)


def test_a_payload_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    payloads = [b"a", bytes(100_000) + b"end", b"b", b"c" * (SMALL - 8192 - 2 * FRAME_BYTES), b"d"]
    told = store(tmp_path, payloads, each_alone=True)
    assert read_back(tmp_path)[0] == told.stored == list(enumerate(payloads, 1))
    log = open_log(tmp_path)
    log.truncate_below(5)
    log.close()
    assert {path.stat().st_size for path in spare_files(tmp_path)} <= {SMALL}


def test_a_payload_above_the_limit_is_refused_at_once(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told, spare_segments=0)
    with pytest.raises(ValueError, match=r"expected at most 67108864 bytes, got 67108865"):
        log.append(bytes(MAX_PAYLOAD_BYTES + 1))
    log.append(bytes(MAX_PAYLOAD_BYTES))
    log.close()
    assert [commit.seq for commit in told.commits] == [1]
    assert segment_files(tmp_path)[0].stat().st_size == MAX_SEGMENT_BYTES
    assert [len(payload) for _, payload in read_back(tmp_path)[0]] == [MAX_PAYLOAD_BYTES]


def test_numbers_go_on_over_restarts_without_a_gap(tmp_path: Path) -> None:
    seqs: list[int] = []
    for round_ in range(5):
        told = store(tmp_path, [b"%d" % round_] * 7, each_alone=round_ % 2 == 0)
        seqs += [seq for seq, _ in told.stored]
    assert seqs == list(range(1, 36))
    back, damage = read_back(tmp_path)
    assert [seq for seq, _ in back] == seqs
    assert damage.missing_records == 0


def test_numbers_start_at_the_floor_and_never_below_what_the_folder_has(tmp_path: Path) -> None:
    assert store(tmp_path, [b"a"], next_seq_floor=1000).stored == [(1000, b"a")]
    assert store(tmp_path, [b"b"], next_seq_floor=5).stored == [(1001, b"b")]
    assert store(tmp_path, [b"c"], next_seq_floor=2**40).stored == [(2**40, b"c")]
    back, damage = read_back(tmp_path, after_seq=999)
    assert [seq for seq, _ in back] == [1000, 1001, 2**40]
    assert damage.missing_records == 0, "numbers that were never given are not missing"


def test_an_opening_without_an_append_writes_no_segment(tmp_path: Path) -> None:
    store(tmp_path, [b"a"])
    before = segment_files(tmp_path)
    for _ in range(3):
        log = open_log(tmp_path)
        assert log.next_seq == 2
        log.close()
    assert segment_files(tmp_path) == before


def test_a_recycled_file_never_gives_back_what_it_held_before(tmp_path: Path) -> None:
    retired: set[str] = set()
    reused: list[str] = []

    class NotingDisk(QuickDisk):
        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            if not source.name.startswith("spare"):
                retired.add(target.name)
            elif source.name in retired:
                reused.append(source.name)

    covered = 0
    for round_ in range(30):
        told = Told()
        log = open_log(tmp_path, told, next_seq_floor=covered + 1, disk=NotingDisk())
        assert [frame.seq for frame in log.replay(covered)] == []
        payloads = [b"round %d record %d" % (round_, n) + bytes(round_ * 13 % 400) for n in range(90)]
        for n, payload in enumerate(payloads, 1):
            log.append(payload)
            told.wait_for(n)
        if round_ % 3 == 0:
            log.truncate_below(covered + 45)
        log.close()
        assert not told.refused
        back, damage = read_back(tmp_path, covered + 45)
        assert back == told.stored[45:]
        assert (damage.torn_tails, damage.damaged_ranges, damage.missing_records) == (0, 0, 0)
        covered += 90
        log = open_log(tmp_path, disk=NotingDisk())
        log.truncate_below(covered)
        log.close()
        assert len(segment_files(tmp_path)) <= 2
        assert len(spare_files(tmp_path)) <= 2
    assert len(reused) >= 10, "too few files were recycled for this to show anything"


def test_letting_go_takes_only_segments_all_of_whose_records_are_covered(tmp_path: Path) -> None:
    told = store(tmp_path, [b"%03d" % n * 100 for n in range(200)], spare_segments=0)
    ranges = {path: frame_ranges(path) for path in segment_files(tmp_path)}
    for covered in range(0, 201, 7):
        log = open_log(tmp_path, spare_segments=0)
        log.truncate_below(covered)
        log.close()
        kept = [path for path, seqs in ranges.items() if max(seqs) > covered]
        assert segment_files(tmp_path) == (kept or [max(ranges)])
        assert read_back(tmp_path, covered)[0] == told.stored[covered:]


def test_the_segment_that_is_written_is_never_let_go(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told)
    log.append(b"a")
    told.wait_for(1)
    assert log.truncate_below(1) == 0
    log.append(b"b")
    log.close()
    assert read_back(tmp_path)[0][-1] == (2, b"b")


def test_spares_are_made_ahead_bounded_and_taken_over_by_the_next_process(tmp_path: Path) -> None:
    for _ in range(4):
        told = store(tmp_path, [b"%03d" % n * 100 for n in range(300)], each_alone=True)
        log = open_log(tmp_path, told)
        log.truncate_below(log.next_seq - 1)
        log.close()
        assert len(spare_files(tmp_path)) <= 2
    log = open_log(tmp_path, spare_segments=0)
    log.close()
    assert spare_files(tmp_path) == []


def test_a_growing_segment_gives_way_to_a_spare_as_soon_as_there_is_one(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told)
    for n in range(2000):
        log.append(b"x")
        told.wait_for(n + 1)
        if any(path.stat().st_size == SMALL for path in segment_files(tmp_path)):
            break
    else:
        pytest.fail("never used a spare")
    log.close()
    assert read_back(tmp_path)[0] == told.stored


def test_spares_of_another_size_and_unfinished_ones_are_removed(tmp_path: Path) -> None:
    (tmp_path / "spare-0000000a.wal").write_bytes(bytes(100))
    (tmp_path / "spare-0000000b.tmp").write_bytes(bytes(100))
    store(tmp_path, [b"%d" % n for n in range(50)], each_alone=True)
    assert not (tmp_path / "spare-0000000a.wal").exists()
    assert not (tmp_path / "spare-0000000b.tmp").exists()
    assert min(look(tmp_path)[0].segments, key=lambda found: found.number).number > 0xB


def test_many_threads_append_and_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told, segment_bytes=64 * 1024)
    threads, each = 8, 500

    def work(thread: int) -> None:
        for n in range(each):
            log.append(b"%d:%d" % (thread, n), (thread, n))

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        log.truncate_below(max((seq for seq, _ in told.stored[:-500]), default=0))
    for worker in workers:
        worker.join()
    log.close()
    assert [seq for seq, _ in told.stored] == list(range(1, threads * each + 1))
    for thread in range(threads):
        own = [commit.tag for commit in told.commits if commit.tag[0] == thread]  # type: ignore[index]
        assert own == [(thread, n) for n in range(each)]
    assert log.queued_bytes == 0
    tail = read_back(tmp_path, threads * each - 400)[0]
    assert tail == told.stored[-400:]


def test_a_closed_log_refuses_and_closes_again_without_harm(tmp_path: Path) -> None:
    told = Told()
    log = open_log(tmp_path, told)
    log.append(b"a")
    closers = [threading.Thread(target=log.close) for _ in range(3)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    log.close()
    assert told.stored == [(1, b"a")]
    with pytest.raises(LogFault, match="closed"):
        log.append(b"b")


def test_closing_races_with_appends_and_every_accepted_one_is_told_of(tmp_path: Path) -> None:
    for round_ in range(20):
        told = Told()
        log = open_log(tmp_path / str(round_), told, spare_segments=0)
        accepted: list[int] = []

        def work(log: Log = log, accepted: list[int] = accepted) -> None:
            for n in range(100_000):
                try:
                    log.append(b"x")
                except LogFault:
                    return
                accepted.append(n)

        worker = threading.Thread(target=work)
        worker.start()
        log.close()
        worker.join()
        assert len(told.stored) == len(accepted)


def test_a_listener_that_raises_does_not_stop_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seqs: list[int | None] = []

    def deliver(commits: list[object]) -> None:
        seqs.extend(commit.seq for commit in commits)  # type: ignore[attr-defined]
        raise RuntimeError("listener")

    log = Log.open(tmp_path, deliver=deliver, disk=QuickDisk())  # type: ignore[arg-type]
    with caplog.at_level(logging.CRITICAL + 1):
        for n in range(3):
            log.append(b"%d" % n)
        log.close()
    assert seqs == [1, 2, 3]


def test_what_a_killed_process_wrote_last_is_synced_before_it_is_replayed(tmp_path: Path) -> None:
    store(tmp_path, [b"%03d" % n * 100 for n in range(100)], spare_segments=0)
    synced: list[int] = []

    class NotingDisk(QuickDisk):
        def sync_data(self, fd: int) -> None:
            synced.append(os.fstat(fd).st_ino)

    log = open_log(tmp_path, disk=NotingDisk(), spare_segments=0)
    assert synced == [segment_files(tmp_path)[-1].stat().st_ino], "the others are vouched for"
    log.close()


def test_replay_reads_what_was_there_at_the_opening_while_appends_go_on(tmp_path: Path) -> None:
    store(tmp_path, [b"%03d" % n * 100 for n in range(100)])
    told = Told()
    log = open_log(tmp_path, told)
    replay = log.replay(10)
    first = next(replay)
    for n in range(100):
        log.append(b"new %d" % n)
    assert [first.seq, *(frame.seq for frame in replay)] == list(range(11, 101))
    log.close()
    assert told.stored[0] == (101, b"new 0")
    assert len(read_back(tmp_path)[0]) == 200


@pytest.mark.parametrize(
    "options",
    [{"segment_bytes": 100}, {"segment_bytes": 2**31}, {"spare_segments": -1}, {"next_seq_floor": 0}],
)
def test_options_out_of_bounds_are_refused_before_anything_is_made(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        open_log(tmp_path / "wal", **options)
    assert not (tmp_path / "wal").exists()


def test_a_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "wal").write_bytes(b"")
    with pytest.raises(LogFault, match="wal"):
        open_log(tmp_path / "wal")


def test_files_are_their_owners_alone_and_descriptors_are_not_inherited(tmp_path: Path) -> None:
    told, opened = Told(), list[int]()

    class NotingDisk(QuickDisk):
        def open(self, path: Path, flags: int) -> int:
            fd = super().open(path, flags)
            assert not os.get_inheritable(fd)
            opened.append(fd)
            return fd

    log = open_log(tmp_path / "wal", told, disk=NotingDisk())
    log.append(b"a")
    told.wait_for(1)
    log.close()
    assert opened
    assert (tmp_path / "wal").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in segment_files(tmp_path / "wal")} == {0o600}


def test_an_open_and_closed_log_leaves_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    fds = len(os.listdir("/dev/fd"))
    for round_ in range(5):
        store(tmp_path, [b"%d" % round_ * 100] * 100)
    assert threading.active_count() == threads
    assert len(os.listdir("/dev/fd")) == fds
