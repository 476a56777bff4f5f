"""A signal ends a server in order, whenever it comes: with exit code 0, and nothing of a throwaway folder left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process_rig import BEGIN, ended

from tests import forked

PLACES = {
    "before its module is loaded": "sv.cli, '_module'",
    "before the folder is opened": "sv.server.Server, 'open'",
    "before the sample is complete": "sv.server.Server, 'store_now'",
    "before it serves": "sv.server.FolderLock, 'announce'",
}


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_signal_during_the_start_ends_it_in_order(tmp_path: Path, place: str, number: str) -> None:
    code = f"signalled_before({place}, signal.{number}); begin()"
    assert ended(tmp_path, code, "dev", "--sample") == (0, "")
    assert list(tmp_path.iterdir()) == [], "the throwaway folder is removed"
    assert ended(tmp_path, code, "serve", "--sample", "--data", str(tmp_path / "data")) == (0, "")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_while_it_serves_ends_it_in_order(tmp_path: Path, number: str) -> None:
    code = f"import sv.cli.dev_command as dev; signalled_before(dev.json, 'dumps', signal.{number}); begin()"
    assert ended(tmp_path, code, "dev") == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_while_it_closes_leave_nothing_of_a_throwaway_folder(tmp_path: Path, number: str) -> None:
    """By then it no longer serves: one came while it did."""
    code = f"""
import shutil, sv.cli.dev_command as dev
signalled_before(dev.json, 'dumps', signal.SIGHUP)
signalled_before(sv.server.Meta, 'close', signal.{number})
signalled_before(shutil, 'rmtree', signal.{number}, times=3)
begin()
"""
    assert ended(tmp_path, code, "dev") == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_python_drops_ends_it_as_soon_as_it_serves(tmp_path: Path) -> None:
    code = """
opened = sv.server.Server.open
def open_and_drop(self):
    dropped(signal.SIGTERM)
    opened(self)
sv.server.Server.open = open_and_drop
sys.unraisablehook = lambda _: None
begin()
"""
    assert ended(tmp_path, code, "dev") == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_what_ignores_a_terminal_s_end_goes_on_doing_so(tmp_path: Path) -> None:
    code = """
import sv.cli.dev_command as dev
signalled_before(dev.json, 'dumps', signal.SIGHUP, times=2)
signalled_before(sv.server.Server, 'open', signal.SIGHUP)
begin(signal.SIG_IGN)
"""
    words = [sys.executable, "-c", BEGIN + code, "dev", "--port", "0", "--json"]
    with forked.Forked(words, env={**os.environ, "TMPDIR": str(tmp_path)}, stdin=-3, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("{")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_server_whose_standard_input_output_and_error_are_closed_serves_and_keeps_its_files_off_them(tmp_path: Path) -> None:
    code = """
def look():
    if not all(os.path.samefile(f'/dev/fd/{number}', os.devnull) for number in range(3)):
        os._exit(9)
    os.kill(os.getpid(), signal.SIGTERM)
import sv.cli.serve_command as serve
serve.tell_first_event = lambda *_: look()
begin()
"""
    words = ["serve", "--data", str(tmp_path / "data"), "--port", "0"]
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", BEGIN + code, *words]
    assert subprocess.run(closed, timeout=60).returncode == 0


def test_sv_dev_says_so_where_no_folder_can_be_made(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "import tempfile; tempfile.tempdir = '/nowhere'; begin()", "dev")
    assert code == 1
    assert said.startswith("sv: can't make a folder for data that is thrown away: No such file or directory; ")
    assert len(said.splitlines()) == 1
