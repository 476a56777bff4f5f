"""What holds the README to the truth: the comparison of answers in `.ci/run`, and the way that `.ci/stranger.py` goes."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shape.repository import ROOT, texts

SHOWN: dict[str, Any] = {
    "steps": [{"count": 100, "event": "a"}, {"count": 50, "event": "b"}],
    "elapsed_ms": 3,
}


def compare(folder: Path, got: object, *options: str) -> subprocess.CompletedProcess[str]:
    files = folder / "shown.json", folder / "got.json"
    for file, document in zip(files, (SHOWN, got), strict=True):
        file.write_text(json.dumps(document))
    script = ROOT / ".ci" / "same_answer.py"
    return subprocess.run([sys.executable, script, *files, *options], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("counts", "options"),
    [
        ([100, 50], ["keys=steps[].count"]),
        ([103, 49], ["keys=steps[].count", "tolerance=0.05"]),
        ([95, 50.0], ["keys=steps[].count,steps[].event", "tolerance=0.05"]),
    ],
)
def test_an_answer_with_the_shown_counts_passes(tmp_path: Path, counts: list[float], options: list[str]) -> None:
    steps = [{"count": count, "event": event} for count, event in zip(counts, "ab", strict=True)]
    assert compare(tmp_path, {"steps": steps, "elapsed_ms": 99}, *options).returncode == 0


@pytest.mark.parametrize(
    ("got", "options", "said"),
    [
        (
            {"steps": [{"count": 100}, {"count": 51}]},
            ["keys=steps[].count"],
            "steps[1].count: shown 50, got 51",
        ),
        ({"steps": [{"count": 100}]}, ["keys=steps[].count"], "steps[1].count: shown 50, got nothing"),
        ({"steps": [{"count": 100}, {}]}, ["keys=steps[].count"], "steps[1].count: shown 50, got nothing"),
        ({"steps": [{"count": n} for n in (100, 50, 1)]}, ["keys=steps[].count"], "shown nothing, got 1"),
        ({"steps": [{"count": 100}, {"count": True}]}, ["keys=steps[].count", "tolerance=1"], "got true"),
        ({"steps": [{"count": 100}, {"count": 53}]}, ["keys=steps[].count", "tolerance=0.05"], "got 53"),
        ({"error": "no"}, ["keys=steps[].count"], "steps[0].count: shown 100, got nothing"),
        ({**SHOWN, "elapsed_ms": 4}, [], "shown"),
        (SHOWN, ["keys=steps[].total"], "the shown answer has nothing at steps[].total"),
        (SHOWN, ["keys=steps[].count", "tolerence=1"], "unknown option tolerence"),
    ],
)
def test_an_answer_that_differs_is_refused_with_the_place(tmp_path: Path, got: object, options: list[str], said: str) -> None:
    done = compare(tmp_path, got, *options)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_readme_counts_the_commands_that_a_stranger_types() -> None:
    stranger, page = runpy.run_path(str(ROOT / ".ci" / "stranger.py")), texts()["README.md"]
    typed = [stranger["CLONE_LINE"], *stranger["commands"](page)]
    shown = [stranger["row"](step, command, 0).rpartition("| ")[0] for step, command in zip(stranger["WAY"], typed, strict=True)]
    table = page.partition("| command | result | time |\n|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
    assert [line.rpartition("| ")[0] for line in table] == shown
    (told,) = re.findall(r"(\w+) commands lead from nothing", page)
    assert ["Three", "Four", "Five", "Six"].index(told) + 3 == len(typed)


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_each_figure_names_a_bench_that_there_is(page: str) -> None:
    table = texts()[page].partition("| what | figure | beside | measured by |\n|---|---|---|---|\n")[2].partition("\n\n")[0]
    benches = set(runpy.run_path(str(ROOT / "tests" / "bench" / "__main__.py"), run_name="benches")["BENCHES"])
    named = [re.fullmatch(r"\| .* \| `(\w+)` \|", row) for row in table.splitlines()]
    assert len(named) > 10
    assert all(found is not None and found[1] in benches for found in named)
    assert {path.stem for path in (ROOT / "tests" / "bench").glob("*_bench.py")} == benches
