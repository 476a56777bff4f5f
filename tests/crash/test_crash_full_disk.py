"""A disk that refuses writes: ingest says 503 and why, reading goes on, nothing acknowledged is lost, and room is enough to recover."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import PROJECT, Server, dated, files_aside, numbers_in_files, temporary_files, wait_for
from fault_rig import WRITING_CALLS, SmallDisk, injected, limited_file_size, mounted_disk

DISK = "64m"
RECOVERY_S = 15.0
PAD = 40_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted_disk(tmp_path / "disk", DISK) as mounted:
        yield mounted


def send_until_refused(server: Server, prefix: str) -> list[str]:
    """Send one event after the other until the disk has refused three; returns those that were acknowledged."""
    acknowledged: list[str] = []
    refused = 0
    for number in range(2000):
        status, headers, content = server.send(dated(f"{prefix}{number}", pad=PAD))
        if status == 202:
            acknowledged.append(f"{prefix}{number}")
            continue
        assert status == 503, content
        assert int(headers["retry-after"]) >= 1
        assert content["code"] == "UNAVAILABLE"
        assert "data folder" in content["error"]
        refused += 1
        if refused == 3:
            return acknowledged
    raise AssertionError("the disk never refused")


LISTS = ("persons", "sessions", "event_definitions", "property_definitions")


def assert_lists_are_read(server: Server, acknowledged: int) -> None:
    """Lists answer with what they had before the disk filled and say so where that isn't all; a funnel answers with everything."""
    for what in LISTS:
        status, _, content = server.ask("GET", f"{PROJECT}/{what}")
        assert status == 200, content
        if what in ("persons", "sessions"):
            counted = sum(each["event_count"] for each in content["data"])
            assert content["meta"].get("is_behind", False) == (counted < acknowledged)
    status, _, person = server.ask("GET", f"{PROJECT}/persons/ann")
    assert status == 503 or person["event_count"] == acknowledged or person["is_behind"]
    steps = [{"event": "crash"}, {"event": "crash", "filters": [{"property": "n", "operator": "is_not", "value": "first"}]}]
    status, _, content = server.ask("POST", f"{PROJECT}/insights/funnel", {"steps": steps, "date_from": "-1d"})
    assert status == 200, content
    assert [step["count"] for step in content["steps"]] == [1, int(acknowledged > 1)]


def is_well(server: Server) -> bool:
    return server.health()[0] == 200


@pytest.mark.parametrize("is_queried_before", [False, True])
def test_a_full_disk_is_named_and_reading_goes_on_and_room_is_enough_to_recover(
    serve: Serve, disk: SmallDisk, is_queried_before: bool
) -> None:
    server = serve(disk.path / "data", SV_FLUSH_SECONDS="0.5").start()
    acknowledged = ["first"]
    server.store(dated("first"))
    if is_queried_before:
        wait_for(lambda: len(numbers_in_files(server.folder)) == 1, "the first flush")
        server.store(dated("second"))
        acknowledged.append("second")
    disk.fill()
    acknowledged += send_until_refused(server, "full")

    status, health = server.health()
    assert status == 503
    assert "No space left" in health["error"]
    for _ in range(3):
        assert server.numbers() == Counter(acknowledged), "reading goes on, with everything that was acknowledged"
        assert server.total() == len(acknowledged)
    assert_lists_are_read(server, len(acknowledged))
    assert server.metric("sv_up") == 0

    disk.empty()
    wait_for(lambda: is_well(server), "the server to find out by itself", RECOVERY_S)
    server.store(dated("last"))
    acknowledged.append("last")
    assert server.numbers() == Counter(acknowledged)
    assert server.persons_listed() == server.sessions_listed() == Counter(ann=len(acknowledged))
    for what in (*LISTS, "persons/ann"):
        content = server.ask("GET", f"{PROJECT}/{what}")[2]
        assert "is_behind" not in content.get("meta", content)
    wait_for(lambda: server.metric("sv_events_held") == 0, "the flush to be tried again", RECOVERY_S)
    wait_for(lambda: server.metric("sv_up") == 1, "whatever else had failed to be tried again", RECOVERY_S)
    assert server.starts == 1

    server.kill()
    server.start()
    assert server.numbers() == Counter(acknowledged)
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == Counter(acknowledged)
    assert temporary_files(server.folder) == []
    assert files_aside(server.folder) == []


def test_a_kill_or_a_stop_while_the_disk_is_full_loses_nothing_and_a_start_on_it_reads(serve: Serve, disk: SmallDisk) -> None:
    server = serve(disk.path / "data", SV_FLUSH_SECONDS="0.3", SV_THREADS="2").start()
    acknowledged = ["first"]
    server.store(dated("first"))
    disk.fill()
    acknowledged += send_until_refused(server, "full")
    server.kill()
    server.start()
    assert server.numbers() == Counter(acknowledged)
    assert server.stop() == 0
    disk.fill()
    server.start()
    assert server.numbers() == Counter(acknowledged)
    disk.empty()
    wait_for(lambda: server.send(dated("last"))[0] == 202, "the server to find out by itself", RECOVERY_S)
    server.kill()
    server.start()
    assert server.numbers() == Counter([*acknowledged, "last"])


def test_new_persons_are_told_apart_while_the_disk_is_full_and_keep_their_numbers(serve: Serve, disk: SmallDisk) -> None:
    server = serve(disk.path / "data", SV_FLUSH_SECONDS="3600").start()
    server.store(dated("first"))
    assert server.persons() == 1
    disk.fill()
    acknowledged = 1
    for number in range(200):
        status, _, _ = server.send(dated(f"{number}", user=f"new {number}", pad=1000))
        if status != 202:
            break
        acknowledged += 1
        if number % 3 == 0:
            assert server.persons() == acknowledged, "drained bit by bit, every one has a number of its own"
    assert acknowledged > 3, "the log has no room for new persons, so this shows nothing"
    assert server.persons() == acknowledged
    disk.empty()
    wait_for(lambda: is_well(server), "the server to find out by itself", RECOVERY_S)
    server.store(dated("again", user="new 0"))
    server.store(dated("last", user="newest"))
    assert server.persons() == acknowledged + 1
    assert server.stop() == 0
    server.start()
    assert server.persons() == acknowledged + 1


def test_a_read_only_disk_is_refused_at_the_start_with_a_line_that_says_so(serve: Serve, disk: SmallDisk) -> None:
    server = serve(disk.path / "data").start()
    server.store(dated("first"))
    assert server.stop() == 0
    disk.remount("ro")
    server.spawn()
    assert server.process.wait(10) == 1
    assert "Read-only file system" in server.log
    assert str(server.folder) in server.log
    assert "Traceback" not in server.log
    disk.remount("rw")
    server.start()
    assert server.numbers() == Counter(["first"])


def test_a_disk_that_turns_read_only_is_named_and_reading_goes_on(serve: Serve, tmp_path: Path) -> None:
    server = serve(SV_FLUSH_SECONDS="0.3").start()
    server.store(dated("first"))
    wait_for(lambda: len(numbers_in_files(server.folder)) == 1, "the first flush")
    server.store(dated("second"))
    acknowledged = ["first", "second"]
    with injected(server, tmp_path / "calls", [f"{WRITING_CALLS}:error=EROFS"]) as injection:
        acknowledged += send_until_refused(server, "read-only")
        assert "Read-only" in server.health()[1]["error"]
        for _ in range(3):
            assert server.numbers() == Counter(acknowledged)
    assert injection.hits
    wait_for(lambda: is_well(server), "the server to find out by itself", RECOVERY_S)
    server.store(dated("last"))
    acknowledged.append("last")
    assert server.numbers() == Counter(acknowledged)
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == Counter(acknowledged)


def test_a_write_that_the_disk_cuts_short_is_refused_and_never_comes_back(serve: Serve) -> None:
    server = serve().start()
    acknowledged = [f"{number}" for number in range(5)]
    for number in acknowledged:
        server.store(dated(number))
    with limited_file_size(server, 64 * 1024):
        acknowledged += send_until_refused(server, "cut")
        assert server.health()[0] == 503
        assert server.numbers() == Counter(acknowledged)
    wait_for(lambda: is_well(server), "the server to find out by itself", RECOVERY_S)
    server.store(dated("last"))
    acknowledged.append("last")
    server.kill()
    server.start()
    assert server.numbers() == Counter(acknowledged)
