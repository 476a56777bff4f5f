"""Cut the power of a real file system under a server's load again and again, and count what is lost and what is there twice.

    .venv/bin/python tests/crash/power_cut.py --cuts 50
    .venv/bin/python tests/crash/power_cut.py --cuts 5 --lie log      the log isn't synced: losses have to be found
    .venv/bin/python tests/crash/power_cut.py --cuts 20 --lie names   names of files aren't synced: the same

An ext4 in a file (needs root) ends at random moments with what had been written to it by then, is mounted again, and the server started on
it, as after a power cut. Meanwhile writers send events, files are imported, persons erased, and there are flushes and merges. All that was
acknowledged before any of the cuts is counted. Exit code 1 where anything is wrong, 2 where no file system can be mounted.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from crash_rig import QUIET
from power_rig import WITHOUT_FOLDER_SYNC, WITHOUT_LOG_SYNC, CutServer, Unmountable, powered_disk
from storm_rig import BUSY, Storm, report

LIES = {"": "", "log": WITHOUT_LOG_SYNC, "names": WITHOUT_FOLDER_SYNC}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two requests of a writer")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    parser.add_argument("--lie", choices=list(LIES), default="", help="a sync that the server leaves out")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="sv-power-") as work, powered_disk(Path(work)) as disk:
            server = CutServer(disk, {**QUIET, **BUSY}, output=Path(work), lie=LIES[args.lie])
            try:
                storm = Storm(server.start(), random.Random(args.seed), pause_s=args.pause)
                storm.run(args.cuts)
                print(f"power cuts: {storm.told()}; {time.monotonic() - began:.0f} s", flush=True)
                wrong = storm.check()
            finally:
                server.close()
    except Unmountable as reason:
        print(f"no file system can be mounted here (it takes root and loop devices): {reason}")
        return 2
    return report(wrong)


if __name__ == "__main__":
    sys.exit(main())
