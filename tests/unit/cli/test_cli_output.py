"""What a command does when its output can't be written, can't be written as it is, or is no longer wanted; and with text that is none."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from process_rig import BEGIN

from sv.auth.tokens import make_project_token
from sv.cli import main
from sv.cli.failures import telling_failures
from sv.cli.output import as_json
from sv.model.errors import InvalidParameter
from sv.server import Server
from sv.settings import Settings
from tests import forked

NAME = "Läden … 🛒"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a project that no small encoding has the name of."""
    server = Server(Settings(data=tmp_path / "data"))
    server.open()
    server.projects.create(NAME, token=make_project_token(), now_ms=0)
    server.close()
    return tmp_path / "data"


def run(*words: str, encoding: str = "utf-8", out: Any = subprocess.PIPE) -> "subprocess.CompletedProcess[bytes]":
    """As a process of its own, whose encoding Python looks at when it starts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")} | {"PYTHONIOENCODING": encoding}
    return subprocess.run(words, env=kept, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False)


def test_an_output_that_refuses_is_told_in_a_line(folder: Path) -> None:
    data = ("--data", str(folder))
    with open("/dev/full", "wb") as full:
        for words in (["config"], ["project", "list", *data], ["sql", "select 1", "--json", *data]):
            done = run(sys.executable, "-m", "sv", *words, out=full)
            told = b"sv: the output can't be written: No space left on device\n"
            assert (done.returncode, done.stderr) == (1, told), words


def test_what_failed_otherwise_is_told_though_the_output_refuses(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run(sys.executable, "-m", "sv", "sql", "select", "--data", str(folder / "none"), out=full)
    assert done.returncode == 1
    assert b"is no data folder yet" in done.stderr and b"output" not in done.stderr


def test_who_reads_no_further_is_no_fault_of_a_short_answer(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(sys.executable, "-m", "sv", "project", "list", "--data", str(folder), out=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_server_goes_on_where_its_output_refuses_unless_its_secrets_were_never_shown(tmp_path: Path) -> None:
    code = f"""{BEGIN}
import sv.cli.serve_command as serve
serve.tell_first_event = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
begin()
"""
    words = [sys.executable, "-c", code, "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}

    def served(out: Any) -> tuple[int, str | None, str]:
        with forked.Forked(words, env=kept, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True) as process:
            try:
                told, said = process.communicate(timeout=60)
            finally:
                process.kill()
        return process.returncode, told, said

    reading, unread = os.pipe()
    os.close(reading)
    with open("/dev/full", "wb") as full:
        assert served(full) == (1, None, "sv: the output can't be written: No space left on device\n")
        code_at_first, told, _ = served(subprocess.PIPE)
        assert code_at_first == 0 and told is not None and "This is the first start." in told
        for out, reason in ((full, "No space left on device"), (unread, "Broken pipe")):
            ended, _, said = served(out)
            assert ended == 0 and f"the output can't be written: {reason}; the server goes on without it\n" in said
    os.close(unread)


@pytest.mark.parametrize(("encoding", "shown"), [("latin-1", "Läden ? ?"), ("ascii", "L?den ? ?"), ("utf-8", NAME)])
def test_what_an_encoding_lacks_is_shown_otherwise(folder: Path, encoding: str, shown: str) -> None:
    words = (sys.executable, "-m", "sv", "project", "list", "--data", str(folder))
    done = run(*words, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert shown in done.stdout.decode(encoding)
    as_json = run(*words, "--json", encoding=encoding)
    assert (as_json.returncode, as_json.stderr) == (0, b"")
    assert [project["name"] for project in json.loads(as_json.stdout.decode(encoding))] == [NAME]


@pytest.mark.parametrize("encoding", ["utf-8:strict", "utf-8:surrogateescape"])
def test_the_name_of_a_file_that_is_not_utf_8_is_shown_otherwise(tmp_path: Path, encoding: str) -> None:
    words = (sys.executable, "-m", "sv", "config", "--data", os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    done = run(*words, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.fsencode(tmp_path) + b"/? " in done.stdout
    as_json = run(*words, "--json", encoding=encoding)
    assert (as_json.returncode, as_json.stderr) == (0, b"")
    assert f"{tmp_path}/\udcff" in as_json.stdout.decode().replace("\\udcff", "\udcff")


def test_text_that_is_not_utf_8_is_told_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = forked.run([sys.executable, "-m", "sv", "sql", "-", "--data", str(folder)], stdin=b"select '\xff'")
    assert (given.returncode, given.stderr) == (2, b"sv: standard input: expected UTF-8, got the byte 0xff\n")
    for asked in (["--event", "a\udcff"], ["--where", "plan=\udcff"]):
        assert main(["tail", "--url", "http://127.0.0.1:1", "--api-token", "x", "--project", "p", *asked]) == 2
        said = capsys.readouterr().err
        assert said.startswith("sv: expected arguments in UTF-8, got b'") and "\\xff" in said and said.count("\n") == 1


def test_a_standard_input_that_is_closed_is_an_empty_one(folder: Path) -> None:
    code = "import sys; sys.stdin = None; from sv.cli import main; main()"
    done = forked.run([sys.executable, "-c", code, "user", "create", "ann@example.com", "--stdin", "--data", str(folder)])
    assert (done.returncode, done.stderr) == (2, b"sv: password: expected 8 to 1,024 characters, got 0\n")


@pytest.mark.parametrize("place", ["sv.cli, '_module'", "sv.cli, '_parser'", "sv.cli, '_top_level'"])
def test_an_interrupt_says_nothing_whenever_it_comes(place: str) -> None:
    words = ["nothing"] if "top_level" in place else ["config"]
    code = f"{BEGIN}signalled_before({place}, signal.SIGINT); begin()"
    done = forked.run([sys.executable, "-c", code, *words], env={"PATH": ""}, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_what_a_failure_quotes_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with telling_failures() as outcome:
        raise InvalidParameter("got \x1b]0;mine\x07 and \x9b2J\nand ä")
    assert outcome.code == 2
    assert capsys.readouterr().err == "sv: got \\x1b]0;mine\\x07 and \\x9b2J\nsv: and ä\n"


def test_json_holds_texts_as_they_are_and_nothing_that_a_terminal_acts_on() -> None:
    told = {"who": "Ä 🛒\x1b[2J\x9b2J\x7f\r\n"}
    assert as_json(told) == '{"who": "Ä 🛒\\u001b[2J\\u009b2J\\u007f\\r\\n"}'
    assert json.loads(as_json(told)) == told
