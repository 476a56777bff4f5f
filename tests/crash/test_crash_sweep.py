"""A handful of the sweep's faults, chosen anew in each run: `syscall_sweep.py` goes through all of them.

SV_CRASH_SEED repeats a run's choices.
"""

import os
import random
import shutil
from pathlib import Path

import pytest
from folder_rig import now_ms
from life_rig import EXPECTED, Life
from sweep_rig import KINDS, Fault, find_calls, lived, make_template, paths_of, problems

SEED = int(os.environ.get("SV_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
FAULTS = {"live": 6, "begin": 3}
TOUCHED = {"log", "catalog's log", "event files", "answers"}


@pytest.mark.parametrize(
    ("scenario", "groups"), [("live", TOUCHED | {"recordings", "marks"}), ("begin", TOUCHED | {"catalog", "folder"})]
)
def test_a_life_in_which_one_system_call_fails_ends_with_the_answers_of_one_without(
    tmp_path: Path, scenario: str, groups: set[str]
) -> None:
    print(f"SV_CRASH_SEED={SEED}")
    chance, base_ms = random.Random(SEED), now_ms()
    template = make_template(tmp_path / "template", base_ms) if scenario == "live" else None
    plain = lived(tmp_path / "plain", base_ms, template=template)
    assert (plain.exit_code, plain.said) == (0, "")
    calls, paths = find_calls(plain, tmp_path / "plain"), paths_of(plain, tmp_path / "plain", base_ms)
    assert {group for _, group in calls} >= groups
    assert problems(tmp_path / "plain", base_ms, plain, None) == []
    life = Life(tmp_path / "plain", base_ms, lambda name: None)
    expected = life.answers()
    life.close()
    assert expected["events"] == sorted(EXPECTED.items())

    met = 0
    for nth, (call, group) in enumerate(chance.sample(sorted(calls), FAULTS[scenario])):
        fault = Fault(call, group, paths[group], chance.choice(KINDS), chance.randint(1, calls[call, group]))
        folder = tmp_path / str(nth)
        broken = lived(folder, base_ms, fault, template)
        met += broken.is_hit
        assert broken.is_hit or broken.exit_code == 0, (fault, broken.said)
        assert problems(folder, base_ms, broken, expected) == [], fault
        shutil.rmtree(folder, ignore_errors=True)
    assert met > 0, "no life met its fault"


def test_a_segment_that_is_written_after_its_sync_failed_is_noticed_by_the_sweep(tmp_path: Path) -> None:
    """What holds INVARIANT WAL-1 to account has to be able to fail."""
    from sweep_rig import hasty_writes

    failed = "19 fdatasync(3</data/log/00000001.wal>) = -1 EIO (Input/output error) (INJECTED)"
    written = "19 pwritev2(3</data/log/00000001.wal>, [...], 3, 8192, 0) = 258"
    other = written.replace("00000001", "00000002")
    assert list(hasty_writes([written, failed, other])) == []
    assert list(hasty_writes([failed, '19 unlink("/data/log/00000001.wal") = 0', written])) == []
    assert list(hasty_writes([failed, written])) == [f"written after a failure: {written}"]
