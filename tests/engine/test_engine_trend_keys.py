"""Trends out of key files say what SQL says of the same events, whatever part of them has key files."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.keys import key_reading
from sv.engine.duck.keys.key_files import KeyFile
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_order import KEY_BITS
from sv.engine.duck.keys.key_values import Dictionary
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.trends.trend_keys import Contribution, Slots, contribution, measures
from sv.engine.duck.trends.trend_sql import NO_VALUE_SLOT, OTHER_SLOT
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.calendar import iso_ms
from sv.model.limits import DAY_MS, HOUR_MS
from sv.model.part import Part
from sv.model.query_parsing import parse_trends_query
from tests.chance import examples
from tests.engine.rig import CHROME, LIMITS, NO_ALIASES, NOON, Rig, event, opened
from tests.engine.smart_rig import RULES, with_smart
from tests.engine.trend_bodies import trend_bodies

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PERSONS = ("ann", "bob", "cat", "dan", "eve")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Nine days of five persons, in files of a day, in one of many days, and in a buffer; some by bots, some of no country."""
    with opened(tmp_path_factory.mktemp("trend-keys")) as rig:
        made = [
            event(
                name,
                person,
                NOON + day * DAY_MS + number * 5 * HOUR_MS + len(person),
                plan=("pro", "free", 7)[(day + number) % 3],
                **({"kind": (10, 10.0, "10", None, True, [1], 'a"\\é')[(day + number + place) % 7]} if number else {}),
                **({"$country": ("DE", "FR", 'a"\\é')[(day * number) % 3]} if (day + place) % 5 else {}),
                **({"$browser": 12} if day == 4 else {}),
            )
            for day in range(9)
            for place, person in enumerate(PERSONS)
            for number, name in enumerate(("view", "buy", "view", "pay"))
            if (day * 7 + place * 3 + number) % 4
        ]
        rig.flush(rig.buffer(rig.batch(made[::5], user_agent=CHROME)))
        rig.merge()
        for start in (1, 2, 3):
            rig.flush(rig.buffer(rig.batch(made[start::5], user_agent=BOT if start == 3 else CHROME)))
        rig.buffer(rig.batch(made[4::5]))
        yield rig


@pytest.fixture(scope="module")
def engines(filled: Rig) -> Iterator[dict[str, DuckEngine]]:
    """Over all files with key files, over every second one, of which nothing is kept in memory, and over none."""
    made = {"none": DuckEngine(filled.database, filled.folder, lambda: 10, NO_ALIASES)}
    filled.index(filled.parts)
    made["all"] = DuckEngine(filled.database, filled.folder, lambda: 10, NO_ALIASES, key_files=filled.tables.key_files)
    some = KeyFiles(most_bytes=1)
    for part, file in filled.tables.key_files.of(filled.parts[::2]):
        some.add(part.part_id, file)
    made["some"] = DuckEngine(filled.database, filled.folder, lambda: 10, NO_ALIASES, key_files=some)
    yield made
    for engine in made.values():
        engine.close()


def ask(rig: Rig, engine: DuckEngine, body: dict[str, Any]) -> Any:
    query = parse_trends_query(body, timezone="UTC", now_ms=NOON + 9 * DAY_MS)
    query = replace(query, series=tuple(map(with_smart, query.series)))
    return trends(Context(engine, engine.pin(rig.snapshot(), LIMITS), LIMITS, 2), query)


series = st.fixed_dictionaries(
    {"name": st.sampled_from(("view", "buy", "never", *RULES)), "math": st.sampled_from(("total", "unique_persons"))},
    optional={
        "properties": st.sampled_from(
            ({"$country": "DE"}, {"$country": ["DE", "FR"]}, {"plan": "pro"}, {"kind": 10}, {"$browser": "Chrome"})
        )
    },
)


@settings(max_examples=examples(8), deadline=None)
@given(trend_bodies(series, (None, "$country", "$browser", "plan", "kind", "$device_type", "$is_bot", "absent")))
def test_trends_are_the_same_whatever_has_key_files(
    filled: Rig,
    engines: dict[str, DuckEngine],
    body: dict[str, Any],
) -> None:
    plain = ask(filled, engines["none"], body)
    for name, engine in engines.items():
        assert ask(filled, engine, body) == plain, name


def test_events_are_counted_without_a_look_into_files_that_lie_in_one_bucket(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in (0, 1):
        sent = [
            event(name, person, NOON + day * DAY_MS + place)
            for place, person in enumerate(PERSONS)
            for name in ("view", "buy", "buy")
        ]
        rig.flush(rig.buffer(rig.batch(sent, user_agent=BOT if day else CHROME)))
    rig.index(rig.parts)
    body = {"date_from": "2025-06-15", "date_to": "2025-06-17", "interval": "day"}
    opened_files: list[str] = []
    reading = key_reading.Reading

    def noted(file: KeyFile) -> key_reading.Reading:
        opened_files.append(file.path.name)
        return reading(file)

    monkeypatch.setattr(key_reading, "Reading", noted)

    def values(name: str, **more: Any) -> list[float]:
        return ask(rig, rig.engine, body | {"events": [{"name": name}]} | more)["series"][0]["values"]

    assert values("buy") == [10, 0, 0]
    assert values("buy", include_bots=True) == [10, 10, 0]
    assert values("never") == [0, 0, 0]
    assert values("view", date_from=iso_ms(NOON), include_bots=True) == [5, 5, 0]
    assert opened_files == []
    assert values("buy", interval="hour", date_to="2025-06-15", include_bots=True)[12:14] == [10, 0]
    assert opened_files == []
    assert values("view", date_from=iso_ms(NOON + 2), include_bots=True) == [3, 5, 0]
    assert len(opened_files) == 1  # of the day that isn't asked for as a whole


@pytest.mark.parametrize("seed", range(80))
def test_what_a_file_has_in_each_cell_is_what_a_loop_finds(seed: int) -> None:
    """Of buckets alike and not, few and more than a byte tells apart, the first of them begun before the file or within it, in times that 32
    bits hold and that they don't."""
    rng = random.Random(seed)
    width, count = rng.choice([1, 7, 60]) << rng.choice([0, 0, 20, 22]), rng.choice([1, 2, 3, 9, 300])
    starts = [rng.randrange(-3 * width, 2 * width)]
    for _ in range(count):
        starts.append(starts[-1] + (width if seed % 3 else rng.randrange(1, 2 * width)))
    end = starts[-1] + rng.randrange(3 * width)
    low = max(0, starts[0])
    rows = sorted((rng.randrange(8), rng.randrange(low, max(low, end) + 1)) for _ in range(rng.randrange(1, 200)))
    of_rows = [rng.randrange(3) for _ in rows]
    origin = 1000 + min(ms for _, ms in rows)
    keys = np.array([(person << KEY_BITS) | (1000 + ms - origin) for person, ms in rows], np.uint64)
    times = [1000 + ms for _, ms in rows]
    part = Part(
        part_id=1, project_id="p", path="events/1", day=None, rows=len(rows), bytes=1, min_ts_ms=min(times), max_ts_ms=max(times),
        min_received_ms=0, max_received_ms=0,
    )  # fmt: skip
    dictionary = Dictionary((None, "a", "b"))
    is_broken_down, users = seed % 2 == 0, np.array([0, 0, 2, 3, 3, 3, 1, 7], np.uint32) if seed % 5 == 0 else None
    matched = Matched(keys, origin, np.array(of_rows, np.uint8) if is_broken_down else None, dictionary)
    slots = Slots({"a": 1}) if is_broken_down else None
    found = contribution(part, matched, [1000 + start for start in starts], slots, users, with_persons=True)
    expected: dict[tuple[int, int], list[int]] = defaultdict(list)
    for (person, ms), code in zip(rows, of_rows, strict=True):
        slot = (NO_VALUE_SLOT, 1, OTHER_SLOT)[code] if is_broken_down else NO_VALUE_SLOT
        bucket = max(place for place, start in enumerate(starts) if start <= ms)
        expected[slot, bucket].append(person if users is None else int(users[person]))
    assert found.counts == {cell: len(persons) for cell, persons in expected.items()}
    assert {cell: persons.tolist() for cell, persons in found.persons.items()} == {
        cell: sorted(set(persons)) for cell, persons in expected.items()
    }


@pytest.mark.parametrize("math", ["total", "unique_persons"])
@pytest.mark.parametrize("breakdown", [None, "$country", "plan", "absent"])
def test_a_trend_over_key_files_reads_no_part(rig: Rig, math: str, breakdown: str | None) -> None:
    for person in ("ann", "bob"):
        rig.flush(
            rig.buffer(
                rig.batch([event("view", person, NOON + day * DAY_MS, **{"$country": "DE", "plan": 7}) for day in range(3)])
            )
        )
    rig.index(rig.parts)
    body: dict[str, Any] = {"events": [{"name": "view", "math": math}], "date_from": "2025-06-15", "date_to": "2025-06-18"}
    if breakdown is not None:
        body["breakdown"] = breakdown
    before = ask(rig, rig.engine, body)
    assert before["series"][0]["values"] == [2, 2, 2, 0]
    assert before["series"][0]["total"] == (6 if math == "total" else 2)
    for part in rig.parts:
        (rig.folder / part.path).unlink()
    assert ask(rig, rig.engine, body) == before


@pytest.mark.parametrize("scale", [1, 1 << 20])
def test_persons_of_several_pieces_count_once_near_together_and_far_apart(scale: int) -> None:
    pieces = [
        Contribution(
            {}, {(1, 0): np.array([1, 5], np.uint32) * np.uint32(scale), (1, 1): np.array([5], np.uint32) * np.uint32(scale)}
        ),
        Contribution({}, {(1, 0): np.array([5, 9], np.uint32) * np.uint32(scale)}),
    ]
    assert sorted(measures(pieces, "unique_persons", lambda: None), key=str) == [(1, 0, 3.0), (1, 1, 1.0), (1, None, 3.0)]
