"""The end of the thread that works on events at rest: soon, whatever it is at, and nothing is lost or there twice."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

import sv.store.rollups
from sv.engine.duck import files
from sv.engine.duck.keys import key_files, key_writing
from sv.model.errors import Unavailable
from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig, expected_persons, shown

WAIT_S = 60.0
ENDLESS = "select max(hash(a.i + b.i)) from range(100_000_000) a(i), range(100_000_000) b(i)"
PROJECT = "shop"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path)
    yield rig
    rig.close()


def send(rig: RollupRig, requests: int) -> None:
    for request in range(requests):
        events: list[Event] = [
            {"event": "buy", "timestamp": NOON + 10 * request + number, "userId": f"u{request}"} for number in range(3)
        ]
        rig.send(PROJECT, events)


class Endless:
    """In the place of what writes a file: a statement that takes years."""

    def __init__(self) -> None:
        self.began = threading.Event()

    def __call__(self, cursor: duckdb.DuckDBPyConnection, *_: Any) -> Any:
        self.began.set()
        return cursor.execute(ENDLESS).fetchall()


def stop_once(rig: RollupRig, began: threading.Event) -> None:
    rig.maintenance.start()
    assert began.wait(WAIT_S)
    ending = threading.Thread(target=rig.maintenance.stop)
    ending.start()
    ending.join(WAIT_S)
    assert not ending.is_alive()


def left_behind(rig: RollupRig) -> list[Path]:
    return [path for path in rig.folder.rglob("*.tmp*") if path.is_file()]


def test_a_flush_in_the_middle_of_a_file_is_left_to_the_last_flush(
    rig: RollupRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send(rig, 5)
    rig.store.freeze()
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(files, "write_buffer_days", endless := Endless())
        stop_once(rig, endless.began)
    assert not caplog.records and not left_behind(rig) and not rig.catalog.parts()
    rig.maintenance.flush_last()
    assert sum(part.rows for part in rig.catalog.parts()) == len(rig.rows(PROJECT)) == 15


def test_a_flush_in_the_middle_of_its_fold_goes_on_where_it_was(rig: RollupRig, monkeypatch: pytest.MonkeyPatch) -> None:
    send(rig, 5)
    rig.store.freeze()
    folded: list[int] = []
    began, go_on = threading.Event(), threading.Event()
    fold, stop = rig.builds.fold, rig.maintenance.stop

    def fold_slowly(summaries: Any, seq: int, now_ms: int) -> None:
        folded.append(seq)
        began.set()
        assert go_on.wait(WAIT_S)
        fold(summaries, seq, now_ms)

    def stop_and_go_on() -> None:
        threading.Timer(0.2, go_on.set).start()  # once it has been told
        stop()

    monkeypatch.setattr(sv.store.rollups, "FOLD_ROWS", 3)
    monkeypatch.setattr(rig.builds, "fold", fold_slowly)
    monkeypatch.setattr(rig.maintenance, "stop", stop_and_go_on)
    stop_once(rig, began)
    assert folded == [1], "it went on although it was to end"
    assert not rig.catalog.parts(), "committed without its fold"
    rig.maintenance.flush_last()
    assert folded == [1, 2, 3, 4, 5] and sum(part.rows for part in rig.catalog.parts()) == 15
    found = {distinct_id: shown(person) for distinct_id, person in rig.persons(PROJECT).items()}
    assert {distinct_id: person["event_count"] for distinct_id, person in found.items()} == {f"u{n}": 3 for n in range(5)}
    assert found.keys() == expected_persons(rig.rows(PROJECT)).keys()


def test_a_merge_and_a_key_file_are_interrupted_and_made_at_another_time(
    rig: RollupRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send(rig, 4)
    rig.maintenance.flush()
    monkeypatch.setattr(key_files, "MIN_ROWS", 1)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(key_writing, "write_key_file", endless := Endless())
        stop_once(rig, endless.began)
    assert not caplog.records and not left_behind(rig)
    (part,) = rig.catalog.parts()
    assert not (rig.folder / part.keys_path).exists()

    rig.restart()
    send(rig, 4)
    rig.maintenance.flush()
    before = rig.catalog.parts()
    with monkeypatch.context() as patched:
        patched.setattr(files, "merge_files", endless := Endless())
        with ThreadPoolExecutor(1) as pool:
            merging = pool.submit(rig.maintenance.compact, everything=True)
            assert endless.began.wait(WAIT_S)
            while not merging.done():
                rig.tables.interrupt_writing()
                time.sleep(0.05)
        assert isinstance(merging.exception(), Unavailable)
    assert rig.catalog.parts() == before and not left_behind(rig)
    assert rig.maintenance.compact(everything=True) == 1
    assert sum(part.rows for part in rig.catalog.parts()) == len(rig.rows(PROJECT))


def test_ctrl_c_while_a_statement_runs_is_no_fault(rig: RollupRig) -> None:
    """As in `sv check` or `sv export` of a folder at rest, which ask the engine in the main thread. The statement has an end: a thread of
    the engine's that is at it may go on to that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))

    def ask() -> None:
        with rig.database.cursor() as cursor:
            presser.start()
            cursor.execute("select max(hash(i)) from range(100_000_000) r(i)").fetchall()
            presser.join()
            time.sleep(WAIT_S)  # interrupted, where the statement was done before

    try:
        with pytest.raises(KeyboardInterrupt):
            ask()
    finally:
        presser.join()
        signal.signal(signal.SIGINT, before)
    with rig.database.cursor() as cursor:
        assert cursor.execute("select 1").fetchall() == [(1,)]
