"""Merged keys stand for the parts and times that they were made of, and for no others."""

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from sv.engine.duck.funnels import merged_keys, step_keys
from sv.engine.duck.funnels.merged_keys import MergedKeys, plan_merge
from sv.engine.duck.keys.key_files import KEY_BITS, Keys
from sv.engine.port import Matcher, Scope, Uncut
from sv.model.filters import Filter, Operator
from sv.model.part import Part

STEP = Matcher("view")
DAY = 1000


def part(number: int, first: int, last: int) -> Part:
    return Part(
        part_id=number, project_id="p", path=f"events/{number}", day=None, rows=1, bytes=1, min_ts_ms=first, max_ts_ms=last,
        min_received_ms=0, max_received_ms=0,
    )  # fmt: skip


def key(person: int, ms: int) -> int:
    return (person << KEY_BITS) | ms


def run(*entries: tuple[int, int]) -> Keys:
    return np.array([key(*entry) for entry in entries], np.uint64)


def merged_of(runs: Sequence[Keys]) -> Keys:
    """The shares are merged from the last to the first: their order is nobody's business."""
    keys, shares = plan_merge(runs)
    for share in reversed(shares):
        share.merge()
    return keys


A, B = part(1, 0, 999), part(2, 1000, 1999)
ALL = Scope(0, 2000)


@pytest.fixture
def merged() -> MergedKeys:
    """Two persons' matches in two parts of a day each."""
    kept = MergedKeys(1 << 20)
    kept.keep([A, B], ALL, STEP, 0, merged_of([run((1, 10), (2, 20)), run((1, 1500), (2, 1000))]))
    return kept


def picked(run: Keys | Uncut, size: int) -> list[int]:
    """All that is wanted of a run, in slices of so many keys."""
    if not isinstance(run, Uncut):
        return [int(each) for each in run]
    return [int(each) for first in range(0, run.keys.size, size) for each in run.wanted(run.keys[first : first + size])]


def found(
    merged: MergedKeys, parts: list[Part], scope: Scope, origin_ms: int = 0, step: Matcher = STEP
) -> list[tuple[int, int]] | None:
    hit = merged.find(parts, scope, step, origin_ms)
    if hit is None:
        return None
    keys = [int(each) for piece in hit.pieces for each in piece.wanted()]
    for size in (1, 3, 1 << 20):
        assert picked(hit.run, size) == keys  # whoever cuts them slice by slice gets the same
    return [(each >> KEY_BITS, each & ((1 << KEY_BITS) - 1)) for each in keys]


def test_runs_come_out_as_one_in_order(merged: MergedKeys) -> None:
    assert found(merged, [A, B], ALL) == [(1, 10), (1, 1500), (2, 20), (2, 1000)]


def test_a_shorter_range_gets_its_own_and_from_another_origin(merged: MergedKeys) -> None:
    assert found(merged, [A, B], Scope(20, 1500), 20) == [(2, 0), (2, 980)]
    assert found(merged, [B], Scope(1000, 2000), 1000) == [(1, 500), (2, 0)]


def test_a_part_that_came_later_is_left_to_others(merged: MergedKeys) -> None:
    hit = merged.find([A, B, part(3, 500, 600)], ALL, STEP, 0)
    assert hit is not None
    assert hit.part_ids == {1, 2}


def test_a_part_that_is_no_more_spoils_the_ranges_in_which_it_had_events(merged: MergedKeys) -> None:
    replacement = part(3, 0, 999)
    assert found(merged, [replacement, B], ALL) is None
    assert found(merged, [replacement, B], Scope(999, 2000)) is None
    assert found(merged, [B], Scope(1000, 2000)) == [(1, 1500), (2, 1000)]


@pytest.mark.parametrize("scope", [Scope(0, 1999), Scope(1, 2000)])
def test_what_was_cut_by_a_range_does_not_answer_for_a_longer_one(scope: Scope) -> None:
    kept = MergedKeys(1 << 20)
    kept.keep([A, B], scope, STEP, 0, run((1, 10)))
    assert found(kept, [A, B], ALL) is None
    assert found(kept, [A, B], scope) == [(1, 10)]


def test_a_range_beyond_all_events_cuts_nothing(merged: MergedKeys) -> None:
    assert found(merged, [A, B], Scope(0, 9000)) == [(1, 10), (1, 1500), (2, 20), (2, 1000)]


def test_conditions_and_bots_have_entries_of_their_own(merged: MergedKeys) -> None:
    item = Filter("$country", Operator.EXACT, "DE")
    assert found(merged, [A, B], Scope(0, 2000, (item,))) is None
    assert found(merged, [A, B], Scope(0, 2000, include_bots=True)) is None
    assert found(merged, [A, B], ALL, step=Matcher("view", (item,))) is None


def test_whose_ids_were_is_part_of_what_is_kept() -> None:
    kept = MergedKeys(1 << 20)
    for as_of, person in ((None, 3), (("aliases_1", 1), 2), (("aliases_1", 2), 1)):
        kept.keep([A], ALL, STEP, 0, run((person, 10)), as_of)
    answers = {
        as_of: kept.find([A], ALL, STEP, 0, as_of) for as_of in (None, ("aliases_1", 1), ("aliases_1", 2), ("aliases_2", 2))
    }
    assert {as_of: hit and int(hit.entry.keys[0]) >> KEY_BITS for as_of, hit in answers.items()} == {
        None: 3, ("aliases_1", 1): None, ("aliases_1", 2): 1, ("aliases_2", 2): None,
    }  # fmt: skip
    before = kept.bytes
    kept.keep([A], ALL, STEP, 0, run((1, 10)), ("aliases_1", 3))  # in the place of another
    assert kept.bytes == before


def size_of(parts: Sequence[Part], step: Matcher, keys: Keys) -> int:
    """What an entry counts as."""
    kept = MergedKeys(1 << 30)
    kept.keep(parts, ALL, step, 0, keys)
    return kept.bytes


def test_projects_that_ask_for_the_same_step_have_an_entry_each() -> None:
    kept = MergedKeys(1 << 20)
    other = replace(part(9, 0, 999), project_id="q")
    kept.keep([A], ALL, STEP, 0, run((1, 10)))
    kept.keep([other], ALL, STEP, 0, run((2, 20)))
    assert found(kept, [A], ALL) == [(1, 10)]
    assert found(kept, [other], ALL) == [(2, 20)]
    assert found(kept, [], ALL) is None


def test_no_more_is_kept_than_may_be() -> None:
    two = run((1, 1), (2, 2))
    room = 2 * size_of([A], Matcher("0"), two)
    kept = MergedKeys(room)
    for nth in range(5):
        kept.keep([A], ALL, Matcher(f"{nth}"), 0, two)
        assert kept.bytes <= room
    assert [found(kept, [A], ALL, step=Matcher(f"{nth}")) is not None for nth in range(5)] == [False, False, False, True, True]
    kept.keep([A], ALL, STEP, 0, run(*((1, ms) for ms in range(room // 8 + 1))))
    assert found(kept, [A], ALL) is None
    assert kept.bytes == room


def test_an_entry_without_keys_counts_too_with_its_parts_and_what_was_asked() -> None:
    nothing = run()
    one = size_of([A], STEP, nothing)
    assert size_of([A, B], STEP, nothing) > one > 0
    long = Matcher("view", (Filter("user", Operator.EXACT, "x" * 5000),))
    assert size_of([A], long, nothing) > one + 5000
    kept = MergedKeys(3 * one)
    for nth in range(100):
        kept.keep([A], ALL, Matcher(f"{nth:04d}"), 0, nothing)
    assert sum(found(kept, [A], ALL, step=Matcher(f"{nth:04d}")) is not None for nth in range(100)) == 3


@pytest.mark.parametrize("seed", range(20))
def test_shares_of_any_runs_lie_one_after_the_other(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(merged_keys, "SHARE_KEYS", 7)
    monkeypatch.setattr(merged_keys, "SAMPLES_A_SHARE", 3)
    random = np.random.default_rng(seed)
    runs = [random.integers(0, (1, 30, 2**63)[seed % 3], random.integers(0, 40), np.uint64) for _ in range(seed % 5)]
    for each in runs[::2]:
        each.sort()
    assert merged_of(runs).tolist() == sorted(key for each in runs for key in each.tolist())


@pytest.mark.parametrize("scope", [ALL, Scope(300, 1700), Scope(0, 1), Scope(1999, 5000), Scope(2000, 5000)])
def test_pieces_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, scope: Scope) -> None:
    monkeypatch.setattr(merged_keys, "PIECE_KEYS", 5)
    monkeypatch.setattr(step_keys, "BLOCK_KEYS", 3)
    random = np.random.default_rng(3)
    entries = sorted(
        (int(person), int(ms)) for person, ms in zip(random.integers(0, 9, 98), random.integers(0, 2000, 98), strict=True)
    )
    kept = MergedKeys(1 << 20)
    kept.keep([A, B], ALL, STEP, 0, run(*entries))
    origin_ms = scope.from_ms
    wanted = [(person, ms - origin_ms) for person, ms in entries if scope.from_ms <= ms < scope.to_ms]
    assert found(kept, [A, B], scope, origin_ms) == wanted
