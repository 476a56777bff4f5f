"""Damaged files: the start works, queries answer from what is whole, what isn't is kept aside, and a line of the log says so."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import (
    PROJECT,
    Server,
    body_of,
    dated,
    event,
    files_aside,
    identified,
    now_ms,
    numbers_in_files,
    part_files,
    wait_for,
)

DAY_MS = 86_400_000
DAYS = 3
EVENTS_A_DAY = 400


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def spoil_the_footer(path: Path) -> None:
    """The magic bytes and the size stay, what is between the data and them goes."""
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[: -8 - size] + bytes(place * 37 % 251 for place in range(size)) + data[-8:])


def spoil_the_footers_length(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-8] + b"\xff\xff\xff\x7f" + data[-4:])


def spoil_the_middle(path: Path) -> None:
    data = path.read_bytes()
    start, stop = len(data) // 10, len(data) // 2
    path.write_bytes(data[:start] + bytes(place * 101 % 253 for place in range(stop - start)) + data[stop:])


def remove(path: Path) -> None:
    path.unlink()


def put_another_in_its_place(path: Path) -> None:
    other = next(sibling for sibling in path.parent.parent.rglob("*.parquet") if sibling != path)
    path.write_bytes(other.read_bytes() + b"PAR1")


DAMAGES = [cut_off, empty, zero, spoil_the_footer, spoil_the_footers_length, spoil_the_middle, remove, put_another_in_its_place]


def fill(server: Server) -> list[Counter[str]]:
    """One part a day, and one more event that is in the log alone. Returns the numbers by day, oldest first, the last one's with it."""
    days: list[Counter[str]] = []
    for day in range(DAYS):
        numbers = [f"{day}-{place}" for place in range(EVENTS_A_DAY)]
        at_ms = now_ms() - (DAYS - day) * DAY_MS
        server.store(body_of([event(number, at_ms=at_ms, user=f"user {number}") for number in numbers]))
        days.append(Counter(numbers))
    assert server.stop() == 0
    assert len(part_files(server.folder)) == DAYS
    server.start()
    server.store(dated("in the log"))
    days[-1]["in the log"] = 1
    return days


def is_told(server: Server, path: Path) -> bool:
    return any(str(path) in line and "ERROR" in line for line in server.log.splitlines())


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_never_stops_the_start_and_costs_only_itself(serve: Serve, damage: Callable[[Path], None]) -> None:
    server = serve().start()
    days = fill(server)
    server.kill()
    damaged = part_files(server.folder)[1]
    damage(damaged)
    spoiled = damaged.read_bytes() if damaged.exists() else None
    server.start()
    assert server.numbers() == days[0] + days[2]
    assert server.total() == (days[0] + days[2]).total()
    assert is_told(server, damaged)
    assert "Traceback" not in server.log
    assert not damaged.exists()
    assert [path.read_bytes() for path in files_aside(server.folder)] == ([] if spoiled is None else [spoiled])

    server.store(dated("later"))
    assert server.stop() == 0
    server.start()
    assert server.numbers() == days[0] + days[2] + Counter(["later"])
    assert "damaged" not in server.log
    assert numbers_in_files(server.folder) == server.numbers()


@pytest.mark.parametrize(
    ("damage", "is_read_before"),
    [
        (cut_off, True),
        (zero, False),
        (spoil_the_footer, True),
        (spoil_the_middle, False),
        (spoil_the_middle, True),
        (remove, True),
    ],
)
def test_a_part_that_is_damaged_under_a_running_server_is_set_aside_by_the_next_query(
    serve: Serve, damage: Callable[[Path], None], is_read_before: bool
) -> None:
    server = serve().start()
    days = fill(server)
    if is_read_before:
        assert server.numbers() == days[0] + days[1] + days[2]
    damaged = part_files(server.folder)[1]
    damage(damaged)
    assert server.numbers() == days[0] + days[2]
    assert server.total() == (days[0] + days[2]).total()
    assert is_told(server, damaged)
    assert "Traceback" not in server.log
    assert server.health()[0] == 200
    assert len(files_aside(server.folder)) == (damage is not remove)
    server.kill()
    server.start()
    assert server.numbers() == days[0] + days[2]


def test_a_part_that_is_damaged_before_a_merge_is_left_out_of_it(serve: Serve) -> None:
    server = serve(SV_FLUSH_SECONDS="0.05", SV_COMPACT_SECONDS="0.2").start()
    expected: Counter[str] = Counter()
    for number in range(6):
        server.store(dated(f"{number}"))
        expected[f"{number}"] = 1
        wait_for(lambda: server.metric("sv_events_held") == 0, "the flush")
    damaged = part_files(server.folder)[0]
    lost = numbers_in_files_of(damaged)
    spoil_the_footer(damaged)
    for number in range(6, 12):
        server.store(dated(f"{number}"))
        expected[f"{number}"] = 1
        wait_for(lambda: server.metric("sv_events_held") == 0, "the flush")
    wait_for(lambda: server.metric("sv_merges_total") > 0, "a merge")
    assert len(lost) >= 1
    assert server.numbers() == expected - lost
    assert is_told(server, damaged)
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == expected - lost


def numbers_in_files_of(path: Path) -> Counter[str]:
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute("select properties->>'$.n', 1 from read_parquet($path)", {"path": str(path)}).fetchall()
    return Counter(dict(rows))


def test_new_events_with_ids_are_taken_in_though_a_part_with_older_ids_is_damaged(serve: Serve) -> None:
    server = serve().start()
    server.store(identified("old"))
    assert server.stop() == 0
    server.start()
    spoil_the_footer(part_files(server.folder)[0])
    server.store(identified("new"))
    assert server.numbers() == Counter(["new"])
    assert server.metric("sv_batches_set_aside_total") == 0


def test_what_a_kill_left_half_written_is_cleared_away(serve: Serve) -> None:
    server = serve().start()
    days = fill(server)
    server.kill()
    day = part_files(server.folder)[0].parent
    (day / "flush-00000000000000ff-0.parquet.tmp").write_bytes(b"PAR1 half")
    (server.folder / "retries").mkdir(exist_ok=True)
    (server.folder / "retries" / "000-1.tmp").write_bytes(b"half")
    (server.folder / "spill").mkdir(exist_ok=True)
    (server.folder / "spill" / "duckdb_temp_storage-0.tmp").write_bytes(b"spilled")
    server.start()
    # The log's own are spare files that it is filling with zeros at this moment.
    assert [path for path in server.folder.rglob("*.tmp") if path.parent.name != "log"] == []
    assert server.numbers() == days[0] + days[1] + days[2]


def test_whole_files_that_no_catalog_row_names_are_not_counted_and_not_lost(serve: Serve) -> None:
    """As a flush or a merge leaves one that was killed right before its commit."""
    server = serve().start()
    days = fill(server)
    server.kill()
    first = part_files(server.folder)[0]
    uncommitted_flush = first.with_name("flush-00000000000000ff-0.parquet")
    uncommitted_merge = first.with_name("merge-0123456789abcdef.parquet")
    for path in (uncommitted_flush, uncommitted_merge):
        path.write_bytes(first.read_bytes())
    server.start()
    assert server.numbers() == days[0] + days[1] + days[2]
    assert not uncommitted_flush.exists(), "the log has its events"
    assert [path.name.endswith(uncommitted_merge.name) for path in files_aside(server.folder)] == [True]
    assert numbers_in_files(server.folder) == days[0] + days[1] + days[2] - Counter(["in the log"])


def test_an_older_catalog_from_a_backup_deletes_no_event_file(serve: Serve) -> None:
    server = serve().start()
    server.store(dated("before the backup"))
    assert server.stop() == 0
    backup = {path: path.read_bytes() for path in server.folder.glob("sv.db*")}
    server.start()
    for number in range(40):  # enough to fill a segment of the log, which the flush then lets go of
        server.store(body_of([event(f"{number}-{place}", at_ms=now_ms(), pad=60_000) for place in range(15)]))
    assert server.stop() == 0
    files = {path.read_bytes() for path in part_files(server.folder)}
    for path in server.folder.glob("sv.db*"):
        path.unlink()
    for path, data in backup.items():
        path.write_bytes(data)
    server.start()
    kept = [*part_files(server.folder), *files_aside(server.folder)]
    assert files <= {path.read_bytes() for path in kept}, "an event file is gone"


@pytest.mark.parametrize("size", [1, 40, 5000])
def test_a_torn_end_of_the_log_costs_nothing_that_was_acknowledged(serve: Serve, size: int) -> None:
    server = serve().start()
    numbers = [f"{number}" for number in range(20)]
    for number in numbers:
        server.store(dated(number))
    server.kill()
    segment, end = last_frame(server)
    data = bytearray(segment.read_bytes())
    data[end : end + size] = bytes(place % 250 + 1 for place in range(size))
    segment.write_bytes(data)
    server.start()
    assert server.numbers() == Counter(numbers)
    assert "torn" in server.log
    assert [path.name for path in (server.folder / "log" / "aside").iterdir()] != []
    server.store(dated("later"))
    server.kill()
    server.start()
    assert server.numbers() == Counter([*numbers, "later"])


def test_a_damaged_record_in_the_log_costs_itself_alone(serve: Serve) -> None:
    server = serve().start()
    for number in range(20):
        server.store(dated(f"number {number:03}"))
    server.kill()
    segments = {path: path.read_bytes() for path in (server.folder / "log").iterdir()}
    segment = next(path for path, content in segments.items() if b"number 007" in content)
    data = bytearray(segments[segment])
    place = data.index(b"number 007")
    data[place : place + 10] = b"NUMBER 007"
    segment.write_bytes(data)
    server.start()
    expected = Counter(f"number {number:03}" for number in range(20) if number != 7)
    assert server.numbers() == expected
    assert "ERROR" in server.log
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == expected
    server.start()
    assert server.numbers() == expected


def last_frame(server: Server) -> tuple[Path, int]:
    """The log's last segment, and where its frames end."""
    from sv.wal.damage import DamageReport
    from sv.wal.disk import OS_DISK
    from sv.wal.folder import survey

    last = survey(server.folder / "log", OS_DISK, DamageReport()).segments[-1]
    return last.path, last.end


def test_an_event_by_its_id_is_not_found_rather_than_an_error_when_its_part_is_damaged(serve: Serve) -> None:
    server = serve().start()
    days = fill(server)
    status, _, content = server.ask("GET", f"{PROJECT}/events?limit=1000")
    assert status == 200
    chosen = next(item["id"] for item in content["data"] if item["properties"]["n"] in days[1])
    part = part_files(server.folder)[1]
    spoil_the_footer(part)
    # The engine remembers a file's footer while the second of its last change stays the same, and answers rightly from what is whole.
    os.utime(part, (part.stat().st_atime, part.stat().st_mtime + 2))
    status, _, content = server.ask("GET", f"{PROJECT}/events/{chosen}")
    assert status == 404, content
