"""An environment with Session Vision as it is published: its wheel, built from this checkout, and what it needs from the checkout's own."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "tests" / "plugin_project"
LIMIT_S = 120.0
OTHER_PLUGINS = sorted(
    {plugin.name for plugin in entry_points(group="pytest11")} - {"session_vision", "xdist", "xdist.looponfail"}
)
"""Of the lent packages; they have no part in somebody else's project, and some are slow to load."""


class Environment:
    """A virtual environment in a folder. What the wheel needs is lent by the one that runs this; the wheel itself is not."""

    def __init__(self, folder: Path) -> None:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
        [self.wheel] = folder.glob("*.whl")
        venv.create(folder / "venv", symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        self.packages = folder / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        zipfile.ZipFile(self.wheel).extractall(self.packages)
        # The editable install of the checkout is a line in a file there that is read for its own environment alone.
        (self.packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd,
            env=self.variables(**variables),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    def variables(self, **more: str) -> dict[str, str]:
        """The environment without what belongs to the run of the tests that this is called in."""
        foreign = ("PYTEST", "COV_", "SV_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**kept, "PYTEST_ADDOPTS": " ".join(f"-p no:{name}" for name in OTHER_PLUGINS), **more}
