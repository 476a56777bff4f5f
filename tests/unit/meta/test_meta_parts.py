"""The catalog at rest: it changes as a whole, and together with the log position."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from meta_rig import names, part

from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.model.errors import Conflict
from sv.model.part import NewPart, Part


@pytest.fixture
def parts(meta: Meta) -> Parts:
    return Parts(meta)


def test_a_part_comes_back_as_it_went_in(parts: Parts) -> None:
    new = [part("a"), part("b", day=None, project="other")]
    recorded = parts.commit_flush(new, 7)
    assert recorded == [Part.recorded(new[0], 1), Part.recorded(new[1], 2)]
    assert parts.live_parts() == recorded
    assert parts.live_parts("other") == recorded[1:]
    assert parts.live_parts("nobody") == []


def test_the_log_position_starts_at_0_and_only_moves_on(parts: Parts) -> None:
    assert parts.covered_seq() == 0
    parts.commit_flush([part("a")], 7)
    parts.commit_flush([], 7)
    with pytest.raises(ValueError, match="6"):
        parts.commit_flush([part("b")], 6)
    assert (names(parts), parts.covered_seq()) == (["a"], 7)
    parts.commit_flush([], 2**62)
    assert parts.covered_seq() == 2**62


def test_a_path_enters_once_and_otherwise_nothing_does(parts: Parts) -> None:
    parts.commit_flush([part("a")], 1)
    with pytest.raises(Conflict, match=r"a\.parquet"):
        parts.commit_flush([part("b"), part("a")], 2)
    assert (names(parts), parts.covered_seq()) == (["a"], 1)


def test_a_merge_puts_new_parts_in_the_place_of_old_ones(parts: Parts) -> None:
    old = parts.commit_flush([part("a"), part("b"), part("c")], 1)
    (merged,) = parts.replace_parts([old[0].part_id, old[1].part_id], [part("ab")])
    assert names(parts) == ["c", "ab"]
    assert parts.dropped_parts() == old[:2]
    assert merged.part_id > old[-1].part_id


def test_a_merge_of_what_is_not_live_any_more_changes_nothing(parts: Parts) -> None:
    a, b = (each.part_id for each in parts.commit_flush([part("a"), part("b")], 1))
    parts.replace_parts([a], [part("a2")])
    for old_ids in ([b, a], [b, b], [99]):
        with pytest.raises(Conflict):
            parts.replace_parts(old_ids, [part("new")])
    assert names(parts) == ["b", "a2"]


def test_of_two_merges_of_one_part_exactly_one_wins(parts: Parts) -> None:
    (old,) = parts.commit_flush([part("a")], 1)

    def merge(n: int) -> bool:
        try:
            parts.replace_parts([old.part_id], [part(f"m{n}")])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(merge, range(8))) == 1
    assert len(names(parts)) == 1


def test_only_dropped_parts_can_be_forgotten(parts: Parts) -> None:
    a, b = (each.part_id for each in parts.commit_flush([part("a"), part("b")], 1))
    parts.replace_parts([a], [])
    parts.forget_dropped([a, b, 99])
    assert (names(parts), parts.dropped_parts()) == (["b"], [])


def test_a_part_number_is_never_given_out_again(parts: Parts) -> None:
    (last,) = parts.commit_flush([part("a")], 1)
    parts.replace_parts([last.part_id], [])
    parts.forget_dropped([last.part_id])
    (new,) = parts.commit_flush([part("a")], 2)
    assert new.part_id > last.part_id


def test_a_chunk_of_an_import_is_taken_once(parts: Parts) -> None:
    assert parts.add_import_chunk("i", 0, [part("a")])
    assert parts.add_import_chunk("i", 0, [part("b")]) is None
    assert parts.add_import_chunk("i", 5, []) == []
    assert parts.add_import_chunk("j", 0, [part("c")])
    assert parts.import_chunks("i") == {0, 5}
    assert parts.import_chunks("unknown") == set()
    assert [parts.has_import_chunk(*each) for each in (("i", 0), ("i", 5), ("i", 1), ("k", 0))] == [True, True, False, False]
    assert (names(parts), parts.covered_seq()) == (["a", "c"], 0)


def test_a_chunk_whose_parts_do_not_enter_is_not_taken(parts: Parts) -> None:
    parts.commit_flush([part("a")], 1)
    with pytest.raises(Conflict):
        parts.add_import_chunk("i", 0, [part("a")])
    with pytest.raises(ValueError, match="one project"):
        parts.add_import_chunk("i", 0, [part("b"), part("c", project="other")])
    assert parts.import_chunks("i") == set()


def test_random_flushes_and_merges_agree_with_a_plain_list(parts: Parts) -> None:
    chance, live, dropped, seq = random.Random(7), dict[int, str](), set[int](), 0
    for step in range(150):
        match chance.choice(["flush", "merge", "forget"]):
            case "flush":
                seq += chance.randint(0, 3)
                new = [part(f"f{step}-{n}") for n in range(chance.randint(0, 3))]
                live |= {each.part_id: Path(each.path).stem for each in parts.commit_flush(new, seq)}
            case "merge":
                old = chance.sample(sorted(live), chance.randint(0, min(4, len(live))))
                (merged,) = parts.replace_parts(old, [part(f"m{step}")])
                dropped |= set(old)
                live = {key: name for key, name in live.items() if key not in old} | {merged.part_id: f"m{step}"}
            case _:
                parts.forget_dropped(dropped)
                dropped.clear()
        assert {each.part_id: Path(each.path).stem for each in parts.live_parts()} == live
        assert {each.part_id for each in parts.dropped_parts()} == dropped
        assert parts.covered_seq() == seq


@pytest.mark.parametrize("path", ["", ".", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a\0b"])
def test_a_path_that_could_leave_the_data_folder_is_no_part(path: str) -> None:
    new = part("a")
    with pytest.raises(ValueError, match="plain relative path"):
        NewPart(**{name: getattr(new, name) for name in NewPart.__struct_fields__} | {"path": path})


def test_a_file_is_unfinished_until_it_takes_the_place_of_what_it_is_made_of(parts: Parts) -> None:
    a, b = (each.part_id for each in parts.commit_flush([part("a"), part("b")], 1))
    new = part("ab")
    parts.note_unfinished(new.path, [a, b])
    parts.note_unfinished("another", [a])
    parts.note_unfinished("another", [b])
    assert parts.unfinished() == {new.path: {a, b}, "another": {b}}
    with pytest.raises(Conflict):
        parts.replace_parts([a, 99], [new])
    assert new.path in parts.unfinished()
    parts.replace_parts([a, b], [new])
    assert parts.unfinished() == {"another": {b}}
    parts.forget_unfinished(["another", "unknown"])
    assert parts.unfinished() == {}
