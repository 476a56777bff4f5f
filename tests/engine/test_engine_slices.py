"""Slices of time in merged files: each is a stretch of time of whole groups, and within it rows are as in any file."""

import random
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from sv.engine.duck import slices
from sv.engine.duck.keys.key_files import KEY_BITS, Reading
from sv.engine.duck.slices import slice_of
from sv.model.limits import DAY_MS
from tests.engine.rig import NOON, Event, Rig, event, in_pieces


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "GROUP_ROWS", 4)
    monkeypatch.setattr(slices, "SLICE_ROWS", 8)


def crowd(seed: int, count: int, *, span_ms: int = DAY_MS) -> list[Event]:
    rng = random.Random(seed)
    return [
        event(
            rng.choice(["buy", "look", "view"]), f"person-{rng.randrange(6)}", NOON + rng.randrange(span_ms), n=rng.randrange(5)
        )
        for _ in range(count)
    ]


def merged(rig: Rig, sent: list[Event], target: Path) -> list[tuple[str, int, int]]:
    """(event, person, time) of each row of the merged file, in its order."""
    for piece in in_pieces(sent, 3):
        rig.flush(rig.buffer(rig.batch(piece)))
    rig.tables.merge_files([rig.folder / part.path for part in rig.parts], target)
    with rig.database.cursor() as cursor:
        return cursor.execute(
            f"select event, person, epoch_ms(timestamp) from read_parquet('{target}') order by file_row_number"
        ).fetchall()


@pytest.mark.parametrize("count", [1, 15, 16, 17, 83, 400])
def test_slices_follow_each_other_in_time_and_are_sorted_each_by_itself(rig: Rig, count: int) -> None:
    rows = merged(rig, crowd(count, count), rig.folder / "events" / "merged.parquet")
    assert len(rows) == count
    cut = [rows[low : low + 8] for low in range(0, count, 8)] if count >= 16 else [rows]
    for piece in cut:
        assert piece == sorted(piece)
    for piece, following in pairwise(cut):
        assert max(at_ms for *_, at_ms in piece) < min(at_ms for *_, at_ms in following)


def test_a_moment_is_in_one_slice_however_many_events_it_has(rig: Rig) -> None:
    rows = merged(rig, crowd(1, 60, span_ms=3), rig.folder / "events" / "merged.parquet")
    times = [at_ms for *_, at_ms in rows]
    assert times == sorted(times)
    assert len(set(times)) == 3


def test_there_are_never_more_slices_than_may_be(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MAX_SLICES", 5)
    rows = merged(rig, crowd(2, 400), rig.folder / "events" / "merged.parquet")
    breaks = sum(first > then for first, then in pairwise(rows))
    assert breaks == 4
    for low in range(0, 400, 80):
        assert rows[low : low + 80] == sorted(rows[low : low + 80])


def test_events_of_one_moment_have_no_slices(rig: Rig) -> None:
    rows = merged(rig, crowd(3, 40, span_ms=1), rig.folder / "events" / "merged.parquet")
    assert rows == sorted(rows)


def test_rows_alone_decide_where_slices_begin(rig: Rig) -> None:
    source = "select make_timestamp_ms($n * 0 + i) as timestamp from range(40) r(i)".replace("$n * 0 + ", "")
    with rig.database.cursor() as cursor:
        number = slice_of(cursor, source)
        found = cursor.execute(f"select {number}, count(*) from ({source}) group by all order by all").fetchall()
    assert found == [(nth, 8) for nth in range(5)]


def test_a_key_file_is_the_same_with_and_without_slices(rig: Rig) -> None:
    """But for rows that are of one person and moment."""
    sent = crowd(5, 300)
    for piece in in_pieces(sent, 3):
        rig.flush(rig.buffer(rig.batch(piece)))
    sources = rig.parts
    read: list[list[tuple[str, int, object]]] = []
    for size in (8, 1_000):
        rig.parts = list(sources)
        with patch.object(slices, "SLICE_ROWS", size):
            path = f"events/p/merged/{size}.parquet"
            (rig.folder / path).parent.mkdir(parents=True, exist_ok=True)
            facts = rig.tables.merge_files([rig.folder / part.path for part in sources], rig.folder / path)
        part = rig._part("p", None, path, facts)
        rig.index([part])
        ((_, file),) = rig.tables.key_files.of([part])
        rows: list[tuple[str, int, object]] = []
        with Reading(file) as reading:
            for name in file.events:
                low, high = file.range_of(name)
                keys, column = reading.keys(low, high), file.properties["n"]
                assert column is not None and column.at is not None
                assert (np.diff(keys.astype(np.int64)) >= 0).all()
                codes = reading.codes(column.at, low, high, column.width)
                rows += sorted((name, int(key), int(code)) for key, code in zip(keys, codes, strict=True))
        assert {key >> KEY_BITS for _, key, _ in rows} == set(rig.persons.numbers.values())
        read.append(rows)
    assert read[0] == read[1]
