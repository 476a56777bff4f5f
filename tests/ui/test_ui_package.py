"""The package has the web app and the browser client in it, whole and small. `./task ui` builds it; without a build these tests fail."""

import gzip
import re
import subprocess
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = "sv/web/ui/"
FIRST_LOAD_MAX = 80 * 1024
SCRIPTS = {"sv.js": 6 * 1024, "recorder.js": 64 * 1024}
"""What pages of others load, in bytes, gzipped."""

Tell = Callable[[str, object], None]


@cache
def wheel() -> dict[str, bytes]:
    """What a wheel built from this checkout holds, by name."""
    subprocess.run([ROOT / "task", "ui"], check=True, timeout=300)
    code = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    folder = ROOT / ".venv" / "wheel"
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", code, folder], check=True, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    path = folder / made.stdout.split()[-1]
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    path.unlink()
    return held


def test_a_wheel_has_the_page_and_every_file_that_it_names_with_their_zipped_twins() -> None:
    page = wheel()[f"{UI}index.html"].decode()
    named = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page)
    assert len(named) >= 3
    for name in named:
        assert {f"{UI}{name}", f"{UI}{name}.gz"} <= wheel().keys()


def test_a_wheel_has_none_of_the_sources() -> None:
    assert not [name for name in wheel() if "node_modules" in name or name.endswith((".tsx", ".test.ts"))]


def test_the_first_load_is_at_most_80_kilobytes(record_property: Tell) -> None:
    page = wheel()[f"{UI}index.html"].decode()
    names = ["index.html", *re.findall(r'(?:src|href)="\./(assets/[^"]+\.(?:js|css))"', page)]
    sizes = {name: len(wheel()[f"{UI}{name}.gz"]) for name in names}
    size = sum(sizes.values())
    record_property("size", f"first load of any page, gzipped: {size:,} of {FIRST_LOAD_MAX:,} bytes")
    assert size <= FIRST_LOAD_MAX, sizes


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_wheel_has_the_browser_client_no_larger_than_promised(name: str, record_property: Tell) -> None:
    size = len(gzip.compress(wheel()[f"sv/sdk/browser/{name}"], 9))
    record_property("size", f"{name}, gzipped: {size:,} of {SCRIPTS[name]:,} bytes")
    assert size <= SCRIPTS[name]


def test_a_wheel_has_the_types_of_the_browser_client() -> None:
    assert wheel()["sv/sdk/browser/sv.d.ts"] == (ROOT / "ui/client/sv.d.ts").read_bytes()


def test_no_page_names_a_script_of_another_origin() -> None:
    for name, body in wheel().items():
        if name.startswith(UI) and name.endswith(".html"):
            assert not re.search(rb'(?:src|href)="(?:https?:)?//', body)


@pytest.mark.parametrize("node", [None, "exit 1"], ids=["no Node.js", "one that is too old"])
def test_without_a_fitting_node_the_build_is_passed_over_with_a_line(tmp_path: Path, node: str | None) -> None:
    """A server of such a checkout runs all the same, and its page says what is missing (tests/http/test_http_web_app.py)."""
    for folder in ("/bin", "/usr/bin"):
        for program in Path(folder).iterdir():
            if program.name not in ("node", "npm") and not (tmp_path / program.name).is_symlink():
                (tmp_path / program.name).symlink_to(program)
    for name in ("node", "npm") if node else ():
        (tmp_path / name).write_text(f"#!/bin/sh\n{node}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "task", "ui"], env={"PATH": str(tmp_path), "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "no Node.js 20.19 or newer with npm here" in done.stderr


def test_the_unit_tests_of_the_app_pass() -> None:
    subprocess.run([ROOT / "task", "ui"], check=True, timeout=300)
    done = subprocess.run(["npm", "test"], cwd=ROOT / "ui", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
