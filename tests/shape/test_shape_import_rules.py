"""The rooms and who may import whom, as `[tool.importlinter]` in pyproject.toml states it."""

import subprocess
import sys
from pathlib import Path

from tests.shape.repository import ROOT


def test_rooms_import_only_what_the_import_rules_allow() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout
