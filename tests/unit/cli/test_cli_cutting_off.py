"""A signal ends a command that has a folder at rest for itself: in order, with its own exit code, and without waiting for a statement."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import duckdb
import pytest
from process_rig import BEGIN

from sv.cli.cutting_off import ending_soon
from sv.engine.duck.database import Database
from sv.meta import db
from sv.server import Server
from sv.settings import Settings
from tests import forked

WAIT_S = 60.0
ENDLESS = "select max(hash(a.i + b.i)) from range(100_000_000) a(i), range(100_000_000) b(i)"
ENDLESS_IN_SQLITE = "with recursive n(i) as (select begin() union all select i + 1 from n) select max(i) from n"
BEFORE_ITS_COMMIT = """
import time
from sv.imports.running import _Sending
take = _Sending._take
def take_once_it_is_ending(self, last):
    last.result()  # the files are written
    os.kill(os.getpid(), signal.{number})
    while not self._has_failed:
        time.sleep(0.001)
    return take(self, last)
_Sending._take = take_once_it_is_ending
begin()
"""


@pytest.fixture(autouse=True)
def ctrl_c_is_heeded() -> Iterator[None]:
    """It is not by what was started in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_import_that_a_signal_ends_leaves_none_of_a_chunk_s_files(tmp_path: Path, number: str, code: int) -> None:
    data, file = tmp_path / "data", tmp_path / "f.ndjson"
    server = Server(Settings(data=data))
    server.open()
    server.projects.create("shop", token="sv_pub_shop", now_ms=1, project_id="shop")
    server.close()
    file.write_text(json.dumps({"event": "view", "userId": "ann", "timestamp": 1_700_000_000_000}) + "\n")
    words = ["import", str(file), "--project", "shop", "--data", str(data), "--json"]
    done = forked.run([sys.executable, "-c", BEGIN + BEFORE_ITS_COMMIT.format(number=number), *words], text=True, timeout=WAIT_S)
    assert (done.returncode, json.loads(done.stdout)["error"], done.stderr) == (code, "interrupted", "")
    assert [path for path in data.glob("events/**/*") if path.is_file()] == []


def test_a_signal_ends_the_statements_that_run_at_once(tmp_path: Path) -> None:
    database = Database(tmp_path / "events", tmp_path / "spill", memory_bytes=128 << 20, threads=1)
    faults: list[Exception] = []

    def ask() -> None:
        try:
            with database.cursor() as cursor:
                cursor.execute(ENDLESS)
        except duckdb.Error as fault:
            faults.append(fault)

    asking = threading.Thread(target=ask)
    before = signal.getsignal(signal.SIGTERM)

    def end() -> None:
        with ending_soon(database.interrupt):
            asking.start()
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                asking.join(WAIT_S)
                raise faults[0]

    with pytest.raises(KeyboardInterrupt):
        end()
    database.close()
    assert [type(fault) for fault in faults] == [duckdb.InterruptException]
    assert signal.getsignal(signal.SIGTERM) is before and signal.set_wakeup_fd(-1) == -1


def test_reading_the_whole_catalog_is_ended_by_a_signal() -> None:
    connection = apsw.Connection(":memory:")
    began = threading.Event()
    connection.create_scalar_function("begin", lambda: began.set() or 1)

    def signal_once_it_began() -> None:
        assert began.wait(WAIT_S)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=signal_once_it_began).start()
    with db._heeding_signals(connection), pytest.raises(KeyboardInterrupt):  # pyright: ignore[reportPrivateUsage]
        connection.execute(ENDLESS_IN_SQLITE)
    connection.execute("select 1").fetchall()
