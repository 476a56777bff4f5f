"""Appends until it is killed, and says on its standard output what was acknowledged: number and payload, a line each."""

import os
import sys
import threading
from pathlib import Path

from sv.wal import Commit, Log

folder, life, covered = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
last = [covered]


def deliver(commits: list[Commit]) -> None:
    lines = b"".join(b"%d %s\n" % (commit.seq or 0, commit.payload) for commit in commits)
    os.write(1, lines)
    last[0] = commits[-1].seq or 0


log = Log.open(folder, deliver=deliver, segment_bytes=64 * 1024, next_seq_floor=covered + 1)


def work(thread: int) -> None:
    n = 0
    while True:
        if log.queued_bytes < 100_000:
            log.append(b"%d.%d.%d." % (life, thread, n) + b"x" * (n * 7 % 900))
            n += 1


for thread in range(2):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
while True:
    # As the real caller does: what is let go of was said to be safe elsewhere before.
    safe = last[0] - 300
    if safe > covered:
        os.write(1, b"covered %d\n" % safe)
        log.truncate_below(safe)
        covered = safe
    threading.Event().wait(0.005)
