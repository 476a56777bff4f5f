"""The pytest plugin, as a project meets it that has the wheel and nothing of the checkout."""

import json
import os
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest
from plugin_rig import LIMIT_S, PROJECT, Environment

from sv.sdk.testing import SvServer

LOADED = """
import sys, pytest
before = set(sys.modules)
import sv.sdk.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project in a folder of its own, far from the checkout."""
    shutil.copytree(PROJECT, folder := tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def outcomes(output: str) -> dict[str, str]:
    return dict(re.findall(r"^test_shop.py::(?:TestBroken::)?(\w+) (PASSED|FAILED)", output, re.MULTILINE))


def section(output: str, test: str) -> str:
    """What is told of a failure."""
    found = re.search(rf"^_+ TestBroken\.{test} _+\n(.*?)(?=^_{{5,}} |^={{5,}} )", output, re.MULTILINE | re.DOTALL)
    assert found is not None, output
    return found[1]


def test_the_plugin_loads_nothing_but_itself(environment: Environment, tmp_path: Path) -> None:
    done = environment.run("-c", LOADED, cwd=tmp_path)
    assert done.stdout.split() == ["sv", "sv.sdk", "sv.sdk.pytest_plugin"], done.stderr


def test_a_project_that_has_the_wheel_alone_gets_the_outcomes_it_should(environment: Environment, project: Path) -> None:
    notes = project / "notes"
    done = environment.run("-m", "pytest", "-v", "test_shop.py", cwd=project, SHOP_NOTES=str(notes))
    assert outcomes(done.stdout) == {
        "test_a_purchase_arrives_with_its_amount": "PASSED",
        "test_nothing_is_left_of_the_test_before": "PASSED",
        "test_what_arrived_is_kept_where_a_test_says_so": "PASSED",
        "test_waits_for_what_never_comes": "FAILED",
        "test_waits_while_its_clock_stands": "FAILED",
        "test_has_no_network": "FAILED",
        "test_counts_wrongly": "FAILED",
        "test_asks_for_what_there_is_not": "FAILED",
        "test_that_needs_no_server_starts_none": "PASSED",
    }, done.stdout + done.stderr

    first, second, third = (line.split() for line in notes.read_text().splitlines())
    assert first[1:] == second[1:] == third[1:3], "one server a session"
    assert third[3] == "3", "two of the test before and one of its own"
    assert not Path(f"/proc/{first[2]}").exists(), "the server ended with the session"

    waited = section(done.stdout, "test_waits_for_what_never_comes")
    assert "expected 2 x 'purchase' within 0.05 s, got 0" in waited
    assert "1 arrived: 1 x view" in waited
    assert re.search(r'Z  view  ann  \{"page": "/pricing"', waited)
    assert "within 0.05 s, got 0" in section(done.stdout, "test_waits_while_its_clock_stands")
    assert "can't be asked: no network in tests" in section(done.stdout, "test_has_no_network")
    counted = section(done.stdout, "test_counts_wrongly")
    assert re.search(r"assert \[1, 0\] == \[1, 1\]", counted)
    assert "Session Vision: what arrived" in counted
    assert re.search(r"Z  signup  dora", counted)
    refused = section(done.stdout, "test_asks_for_what_there_is_not")
    assert "was answered 422" in refused
    assert "conversion_window" in refused


def test_each_worker_of_xdist_has_a_server_of_its_own(environment: Environment, project: Path) -> None:
    notes = project / "notes"
    done = environment.run(
        "-m", "pytest", "-n", "2", "--dist", "load", "test_shop.py", "-k", "arrives or before", cwd=project, SHOP_NOTES=str(notes)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = sorted(line.split() for line in notes.read_text().splitlines())
    assert first[1] != second[1]
    assert first[2] != second[2]


def test_a_server_that_runs_already_can_be_used_and_is_emptied_before(environment: Environment, project: Path) -> None:
    started = subprocess.Popen(
        [environment.python, "-m", "sv", "dev", "--port", "0", "--stop-on-eof"],
        cwd=project,
        env=environment.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdin is not None and started.stdout is not None
    found = re.search(r"http://\S+", started.stdout.readline())
    assert found is not None
    SvServer(found[0]).capture("stray")
    notes = project / "notes"
    arguments = ["-m", "pytest", "-k", "before", "test_shop.py", "--sv-url", found[0]]
    done = environment.run(*arguments, cwd=project, SHOP_NOTES=str(notes))
    assert done.returncode == 0, done.stdout + done.stderr
    assert notes.read_text() == f"second {found[0]} None\n"
    done = environment.run(*arguments, "-n", "1", cwd=project, SHOP_NOTES=str(notes))
    assert "--sv-url names one server" in done.stdout
    started.stdin.close()
    assert started.wait(LIMIT_S) == 0
    started.stdout.close()


def test_an_address_at_which_no_sv_dev_answers_is_told_in_a_line(environment: Environment, project: Path, tmp_path: Path) -> None:
    started = subprocess.Popen(
        [environment.python, "-m", "sv", "serve", "--port", "0", "--data", str(tmp_path / "data"), "--json"],
        cwd=project,
        env=environment.variables(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    kept = json.loads(started.stdout.readline())["url"]
    told = {
        kept: f"--sv-url: what answers at {kept} is no `sv dev`",
        "http://127.0.0.1:1": "--sv-url: no answer from http://127.0.0.1:1: ",
        "127.0.0.1:8000": "expected the address of an `sv dev` that runs, such as http://127.0.0.1:8000",
        "localhost": "--sv-url: no answer from localhost: ",
    }
    try:
        for url, said in told.items():
            done = environment.run("-m", "pytest", "-k", "before", "test_shop.py", "--sv-url", url, cwd=project)
            assert done.returncode == 1
            assert said in done.stdout
            assert "Traceback" not in done.stdout and "urlopen(" not in done.stdout
    finally:
        started.terminate()
        assert started.wait(LIMIT_S) == 0
        started.stdout.close()


def test_the_server_ends_when_pytest_is_killed(environment: Environment, project: Path) -> None:
    notes, (reading, writing) = project / "notes", os.pipe()
    os.mkfifo(notes)
    killed = subprocess.Popen(
        [environment.python, "-m", "pytest", "test_hangs.py"],
        cwd=project,
        env=environment.variables(SHOP_NOTES=str(notes), SHOP_WAITS_FOR=str(reading)),
        stdout=subprocess.DEVNULL,
        pass_fds=[reading],
    )
    pid, status = notes.read_text().split()
    assert status == "ok"
    server = os.pidfd_open(int(pid))
    killed.kill()
    killed.wait(LIMIT_S)
    assert select.select([server], [], [], LIMIT_S)[0], "the server outlived the run that started it"
    for descriptor in (server, reading, writing):
        os.close(descriptor)
