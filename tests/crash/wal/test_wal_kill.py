"""A process killed in the middle of its appends: what it said was stored is read back by the next one."""

import random
import subprocess
import sys
import threading
from pathlib import Path

from wal_rig import read_back

VICTIM = Path(__file__).parent / "wal_victim.py"
ROOT = Path(__file__).parents[3]


def test_a_kill_at_any_moment_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(11)
    covered = 0
    truth: dict[int, bytes] = {}
    for life in range(8):
        command = [sys.executable, str(VICTIM), str(tmp_path), str(life), str(covered)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as victim:
            assert victim.stdout is not None
            first = victim.stdout.readline()
            killer = threading.Timer(chance.uniform(0.0, 0.25), victim.kill)
            killer.start()
            lines = [first, *victim.stdout]
            killer.join()
        assert victim.returncode == -9
        for line in lines:
            if not line.endswith(b"\n"):
                continue  # the kill cut the telling short, not the storing
            word, value = line.rstrip(b"\n").split(b" ", 1)
            if word == b"covered":
                covered = int(value)
            else:
                assert int(word) not in truth
                truth[int(word)] = value
        back, damage = read_back(tmp_path, covered)
        seqs = [seq for seq, _ in back]
        assert seqs == list(range(covered + 1, covered + 1 + len(seqs)))
        assert len({payload for _, payload in back}) == len(back)
        stored = dict(back)
        missing = [seq for seq, payload in truth.items() if seq > covered and stored.get(seq) != payload]
        assert missing == [], f"life {life}"
        assert (damage.torn_tails, damage.damaged_ranges, damage.missing_records) == (0, 0, 0)
        truth = stored
    assert max(truth) > 50
