"""The engine fails within itself and refuses everything from then on: the server ends, sets no file aside, and has all when it is back."""

import http.client
from collections import Counter
from pathlib import Path

from conftest import Serve
from crash_rig import PROJECT, STOP_S, dated, files_aside, wait_for

FAILING = """
import gc, os, sys, threading, time
import duckdb
from sv.cli import main
from sv.engine.duck.database import Database

class Failed:
    def cursor(self):
        return self
    def close(self):
        pass
    interrupt = close
    def __getattr__(self, name):
        raise duckdb.FatalException("FATAL Error: the database has been invalidated\\nand more")

def fail():
    while not os.path.exists({mark!r}):
        time.sleep(0.02)
    for each in gc.get_objects():
        if isinstance(each, Database):
            each._root = Failed()

threading.Thread(target=fail, daemon=True).start()
sys.exit(main())
"""
MERGING = {"SV_FLUSH_SECONDS": "0.3", "SV_COMPACT_SECONDS": "0.3", "SV_THREADS": "2"}


def test_a_server_whose_engine_failed_ends_sets_nothing_aside_and_has_everything_when_it_is_back(
    serve: Serve, tmp_path: Path
) -> None:
    mark = tmp_path / "fail"
    server = serve(**MERGING)
    server.code = FAILING.format(mark=str(mark))
    server.start()
    sent = [f"e{number}" for number in range(40)]
    for number in sent[:30]:
        server.store(dated(number))
    wait_for(lambda: server.metric("sv_flushes_total") >= 1, "a flush")
    for number in sent[30:]:
        server.store(dated(number))
    mark.touch()
    answered: list[int] = []

    def is_refused() -> bool:
        try:
            answered.append(server.ask("GET", f"{PROJECT}/events")[0])
        except (OSError, http.client.HTTPException):
            return True  # it had ended by then
        return answered[-1] != 200

    wait_for(is_refused, "the engine to fail")
    assert set(answered) <= {200, 503}, server.log
    assert server.process.wait(STOP_S) == 1
    assert (
        server.log.count("the engine failed, and refuses everything from now on: FATAL Error: the database has been invalidated")
        == 1
    )
    assert "start it again" in server.log
    server.code = ""
    server.start()
    assert server.numbers() == Counter(sent)
    assert files_aside(server.folder) == []
