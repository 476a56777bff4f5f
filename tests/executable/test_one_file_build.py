"""What goes into the one file: the same bytes for the same files, nothing that only building needs, glibc's own libraries left out."""

import io
import os
import sys
import tarfile
from pathlib import Path

import ua_parser_rs.ua_parser_rs

from executable import build
from tests.shape.repository import texts


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    for name, moment in (("one", 1), ("two", 1_000_000_000)):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python3").write_text("x")
        (tmp_path / name / "bin" / "python3").chmod(0o700)
        os.utime(tmp_path / name / "bin" / "python3", (moment, moment))
    assert build.packed(tmp_path / "one") == build.packed(tmp_path / "two")
    with tarfile.open(fileobj=io.BytesIO(build.packed(tmp_path / "one"))) as archive:
        assert [(member.name, member.mode, member.uid, member.mtime) for member in archive] == [
            ("bin", 0o755, 0, 0),
            ("bin/python3", 0o755, 0, 0),
        ]


def test_the_header_knows_its_own_length() -> None:
    made = build.headed(b"PAYLOAD", "10.20.30", "2.36", 1)
    (line,) = [line for line in made.split(b"\n") if line.startswith(b"header_bytes=")]
    assert made[int(line.partition(b"=")[2]) :] == b"PAYLOAD"
    assert b"@" not in made.partition(b"set -feu")[2].partition(b"say()")[0]


def test_the_newest_glibc_that_a_program_names_is_found(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"\x7fELF\0GLIBC_2.9\0GLIBC_2.17\0GLIBC_PRIVATE\0")
    (tmp_path / "two").write_bytes(b"no program\0GLIBC_2.99\0")
    assert build.glibc_needed(tmp_path) == "2.17"


def test_libraries_beside_glibc_are_put_in_and_glibcs_are_not(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "bin" / "rust.so").write_bytes(Path(ua_parser_rs.ua_parser_rs.__file__).read_bytes())
    build.put_libraries(tmp_path)
    assert [path.name for path in (tmp_path / "lib").iterdir()] == ["libgcc_s.so.1"]


def test_the_interpreter_comes_with_its_standard_library_and_without_tests_and_screens(tmp_path: Path) -> None:
    own = build.put_interpreter(tmp_path / "home")
    assert own == tmp_path / "home" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert {"os.py", "asyncio", "json", "encodings"} <= {path.name for path in own.iterdir()}
    assert (own / "sitecustomize.py").read_text() == build.SITE
    assert not (own / "sitecustomize.py").is_symlink()
    assert not [path for path in own.rglob("*") if path.name in {"test", "tkinter", "site-packages", "__pycache__", "idlelib"}]


def test_packages_are_slimmed_as_in_the_image() -> None:
    dockerfile = texts()["Dockerfile"]
    slimmed = [pattern for pattern in build.PACKAGES_LEFT_OUT if pattern.startswith("pyarrow/")]
    assert len(slimmed) > 10
    assert not [pattern for pattern in slimmed if f" {pattern} " not in dockerfile.replace("\n", " ")]
