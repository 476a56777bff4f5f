"""Lets the crash tests of the log use the rig of its unit tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "wal"))
