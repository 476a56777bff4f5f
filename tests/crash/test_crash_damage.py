"""Damaged files: the start works, queries answer from what is whole, what isn't is kept aside, and a line of the log says so."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import (
    PROJECT,
    QUIET,
    Server,
    body_of,
    closing_all,
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
EVENTS_A_DAY = 200


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
    oldest = sorted(path.parent.parent.rglob("*.parquet"))[0]
    path.write_bytes(oldest.read_bytes() + b"PAR1")


DAMAGES = [cut_off, empty, zero, spoil_the_footer, spoil_the_footers_length, spoil_the_middle, remove, put_another_in_its_place]
DAYS = len(DAMAGES) + 2

Damage = Callable[[Path], None]
Filled = tuple[Path, list[Counter[str]]]
"""The folder of a killed server with one part a day and one more event that is in the log alone, and the numbers by day, oldest first."""


def fill(path: Path, days: int = DAYS) -> Filled:
    with closing_all([Server(path, QUIET)]) as (server,):
        server.start()
        numbers_by_day: list[Counter[str]] = []
        for day in range(days):
            numbers = [f"{day}-{place}" for place in range(EVENTS_A_DAY)]
            at_ms = now_ms() - (days - day) * DAY_MS
            server.store(body_of([event(number, at_ms=at_ms, user=f"user {number}") for number in numbers]))
            numbers_by_day.append(Counter(numbers))
        assert server.stop() == 0
        assert len(part_files(path)) == days
        server.start()
        server.store(dated("in the log"))
        numbers_by_day[-1]["in the log"] = 1
    return path, numbers_by_day


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """To be copied, not changed."""
    return fill(tmp_path_factory.mktemp("damage") / "data")


def of(serve: Serve, filled: Filled) -> tuple[Server, list[Counter[str]]]:
    """A server, not started, on a copy of such a folder."""
    server = serve()
    killed, days = filled
    shutil.copytree(killed, server.folder)
    return server, days


def is_told(server: Server, path: Path) -> bool:
    return any(str(path) in line and "ERROR" in line for line in server.log.splitlines())


def kept_aside(server: Server, part: Path) -> list[bytes]:
    """What is there of a day's file that was set aside."""
    return [path.read_bytes() for path in files_aside(server.folder) if part.parent.name in path.name]


class Spoilt:
    """A server on a folder whose oldest and newest parts are whole, and each of those between is damaged in another way."""

    def __init__(self, work: Path, filled: Filled, damages: Sequence[Damage]) -> None:
        killed, days = filled
        self.whole = days[0] + sum(days[len(damages) + 1 :], Counter[str]())
        self.all = sum(days, Counter[str]())
        shutil.copytree(killed, work / "data")
        self.server = Server(work / "data", QUIET, output=work)
        self.parts = dict(zip(damages, part_files(self.server.folder)[1:], strict=False))
        self.left: dict[Damage, list[bytes]] = {}

    def damage_all(self) -> None:
        for damage, part in self.parts.items():
            damage(part)
            self.left[damage] = [part.read_bytes()] if part.exists() else []

    def check(self, damage: Damage) -> None:
        part = self.parts[damage]
        assert is_told(self.server, part)
        assert not part.exists()
        assert kept_aside(self.server, part) == self.left[damage]


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory, filled: Filled) -> Iterator[Spoilt]:
    """Damaged while no server ran, then started, and asked for everything."""
    spoilt = Spoilt(tmp_path_factory.mktemp("restarted"), filled, DAMAGES)
    with closing_all([spoilt.server]):
        spoilt.damage_all()
        spoilt.server.start()
        assert spoilt.server.numbers() == spoilt.whole
        yield spoilt


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_told_and_kept_aside(restarted: Spoilt, damage: Damage) -> None:
    restarted.check(damage)


def test_damaged_parts_never_stop_the_start_and_cost_only_themselves(restarted: Spoilt) -> None:
    server, whole = restarted.server, restarted.whole
    assert server.total() == whole.total()
    assert "Traceback" not in server.log
    server.store(dated("later"))
    assert server.stop() == 0
    server.start()
    assert server.numbers() == whole + Counter(["later"])
    assert "damaged" not in server.log
    assert numbers_in_files(server.folder) == server.numbers()


@pytest.mark.parametrize(
    ("damages", "is_read_before"),
    [((cut_off, spoil_the_footer, spoil_the_middle, remove), True), ((zero, spoil_the_middle), False)],
)
def test_parts_that_are_damaged_under_a_running_server_are_set_aside_by_the_next_query(
    tmp_path: Path,
    filled: Filled,
    damages: tuple[Damage, ...],
    is_read_before: bool,
) -> None:
    spoilt = Spoilt(tmp_path, filled, damages)
    server = spoilt.server
    with closing_all([server]):
        server.start()
        if is_read_before:
            assert server.numbers() == spoilt.all
        spoilt.damage_all()
        assert server.numbers() == spoilt.whole
        assert server.total() == spoilt.whole.total()
        for damage in damages:
            spoilt.check(damage)
        assert "Traceback" not in server.log
        assert server.health()[0] == 200
        server.kill()
        server.start()
        assert server.numbers() == spoilt.whole


def test_a_part_that_is_damaged_before_a_merge_is_left_out_of_it(serve: Serve) -> None:
    server = serve(SV_FLUSH_SECONDS="0.05", SV_COMPACT_SECONDS="0.2", SV_THREADS="2").start()
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


def test_what_a_kill_left_half_written_is_cleared_away(serve: Serve, filled: Filled) -> None:
    server, days = of(serve, filled)
    day = part_files(server.folder)[0].parent
    (day / "flush-00000000000000ff-0.parquet.tmp").write_bytes(b"PAR1 half")
    (server.folder / "retries").mkdir(exist_ok=True)
    (server.folder / "retries" / "000-1.tmp").write_bytes(b"half")
    (server.folder / "spill").mkdir(exist_ok=True)
    (server.folder / "spill" / "duckdb_temp_storage-0.tmp").write_bytes(b"spilled")
    server.start()
    # The log's own are spare files that it is filling with zeros at this moment.
    assert [path for path in server.folder.rglob("*.tmp") if path.parent.name != "log"] == []
    assert server.numbers() == sum(days, Counter[str]())


def test_whole_files_that_no_catalog_row_names_are_not_counted_and_not_lost(serve: Serve, filled: Filled) -> None:
    """As a flush or a merge leaves one that was killed right before its commit."""
    server, days = of(serve, filled)
    first = part_files(server.folder)[0]
    uncommitted_flush = first.with_name(f"flush-{len(days) + 1:016x}-0.parquet")
    beyond_the_log = first.with_name(f"flush-{len(days) + 2:016x}-0.parquet")
    uncommitted_merge = first.with_name("merge-0123456789abcdef.parquet")
    for path in (uncommitted_flush, beyond_the_log, uncommitted_merge):
        path.write_bytes(first.read_bytes())
    server.start()
    assert server.numbers() == sum(days, Counter[str]())
    assert not uncommitted_flush.exists(), "the log has its events"
    aside = [path.name.rpartition("__")[2] for path in files_aside(server.folder)]
    assert aside == [beyond_the_log.name, uncommitted_merge.name]
    assert numbers_in_files(server.folder) == sum(days, Counter[str]()) - Counter(["in the log"])


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


def test_a_torn_end_of_the_log_costs_nothing_that_was_acknowledged(serve: Serve) -> None:
    server = serve().start()
    numbers = [f"{number}" for number in range(20)]
    for number in numbers:
        server.store(dated(number))
    for nth, size in enumerate((1, 40, 5000), 1):
        server.kill()
        segment, end = last_frame(server)
        data = bytearray(segment.read_bytes())
        data[end : end + size] = bytes(place % 250 + 1 for place in range(size))
        segment.write_bytes(data)
        server.start()
        assert server.numbers() == Counter(numbers), size
        assert "torn" in server.log, size
        assert len(list((server.folder / "log" / "aside").iterdir())) == nth, size
        numbers.append(f"after {size}")
        server.store(dated(numbers[-1]))
    server.kill()
    server.start()
    assert server.numbers() == Counter(numbers)


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


def test_an_event_by_its_id_is_not_found_rather_than_an_error_when_its_part_is_damaged(serve: Serve, filled: Filled) -> None:
    server, days = of(serve, filled)
    server.start()
    status, _, content = server.ask("GET", f"{PROJECT}/events?limit=1000")
    assert status == 200
    chosen = next(item["id"] for item in content["data"] if item["properties"]["n"] in days[-2])
    part = part_files(server.folder)[-2]
    spoil_the_footer(part)
    # The engine remembers a file's footer while the second of its last change stays the same, and answers rightly from what is whole.
    os.utime(part, (part.stat().st_atime, part.stat().st_mtime + 2))
    status, _, content = server.ask("GET", f"{PROJECT}/events/{chosen}")
    assert status == 404, content
