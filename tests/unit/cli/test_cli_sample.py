"""The sample shop's events are there in whole or not at all, however often a start that adds them is cut off."""

import json
import sys
from pathlib import Path

import pytest
from process_rig import ended

from tests import forked

EVENTS = 3000
"""Of the sample, which has more."""

FEWER = f"""
import sv.sample.shop as shop
shop.EVENT_COUNT, shop.UNSENT_LEAVES = {EVENTS}, 100
"""
IN_THE_MIDST = """
calls = []
was = sv.server.Server.store_now
def store_some(*given):
    calls.append(given)
    {act}
    was(*given)
sv.server.Server.store_now = store_some
begin()
"""
KILLED = FEWER + IN_THE_MIDST.format(act="len(calls) < 3 or os._exit(9)")
TOLD_TO_END = FEWER + IN_THE_MIDST.format(act="len(calls) == 3 and os.kill(os.getpid(), signal.SIGTERM)")
UP_TO_SERVING = FEWER + "import json; signalled_before(json, 'dumps', signal.SIGTERM); begin()"

UNFLUSHED = """
import sys, sv.cli, sv.store.maintenance
sv.store.maintenance.LAST_FLUSH_EVENTS = 0
sys.exit(sv.cli.main())
"""


def count(folder: Path) -> int:
    """Leaves the events where they are: to write files of sixty days costs more than all else here."""
    done = forked.run(
        [sys.executable, "-c", UNFLUSHED, "sql", "select count(*) from events", "--data", str(folder), "--json"],
        text=True,
        check=True,
    )
    found: int = json.loads(done.stdout)["rows"][0][0]
    return found


@pytest.mark.parametrize("command", ["serve", "dev"])
@pytest.mark.parametrize(("cut_off", "code"), [(KILLED, 9), (TOLD_TO_END, 0)], ids=["killed", "told to end"])
def test_a_sample_that_was_cut_off_is_added_anew(tmp_path: Path, command: str, cut_off: str, code: int) -> None:
    folder = tmp_path / "data"
    words = (command, "--sample", "--data", str(folder))
    assert ended(tmp_path, cut_off, *words)[0] == code
    assert ended(tmp_path, cut_off, *words)[0] == code
    assert 0 < count(folder) < EVENTS
    for _ in range(2):
        assert ended(tmp_path, UP_TO_SERVING, *words)[0] == 0
    assert count(folder) == EVENTS


def test_a_start_that_wants_no_sample_leaves_none_of_one_that_was_cut_off(tmp_path: Path) -> None:
    words = ("serve", "--data", str(tmp_path / "data"))
    ended(tmp_path, KILLED, *words, "--sample")
    assert ended(tmp_path, UP_TO_SERVING, *words)[0] == 0
    assert count(tmp_path / "data") == 0


def test_what_was_imported_beside_a_sample_that_was_cut_off_stays(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    ended(tmp_path, KILLED, "serve", "--sample", "--data", folder)
    before = count(tmp_path / "data")
    (tmp_path / "own.ndjson").write_text('{"event": "own", "userId": "ann"}\n')
    listed = forked.run([sys.executable, "-m", "sv", "project", "list", "--json", "--data", folder], text=True, check=True)
    project = json.loads(listed.stdout)[0]["id"]
    words = [sys.executable, "-m", "sv", "import", str(tmp_path / "own.ndjson"), "--project", project, "--data", folder]
    forked.run(words, text=True, check=True)
    for more in ([], ["--sample"]):
        assert ended(tmp_path, UP_TO_SERVING, "serve", "--data", folder, *more)[0] == 0
    assert count(tmp_path / "data") == before + 1
