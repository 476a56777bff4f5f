"""What an overview is put together from: how a range is divided, which rows a table shows, and answers looked at while others are made."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from sv.engine.duck.overviews.overview_reading import beside
from sv.engine.duck.overviews.overview_shares import (
    MOST_SPLITS,
    Rest,
    cuts,
    of_cut_sessions,
    of_derived,
    of_several,
    pieces,
    rows_within,
)
from sv.engine.duck.overviews.overview_tables import Rows, first_rows
from sv.model.limits import DAY_MS, HOUR_MS
from sv.model.part import Part
from tests import chance

SEED = chance.seed("OVERVIEW_SEED")
MOST = 100


def part(number: int, rows: int, from_ms: int, to_ms: int) -> Part:
    return Part(
        part_id=number,
        project_id="p",
        path=f"events/project=p/day=mixed/{number}.parquet",
        day=None,
        rows=rows,
        bytes=rows,
        min_ts_ms=from_ms,
        max_ts_ms=to_ms,
        min_received_ms=from_ms,
        max_received_ms=to_ms,
    )


def days(*rows: int) -> list[Part]:
    return [part(day, count, day * DAY_MS + HOUR_MS, (day + 1) * DAY_MS - 1) for day, count in enumerate(rows)]


def borders(parts: list[Part], from_ms: int = HOUR_MS, to_ms: int = 10 * DAY_MS) -> list[int]:
    """In days. The pieces have to follow one another from the first moment to the last."""
    made = cuts(reversed(parts), from_ms, to_ms, MOST)
    assert made[0][0] == from_ms
    assert made[-1][1] == to_ms
    assert all(before[1] == after[0] and before[0] < before[1] for before, after in pairwise(made))
    return [low // DAY_MS for low, _ in made[1:]]


def test_a_piece_ends_at_the_midnight_after_it_has_enough_rows() -> None:
    assert borders(days(60, 60, 10, 10, 90, 5)) == [2, 5]
    assert borders(days(1_000, 1, 1_000, 1)) == [1, 3]
    assert borders(days(10, 10)) == []
    assert borders([]) == []


def test_several_files_of_a_day_are_in_one_piece() -> None:
    several = [part(n, 40, 3 * DAY_MS + n, 3 * DAY_MS + HOUR_MS) for n in range(5)]
    assert borders(several) == []
    assert borders([*several, part(9, 1, 4 * DAY_MS, 4 * DAY_MS)]) == [4]


def test_no_border_lies_at_or_beyond_an_end() -> None:
    parts = [part(1, 100, DAY_MS - 1, DAY_MS - 1), part(2, 100, DAY_MS, DAY_MS)]
    assert borders(parts, DAY_MS - HOUR_MS, DAY_MS) == []
    assert borders(parts, DAY_MS, 2 * DAY_MS) == []
    assert borders(parts, DAY_MS - HOUR_MS, 2 * DAY_MS) == [1]


def test_files_over_many_days_make_pieces_larger_and_a_few_rows_of_many_days_do_not() -> None:
    assert borders([*days(100, 100, 100, 100), part(9, 20, 0, 9 * DAY_MS)]) == [1, 2, 3]
    assert borders([*days(100, 100, 100, 100), part(9, 2_000, 0, 9 * DAY_MS)]) == []
    reaching = [part(day, 100, day * DAY_MS, (day + 2) * DAY_MS) for day in range(8)]
    assert 0 < len(borders(reaching)) < 7


def test_a_cut_of_far_too_many_rows_is_split_by_the_hash_of_the_session() -> None:
    made = list(pieces(days(50, 250, 90), [(0, DAY_MS), (DAY_MS, 2 * DAY_MS), (2 * DAY_MS, 3 * DAY_MS)], MOST))
    assert [(share.from_ms // DAY_MS, share.ids) for share in made] == [
        (0, None), (1, Rest(3, 0)), (1, Rest(3, 1)), (1, Rest(3, 2)), (2, None)
    ]  # fmt: skip
    assert all(share.is_cut and not share.has_derived for share in made)
    assert [share.is_cut for share in pieces(days(250), [(0, DAY_MS)], MOST)] == [False] * 3
    assert len(list(pieces(days(10**9), [(0, DAY_MS)], MOST))) == MOST_SPLITS


def test_pieces_are_smaller_where_memory_is() -> None:
    assert rows_within(4 << 30) == rows_within(1 << 30) == 1_000_000
    assert rows_within(64 << 20) == 131_072


def test_sessions_of_several_pieces_are_found_by_their_hashes_and_asked_for_a_few_at_a_time() -> None:
    found = of_several(np.array([5, 2**64 - 1, 7, 5, 9, 7, 5, 2**64 - 1], np.uint64))
    assert found.tolist() == [5, 7, 2**64 - 1]
    many = np.arange(450_000, dtype=np.uint64)
    shares = list(of_cut_sessions(many, 1, 2))
    assert [share.hashes.size for share in shares if share.hashes is not None] == [200_000, 200_000, 50_000]
    assert not any(share.has_derived or share.is_cut for share in shares)


def test_events_without_a_session_are_divided_by_person() -> None:
    assert [share.persons for share in of_derived(MOST, 1, 2, MOST)] == [None]
    assert [share.persons for share in of_derived(2 * MOST + 1, 1, 2, MOST)] == [Rest(3, 0), Rest(3, 1), Rest(3, 2)]
    assert list(of_derived(0, 1, 2, MOST)) == []


@pytest.mark.parametrize("rows", [1, 5, 100])
def test_a_table_shows_the_first_rows_of_a_sort(rows: int) -> None:
    random = np.random.default_rng(SEED)
    texts = [f"/{number}é" if number % 3 else f"/{number}\U0001f600" for number in random.permutation(60)]
    visitors = random.integers(0, 4, 61)
    others = random.integers(1, 3, 61)
    listed: list[tuple[int, int, bool, str, int]] = [
        (-int(visitors[at]), -int(others[at]), at == 60, texts[at] if at < 60 else "", at) for at in range(61) if visitors[at]
    ]
    found = first_rows(visitors, others, pa.array(texts), rows)
    assert found == [at for *_, at in sorted(listed)][:rows], f"OVERVIEW_SEED={SEED}"


def test_rows_keep_what_they_were_given_in_fewer_bytes() -> None:
    rows = Rows()
    given = [
        pa.table({"n": pa.array([], pa.int64()), "is": pa.array([], pa.bool_()), "t": pa.array([], pa.string())}),
        pa.table({"n": [3, 5_000_000_000], "is": [True, False], "t": ["b", None]}),
        pa.table({"n": [7, 0, 9], "is": [False, True, True], "t": ["a", "b", "c"]}),
    ]
    kept = sum(rows.add(each) for each in given)
    assert kept < sum(each.nbytes for each in given)
    assert rows.numbers("n").tolist() == [3, 5_000_000_000, 7, 0, 9]
    assert rows.numbers("is").tolist() == [True, False, False, True, True]
    codes, values = rows.coded("t")
    assert [values[code].as_py() if code < len(values) else None for code in codes.tolist()] == ["b", None, "a", "b", "c"]


def test_rows_of_dropped_sessions_are_gone() -> None:
    rows = Rows()
    for first in (1, 4):
        hashes = pa.array([first, first + 1, first + 2], pa.uint64())
        rows.add(pa.table({"session_hash": hashes, "n": [first, first + 1, first + 2], "t": ["x", "y", None]}))
    rows.drop(np.array([0, 2, 4, 9], np.uint64))
    assert rows.numbers("n").tolist() == [1, 3, 5, 6]
    assert rows.coded("t")[1].to_pylist()[rows.coded("t")[0][0]] == "x"
    rows.add(pa.table({"n": [7], "t": ["z"]}))
    assert rows.numbers("n").tolist() == [1, 3, 5, 6, 7]


def test_work_goes_on_beside_whoever_looks_at_it_and_ends_with_it() -> None:
    running: set[int] = set()
    most: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            running.add(number)
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.discard(number)
        if number == 7:
            raise ValueError("seven")
        return number * number

    with ThreadPoolExecutor(4) as workers:
        assert dict(beside(workers, range(5), work)) == {n: n * n for n in range(5)}
        seen: list[int] = []

        def look() -> None:
            seen.extend(item for item, _ in beside(workers, range(100), work))

        with pytest.raises(ValueError, match="seven"):
            look()
        assert seen == list(range(7))
        assert not running
    assert max(most) <= 2
