"""The one file's header, in front of a small payload: unpacked once, by one, whole, and nowhere that others can write to.

The payload's `bin/python3` is a shell script, which starts this interpreter for the last step of unpacking and otherwise tells how it was
started. The header runs with `/bin/sh`. What is really in the file is for `.ci/executable-check`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from executable import build

INTERPRETER = f"""#!/bin/sh
case " $* " in *finish.py*) exec {sys.executable} "$@" ;; esac
echo "started $0 $*"
echo "libraries $LD_LIBRARY_PATH cache ${{SV_EXECUTABLE_CACHE:-unset}}"
exit 7
"""
STRANGER = 12345


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def make(interpreter: str = INTERPRETER, name: str = "sv") -> Path:
        home = tmp_path / f"home-{name}"
        (home / "bin").mkdir(parents=True)
        (home / "lib").mkdir()
        (home / "bin" / "python3").write_text(interpreter)
        (home / "bin" / "python3").chmod(0o755)
        (home / "finish.py").write_bytes((build.HERE / "finish.py").read_bytes())
        file = tmp_path / name
        file.write_bytes(build.headed(build.packed(home), "1.2.3", "2.28", 5_000_000))
        file.chmod(0o755)
        return file

    return make


@pytest.fixture(autouse=True)
def _a_machine_that_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls_itself(tmp_path, "x86_64")
    monkeypatch.setenv("PATH", f"{tmp_path}/commands", prepend=os.pathsep)


def calls_itself(tmp_path: Path, machine: str) -> None:
    """Whatever the machine is that the tests run on."""
    (tmp_path / "commands").mkdir(exist_ok=True)
    (tmp_path / "commands" / "uname").write_text(f"#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo {machine} ;; esac\n")
    (tmp_path / "commands" / "uname").chmod(0o755)


def run(file: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    given = {"PATH": os.environ["PATH"]} | environment
    return subprocess.run([str(file), *arguments], env=given, capture_output=True, text=True, timeout=60, check=False)


def unpacked(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def test_the_first_start_unpacks_and_a_later_one_does_not(make: Callable[..., Path], tmp_path: Path) -> None:
    file, cache = make(), tmp_path / "cache"
    first = run(file, "dev", "two words", "*", XDG_CACHE_HOME=str(cache))
    (home,) = unpacked(cache / "sv")
    assert first.stderr == f"sv: unpacking into {cache}/sv, once (5 MB)\n"
    assert first.stdout.splitlines()[0] == f"started {home}/bin/python3 -I -B -m sv dev two words *"
    inode = home.stat().st_ino
    later = run(file, "dev", "two words", "*", XDG_CACHE_HOME=str(cache))
    assert (later.returncode, later.stdout, later.stderr) == (7, first.stdout, "")
    assert unpacked(cache / "sv") == [home]
    assert home.stat().st_ino == inode
    assert (cache.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o700, 0o700)


def test_the_interpreter_finds_the_libraries_that_came_with_it_before_others(make: Callable[..., Path], tmp_path: Path) -> None:
    got = run(make(), SV_EXECUTABLE_CACHE=str(tmp_path / "cache"), LD_LIBRARY_PATH="/elsewhere")
    (home,) = unpacked(tmp_path / "cache")
    assert got.stdout.splitlines()[1] == f"libraries {home}/lib:/elsewhere cache unset"


def test_another_version_is_unpacked_beside_it(make: Callable[..., Path], tmp_path: Path) -> None:
    for file in (make(), make(INTERPRETER + "# newer\n", "newer")):
        assert run(file, SV_EXECUTABLE_CACHE=str(tmp_path / "cache")).returncode == 7
    assert len(unpacked(tmp_path / "cache")) == 2


def test_many_at_once_leave_one_whole_copy(make: Callable[..., Path], tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SV_EXECUTABLE_CACHE": str(tmp_path / "cache")}
    file = make()
    running = [
        subprocess.Popen([file], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]
    answers = [process.communicate(timeout=60)[0] for process in running]
    (home,) = unpacked(tmp_path / "cache")
    assert {process.returncode for process in running} == {7}
    assert {answer.splitlines()[0] for answer in answers} == {f"started {home}/bin/python3 -I -B -m sv"}


def test_what_is_half_unpacked_is_not_used_and_goes_when_it_is_old(make: Callable[..., Path], tmp_path: Path) -> None:
    file, cache = make(), tmp_path / "cache"
    for name in (".unpacking.old", ".unpacking.new"):
        (cache / name / "bin").mkdir(parents=True)
    os.utime(cache / ".unpacking.old", (0, 0))
    assert run(file, SV_EXECUTABLE_CACHE=str(cache)).returncode == 7
    assert [path.name[:14] for path in unpacked(cache)] == [".unpacking.new", "1.2.3-" + unpacked(cache)[1].name[6:14]]


@pytest.mark.parametrize("kept", [-1, -100])
def test_a_file_that_was_cut_off_says_so_and_leaves_nothing(make: Callable[..., Path], tmp_path: Path, kept: int) -> None:
    file = make()
    file.write_bytes(file.read_bytes()[:kept])
    got = run(file, SV_EXECUTABLE_CACHE=str(tmp_path / "cache"))
    assert (got.returncode, got.stderr) == (1, f"sv: {file} is damaged or was cut off; get it again\n")
    assert not unpacked(tmp_path / "cache")


def test_a_file_with_a_changed_byte_is_not_started(make: Callable[..., Path], tmp_path: Path) -> None:
    file = make()
    changed = bytearray(file.read_bytes())
    changed[-20] ^= 1
    file.write_bytes(changed)
    got = run(file, SV_EXECUTABLE_CACHE=str(tmp_path / "cache"))
    assert got.returncode == 1
    assert "could not unpack" in got.stderr
    assert not unpacked(tmp_path / "cache")


def test_on_another_kind_of_machine_it_says_what_it_is_for(make: Callable[..., Path], tmp_path: Path) -> None:
    calls_itself(tmp_path, "aarch64")
    got = run(make(), SV_EXECUTABLE_CACHE=str(tmp_path / "cache"))
    assert (got.returncode, got.stderr) == (1, "sv: this file is for Linux on x86-64, not for Linux on aarch64\n")


def test_what_does_not_run_here_says_what_it_needs_and_leaves_nothing(make: Callable[..., Path], tmp_path: Path) -> None:
    got = run(make("#!/nowhere\n"), SV_EXECUTABLE_CACHE=str(tmp_path / "cache"))
    assert got.returncode == 1
    assert "glibc 2.28 or newer" in got.stderr
    assert not unpacked(tmp_path / "cache")


def test_a_folder_that_others_can_write_to_is_passed_by(make: Callable[..., Path], tmp_path: Path) -> None:
    home, shared = tmp_path / "home", tmp_path / "tmp"
    (home / ".cache" / "sv").mkdir(parents=True)
    (home / ".cache" / "sv").chmod(0o777)
    shared.mkdir()
    shared.chmod(0o1777)
    got = run(make(), HOME=str(home), TMPDIR=str(shared))
    assert got.stderr == f"sv: unpacking into {shared}/sv-{os.getuid()}, once (5 MB)\n"
    assert got.returncode == 7
    assert not unpacked(home / ".cache" / "sv")


@pytest.mark.parametrize("parent", [0o777, 0o1777])
def test_in_a_folder_of_everybodys_only_what_nobody_can_replace_is_used(
    make: Callable[..., Path], tmp_path: Path, parent: int
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(parent)
    got = run(make(), SV_EXECUTABLE_CACHE=str(shared / "sv"))
    assert (got.returncode == 7) is (parent == 0o1777)
    assert got.returncode == 7 or "others can write to it, or to the folder it is in" in got.stderr


def test_a_link_is_not_followed(make: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "mine")
    got = run(make(), SV_EXECUTABLE_CACHE=str(tmp_path / "cache"))
    assert got.returncode == 1
    assert "it is a link" in got.stderr
    assert not unpacked(tmp_path / "mine")


def test_another_users_copy_is_not_started(make: Callable[..., Path], tmp_path: Path) -> None:
    """Needs to be root, to make somebody else's; elsewhere the mode says that others can write, which is refused likewise."""
    file, cache = make(), tmp_path / "cache"
    assert run(file, SV_EXECUTABLE_CACHE=str(cache)).returncode == 7
    if os.getuid() == 0:
        os.chown(cache, STRANGER, STRANGER)
    else:
        cache.chmod(0o707)
    got = run(file, SV_EXECUTABLE_CACHE=str(cache))
    assert (got.returncode, got.stdout) == (1, "")
    assert f"{cache} is not used" in got.stderr


def test_where_nothing_can_be_written_the_remedy_is_said(make: Callable[..., Path], tmp_path: Path) -> None:
    file = make()
    (tmp_path / "file").touch()
    got = run(file, HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path / "file"))
    assert got.returncode == 1
    assert got.stderr.splitlines() == [
        f"sv: nowhere to unpack to, as user {os.getuid()}:",
        f"    {tmp_path}/file/.cache/sv can't be made",
        f"    {tmp_path}/file/sv-{os.getuid()} can't be made",
        f"    name a folder of yours with room for 5 MB: SV_EXECUTABLE_CACHE=/path {file} ...",
    ]


def test_what_was_unpacked_starts_from_a_home_that_has_become_read_only(make: Callable[..., Path], tmp_path: Path) -> None:
    file, cache = make(), tmp_path / "cache"
    assert run(file, SV_EXECUTABLE_CACHE=str(cache)).returncode == 7
    cache.chmod(0o500)
    got = run(file, SV_EXECUTABLE_CACHE=str(cache))
    assert (got.returncode, got.stderr) == (7, "")
