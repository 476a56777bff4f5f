"""Kill a server again and again under clients of every kind, and count what is lost and what is there twice.

    .venv/bin/python tests/crash/kill_storm.py --kills 500
    .venv/bin/python tests/crash/kill_storm.py --kills 50 --seed 7

Four writers send events, files are imported, persons erased, projects deleted, and everything is counted meanwhile; `kill -9` comes at
random moments, of flushes and merges as well as of starts and of imports into a folder at rest. After each start the books of what was taken
in have to balance. Exit code 1 where anything is wrong.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from crash_rig import QUIET, Server
from storm_rig import BUSY, Storm, report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument(
        "--pause", type=float, default=0.1, help="seconds between two requests of a writer: all events are counted in the end"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sv-storm-") as work:
        server = Server(Path(work) / "data", {**QUIET, **BUSY})
        try:
            storm = Storm(server.start(), random.Random(args.seed), pause_s=args.pause)
            storm.run(args.kills)
            print(f"{storm.told()}; {time.monotonic() - began:.0f} s", flush=True)
            wrong = storm.check()
        finally:
            server.close()
    return report(wrong)


if __name__ == "__main__":
    sys.exit(main())
