"""`kill -9` at random moments, under writers that retry as our clients do, files being imported, persons being erased and projects being
deleted: nothing acknowledged is lost, nothing is there twice, what lists are read from (rollups) says the same as the events, and the books
balance.

SV_CRASH_KILLS sets how many kills (15), SV_CRASH_SEED repeats a run's choices; moments depend on the machine too. `kill_storm.py` does
hundreds.
"""

import os
import random

import pytest
from conftest import Serve
from storm_rig import BUSY, Storm

KILLS = int(os.environ.get("SV_CRASH_KILLS", "15"))
PAUSE_S = 0.03
"""Between a client's bodies: sent as fast as they are answered, they take both cores from the tests beside this one, and what has to be counted
afterwards grows with how long that makes it last."""
ROWS_A_FILE = 800
"""Of an import: all of them are counted three times in the end."""
SEED = int(os.environ.get("SV_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


@pytest.mark.slow
def test_kills_under_clients_of_every_kind_lose_nothing_acknowledged_and_double_nothing(serve: Serve) -> None:
    print(f"SV_CRASH_SEED={SEED} SV_CRASH_KILLS={KILLS}")
    storm = Storm(serve(**BUSY).start(), random.Random(SEED), pause_s=PAUSE_S, rows_a_file=ROWS_A_FILE)
    storm.run(KILLS)
    print(storm.told())
    assert storm.check() == {}
    assert len(storm.acknowledged) > 10 * KILLS
    assert sum(writer.retries for writer in storm.writers) > KILLS, "the kills met nobody"
    assert storm.importer.files > 0
    assert storm.eraser.erased
    assert storm.deleter.deleted
