"""A process killed at any moment: the catalog and the log position agree, and nothing that was answered is lost."""

import random
import subprocess
import sys
import time
from pathlib import Path

from meta_rig import names

from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.meta.persons import Persons

ROUNDS = 8
FLUSH = """
import sys
from pathlib import Path
from meta_rig import part
from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.meta.persons import Persons

meta = Meta.open(Path(sys.argv[1]))
parts, persons = Parts(meta), Persons(meta)
seq = parts.covered_seq()
print(seq, flush=True)
while True:
    seq += 1
    number = persons.number_persons("dev", f'["person {seq}"]').strip("[]")
    parts.commit_flush([part(f"{seq}-a-{number}"), part(f"{seq}-b-{number}")], seq)
    print(seq, flush=True)
"""


def test_after_each_kill_every_answered_flush_is_there_whole(path: Path) -> None:
    chance = random.Random(3)
    answered = 0
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", FLUSH, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent,
            env={"PYTHONPATH": ":".join([str(Path(__file__).parent), *sys.path])},
        )
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= answered
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        answered = max([answered, *map(int, process.communicate()[0].split())])
        with Meta.open(path) as meta:
            seq = Parts(meta).covered_seq()
            flushes = [name.split("-") for name in names(Parts(meta))]
            assert seq >= answered
            assert [(int(n), half) for n, half, _ in flushes] == [(n, half) for n in range(1, seq + 1) for half in "ab"]
            for n, _, number in flushes:
                assert Persons(meta).number_persons("dev", f'["person {n}"]') == f"[{number}]"
            assert meta.check() == []
    assert answered > 0
