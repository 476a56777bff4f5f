"""The last step of unpacking the one file: what was unpacked, and runs this, becomes visible under its name.

`finish.py FRESH HOME`: FRESH becomes HOME in one step, once it is on the disk. Where another process was faster, its HOME stays and FRESH
goes. Beside it, what starts that were cut off have left goes too, when it is old. Runs by the interpreter in FRESH, before anything else is
there: the standard library alone.
"""

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

ABANDONED_S = 3600.0
"""Nobody unpacks for an hour."""


def finish(fresh: Path, home: Path, now: float) -> None:
    """Raises OSError where HOME can't be made."""
    for other in home.parent.glob(".unpacking.*"):
        with contextlib.suppress(FileNotFoundError):  # it has become HOME meanwhile, or gone
            if other != fresh and other.stat().st_mtime < now - ABANDONED_S:
                shutil.rmtree(other, ignore_errors=True)
    os.sync()  # or a power cut could leave HOME with empty files in it, which nothing would ever look at again
    try:
        fresh.rename(home)
    except OSError:
        if not home.is_dir():
            raise
        shutil.rmtree(fresh, ignore_errors=True)


if __name__ == "__main__":
    finish(Path(sys.argv[1]), Path(sys.argv[2]), time.time())
