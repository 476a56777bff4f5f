"""An overview whose range is read in pieces, with sessions that lie in several of them, against the same slow one."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sv.engine.duck.overviews import overview_reading, overview_shares, overview_sql
from sv.model.errors import Unavailable
from sv.model.limits import DAY_MS, HOUR_MS, MINUTE_MS
from tests import chance
from tests.engine.identity_rig import merged_rig
from tests.engine.overview_reference import slow_overview
from tests.engine.reference import rows_of
from tests.engine.rig import NOON, Event, Rig, event, opened
from tests.engine.test_engine_overview import asked, combinations, random_events, shown

SEED = chance.seed("OVERVIEW_SEED")
DAYS = 3


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pieces each range was read in: one for every day that has files, however few their events are."""
    found: list[int] = []
    cuts = overview_shares.cuts

    def counted(*given: Any) -> list[tuple[int, int]]:
        made = cuts(*given)
        found.append(len(made))
        return made

    monkeypatch.setattr(overview_shares, "CUT_ROWS", 1)
    monkeypatch.setattr(overview_shares, "MOST_READING", 100)
    monkeypatch.setattr(overview_shares, "HASHES_A_SHARE", 8)
    monkeypatch.setattr(overview_shares, "MOST_SPLITS", 1)
    monkeypatch.setattr(overview_shares, "cuts", counted)
    return found


def days_of_events(seed: int, users: int = 0) -> list[Event]:
    """Over some days, with sessions of one day beside those of several, and runs without an id over midnights."""
    rng = random.Random(seed)
    made: list[Event] = []
    for day in range(DAYS):
        some = random_events(rng.randrange(10**6), 60, users)
        for one in some:
            one["timestamp"] = NOON + day * DAY_MS + one["timestamp"] % DAY_MS
            if one.get("sessionId") and rng.random() < 0.7:
                one["sessionId"] += f" of day {day}"
        made += some
    made += [event("$pageview", "owl", NOON + 11 * HOUR_MS + n * 20 * MINUTE_MS, session=None) for n in range(10)]
    return made


def chosen(count: int) -> list[dict[str, Any]]:
    """So many bodies, others in each run, but for one whose range is all of the days."""
    bodies = combinations(SEED % 4, 9)
    whole = next(body for body in bodies if body.get("interval") == "week")
    others = random.Random(SEED).sample([body for body in bodies if body is not whole], 5)
    return [whole, *others][: chance.examples(count)]


def place(rig: Rig, sent: list[Event]) -> None:
    """A file of each day, then what is in memory."""
    by_day: dict[int, list[Event]] = {}
    for one in sent[:-20]:
        by_day.setdefault(one["timestamp"] // DAY_MS, []).append(one)
    for one_day in by_day.values():
        rig.flush(rig.buffer(rig.batch(one_day)))
    rig.buffer(rig.batch(sent[-20:]))


@pytest.mark.parametrize(("hashed", "every"), [("hash({})", 2), ("length({})::ubigint", 3)], ids=["hashes", "one hash for many"])
def test_an_overview_in_pieces_is_what_loops_say(
    tmp_path: Path, pieces: list[int], hashed: str, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_sql, "HASH", hashed)
    with opened(tmp_path) as rig:
        place(rig, days_of_events(SEED))
        rows = rows_of(rig)
        for body in chosen(6 // every):
            now_ms = NOON + DAY_MS
            assert shown(asked(rig.context(), body, now_ms)) == slow_overview(rows, body, now_ms), (body, f"OVERVIEW_SEED={SEED}")
    assert max(pieces) > 1


def test_visitors_of_pieces_are_users_where_identity_is_merged(tmp_path: Path, pieces: list[int]) -> None:
    with merged_rig(tmp_path) as rig:
        place(rig, days_of_events(SEED, users=3))
        owners = {row.id: row.distinct_id for row in rig.rows()}
        rows = rows_of(rig)
        for body in chosen(2):
            found = shown(asked(rig.context(), body, NOON + DAY_MS))
            assert found == slow_overview(rows, body, NOON + DAY_MS, lambda row: owners[row.id]), (body, f"OVERVIEW_SEED={SEED}")
    assert max(pieces) > 1


def test_sessions_of_a_day_of_too_many_events_are_found_a_part_at_a_time(
    tmp_path: Path, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_shares, "MOST_SPLITS", 3)
    split = overview_shares.pieces
    shares: list[int] = []

    def counted(*given: Any) -> Iterator[overview_shares.Share]:
        made = list(split(*given))
        shares.append(len(made))
        yield from made

    monkeypatch.setattr(overview_shares, "pieces", counted)
    with opened(tmp_path) as rig:
        rig.flush(rig.buffer(rig.batch([one for one in random_events(SEED, 200) if one["timestamp"] < NOON + 11 * HOUR_MS])))
        rows = rows_of(rig)
        for body in chosen(3):
            found = shown(asked(rig.context(), body, NOON + DAY_MS))
            assert found == slow_overview(rows, body, NOON + DAY_MS), (body, f"OVERVIEW_SEED={SEED}")
    assert max(pieces) == 1
    assert max(shares) == 3


def test_what_would_not_fit_into_memory_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_reading, "KEPT_SHARE", 1e-7)
    with opened(tmp_path) as rig:
        rig.place_events(random_events(3, 300), "days")
        with pytest.raises(Unavailable, match=r"more memory than the server may use; ask for a shorter range"):
            asked(rig.context(), {"date_from": "2025-06-15", "date_to": "2025-06-18"})
