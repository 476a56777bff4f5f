"""Builds `sv` as one file for Linux on x86-64: `python executable/build.py FILE`; `./task executable` runs it.

Into the file go the interpreter that runs this, with its standard library and the libraries it needs beside glibc; what requirements.lock
pins, with nothing resolved anew; and the wheel of this checkout, with the web app. In front stands `header.sh`, which unpacks them once and
starts them. All of it is on the machine or comes from the package index; the same inputs make the same bytes.

Assumes that it is run by an environment with requirements.lock in it (the build backend is locked too), and that the web app is built.
"""
# ruff: noqa: S603, T201 - a command line that prints and starts fixed programs

import contextlib
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

GLIBC = re.compile(r"(ld-linux|libc|libm|libdl|libpthread|librt|libutil|libresolv|libanl|libmvec|linux-vdso)[.-].*")
"""Libraries that the machine has by itself, or could not run anything."""

STDLIB_LEFT_OUT = (
    *("test", "idlelib", "turtledemo", "tkinter", "ensurepip", "lib2to3", "venv", "pydoc_data", "curses", "dbm", "sqlite3"),
    *("config-*", "site-packages", "dist-packages", "__pycache__", "turtle.py", "msilib"),
    *(
        f"lib-dynload/{name}.*"
        for name in ("_tkinter", "_curses*", "readline", "_dbm", "_gdbm", "nis", "ossaudiodev", "spwd", "_crypt")
    ),
    *(f"lib-dynload/{name}.*" for name in ("_sqlite3", "_test*", "_xx*", "xx*", "_ctypes_test")),
)
"""What nothing here imports, and what would bring libraries of a screen with it."""

SITE = """\
import os, sys
packages = os.path.join(os.path.dirname(__file__), "site-packages")
if packages not in sys.path:
    sys.path.append(packages)
"""
"""Debian's interpreter looks for packages elsewhere."""

PACKAGES_LEFT_OUT = (
    *("bin", "hatchling*", "editables*", "pathspec*", "trove_classifiers*"),  # only building needs them
    *("pyarrow/tests", "pyarrow/include", "pyarrow/includes", "pyarrow/src", "pyarrow/*.pyx", "pyarrow/*.pxi"),
    *(
        "pyarrow/*flight*",
        "pyarrow/libarrow_s3.*",
        "pyarrow/_s3fs.*",
        "pyarrow/_gcsfs.*",
        "pyarrow/_azurefs.*",
        "pyarrow/_hdfs.*",
    ),
    *("numpy/**/tests",),
)
"""As in the Dockerfile, which says why."""


def run(*command: str | Path) -> str:
    """Standard output. Ends the build where the command fails."""
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        sys.exit(f"executable: {command[0]} failed with status {done.returncode}")
    return done.stdout


def remove(folder: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for path in list(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def put_interpreter(home: Path) -> Path:
    """The interpreter that runs this, at home/bin/python3, and its standard library. Returns home's lib/pythonX.Y."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    own = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (home / "bin").mkdir(parents=True)
    shutil.copy(Path(sys._base_executable).resolve(), home / "bin" / "python3")  # what made the environment
    shutil.copytree(
        stdlib,
        own,
        ignore_dangling_symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "dist-packages", "__pycache__", "test"),
    )
    remove(own, STDLIB_LEFT_OUT)
    (own / "sitecustomize.py").unlink(missing_ok=True)  # a system's own one is a link to elsewhere, which must not be written to
    (own / "sitecustomize.py").write_text(SITE)
    return own


def put_packages(site_packages: Path, work: Path) -> None:
    """What requirements.lock pins, and this checkout's wheel."""
    lock = ROOT / "requirements.lock"
    options = ("--quiet", "--no-deps", "--target", site_packages)
    if shutil.which("uv"):
        run("uv", "pip", "install", "--python", sys.executable, *options, "--require-hashes", "--requirement", lock)
    else:
        run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-compile",
            *options,
            "--require-hashes",
            "-r",
            lock,
        )
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", work)
    (wheel,) = work.glob("sv-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site_packages)  # noqa: S202 - built a moment ago
    remove(site_packages, PACKAGES_LEFT_OUT)


def programs_in(home: Path) -> Iterator[Path]:
    """Files in ELF: programs and libraries."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def put_libraries(home: Path) -> None:
    """At home/lib, what the programs in `home` need that is neither in there nor glibc's."""
    own = {path.name for path in programs_in(home)}
    for path in list(programs_in(home)):
        # A library that can't be told what it needs (it is "statically linked") makes ldd fail, and needs nothing.
        listed = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout  # noqa: S607
        for name, found in re.findall(r"^\s*(\S+) => (not found|/\S+)", listed, re.MULTILINE):
            if name in own or GLIBC.fullmatch(name):
                continue
            if found == "not found":
                sys.exit(f"executable: {path.relative_to(home)} needs {name}, which is not on this machine")
            own.add(name)
            shutil.copy(Path(found).resolve(), home / "lib" / name)


def strip(home: Path) -> None:
    """Take from the interpreter what only a debugger reads, where `strip` is there. Packages come stripped as their makers want them."""
    if program := shutil.which("strip"):
        for path in programs_in(home):
            if "site-packages" not in path.parts:
                run(program, "--strip-unneeded", path)


def glibc_needed(home: Path) -> str:
    """The newest version of glibc that a program in `home` names, as `2.36`."""
    named = {
        version
        for path in programs_in(home)
        for version in re.findall(rb"\0GLIBC_(\d+\.\d+)\0", path.read_bytes().replace(b"\0", b"\0\0"))
    }
    return max((version.decode() for version in named), key=lambda version: tuple(map(int, version.split("."))))


def packed(home: Path) -> bytes:
    """`home` as a compressed archive: the same for the same files, whoever packs them and when. The folder itself is not in it."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with tempfile.TemporaryFile() as file:
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as compressed, tarfile.open(fileobj=compressed, mode="w|") as archive:
            for path in sorted(home.rglob("*")):
                archive.add(path, path.relative_to(home), recursive=False, filter=plain)
        file.seek(0)
        return file.read()


def headed(payload: bytes, version: str, glibc: str, unpacked_bytes: int) -> bytes:
    """The file: the header, whose length it knows itself, and the payload."""
    text = (HERE / "header.sh").read_text()
    values = {
        "NAME": f"{version}-{hashlib.sha256(payload).hexdigest()[:16]}",
        "VERSION": version,
        "GLIBC": glibc,
        "PAYLOAD_BYTES": str(len(payload)),
        "UNPACKED_MB": str(-(-unpacked_bytes // 1_000_000)),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    length = len(text.encode()) + len("exit 1\n") + 16  # room for its own number
    text = text.replace("@HEADER_BYTES@", str(length)) + "exit 1\n"
    return text.encode().ljust(length, b"\n") + payload


def build(target: Path) -> None:
    if not (
        sys.platform == "linux"
        and sysconfig.get_platform() == "linux-x86_64"
        and sysconfig.get_config_var("SOABI").endswith("-gnu")
    ):
        sys.exit(f"executable: builds on Linux on x86-64 with glibc, and this is {sysconfig.get_platform()}")
    if not ((ROOT / "sv/web/ui/index.html").is_file() and (ROOT / "sv/sdk/browser/sv.js").is_file()):
        sys.exit("executable: the web app isn't built, and the file would be without it; ./task ui builds it, with Node.js")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory(prefix="sv-executable-") as folder:
        work, home = Path(folder), Path(folder) / "home"
        own = put_interpreter(home)
        put_packages(own / "site-packages", work)
        put_libraries(home)
        strip(home)
        # Checked against nothing at start: nobody edits these files. The paths in them are what a traceback shows.
        run(
            sys.executable, "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", "-s", home, "-p", "/sv", own
        )
        shutil.copy(HERE / "finish.py", home)
        unpacked = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        glibc = glibc_needed(home)
        made = headed(packed(home), version, glibc, unpacked)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    beside.write_bytes(made)
    beside.chmod(0o755)
    beside.rename(target)
    print(
        f"{target}: {len(made) / 1e6:.0f} MB, {unpacked / 1e6:.0f} MB unpacked, for Linux on x86-64 with glibc {glibc} or newer"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python executable/build.py FILE")
    build(Path(sys.argv[1]).resolve())
