"""What is kept of a funnel's steps changes no answer: cold, warm, too small for anything, and for ranges that cut through files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.funnels import merged_keys, step_keys
from sv.engine.duck.funnels.step_keys import ENTRY_BYTES, Kept, StepCache
from sv.engine.duck.funnels.step_reading import MIN_HALF_ROWS, Look, plan_looks
from sv.engine.duck.keys import key_reading
from sv.engine.duck.keys.key_files import MAX_PERSON
from sv.engine.port import Matcher, Scope, Uncut
from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.model.calendar import iso_ms
from sv.model.filters import Filter, Operator
from sv.model.limits import DAY_MS, HOUR_MS
from sv.model.query_parsing import parse_funnel_query
from tests.chance import examples
from tests.engine.rig import LIMITS, NO_ALIASES, NOON, Rig, event, opened
from tests.engine.smart_rig import RULES, with_smart

PERSONS = ("ann", "bob", "cat")
TOO_MANY = MAX_PERSON + 1
"""Persons: an engine that is told of so many keeps nothing and packs its keys in SQL, by code of its own."""

SIZES = {"nothing": 0, "an entry or two": 2 * (ENTRY_BYTES + 40), "everything": 1 << 20}


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[None]:
    """Three persons' events are enough for several tasks, shares, pieces and blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_reading, "ROWS_A_TASK", 9)
        patch.setattr(merged_keys, "WORTH_RUNS", 1)
        patch.setattr(merged_keys, "SHARE_KEYS", 4)
        patch.setattr(merged_keys, "PIECE_KEYS", 3)
        patch.setattr(step_keys, "BLOCK_KEYS", 2)
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Three persons over nine days: files of a day each, one of so many days that its times take more than 32 bits, and
    a buffer."""
    with opened(tmp_path_factory.mktemp("steps")) as rig:
        made = [
            event(
                name,
                person,
                NOON + day * DAY_MS + number * HOUR_MS,
                plan=("pro", "free", 7)[(day + number) % 3],
                **{"$browser": ("Firefox", "Chrome")[(day + number) % 2]},
            )
            for day in range(9)
            for person in PERSONS
            for number, name in enumerate(("view", "buy", "view", "pay"))
            if (day * 7 + len(person) + number) % 4
        ]
        long_ago = [event("view", "ann", NOON - 60 * DAY_MS, plan="pro"), event("buy", "ann", NOON - 60 * DAY_MS + HOUR_MS)]
        rig.flush(rig.buffer(rig.batch(long_ago + made[::4])))
        rig.merge()
        rig.flush(rig.buffer(rig.batch(made[1::4])))
        rig.flush(rig.buffer(rig.batch(made[2::4])))
        rig.buffer(rig.batch(made[3::4]))
        yield rig


@pytest.fixture(scope="module")
def engines(filled: Rig) -> Iterator[dict[str, DuckEngine]]:
    """Engines over the same files that keep different amounts."""
    made = {name: DuckEngine(filled.database, filled.folder, lambda: 10, NO_ALIASES, size) for name, size in SIZES.items()}
    filled.index(filled.parts)
    for name in ("nothing", "everything"):
        made[f"key files and {name}"] = DuckEngine(
            filled.database, filled.folder, lambda: 10, NO_ALIASES, SIZES[name], filled.tables.key_files
        )
    made["in SQL"] = DuckEngine(filled.database, filled.folder, lambda: TOO_MANY, NO_ALIASES)
    yield made
    for engine in made.values():
        engine.close()


def ask(rig: Rig, engine: DuckEngine, body: dict[str, Any]) -> Any:
    query = parse_funnel_query(body, timezone="UTC", now_ms=NOON + 9 * DAY_MS)
    query = replace(query, steps=tuple(map(with_smart, query.steps)))
    return funnel(Context(engine, engine.pin(rig.snapshot(), LIMITS), LIMITS, 2), query)


steps = st.lists(
    st.fixed_dictionaries(
        {"event": st.sampled_from(("view", "buy", "pay", "never", *RULES))},
        optional={
            "properties": st.sampled_from(({"plan": "pro"}, {"plan": 7}, {"plan": ["free", "pro"]}, {"$browser": "Chrome"}))
        },
    ),
    min_size=2,
    max_size=4,
)
moments = st.one_of(st.integers(-2 * 24, 10 * 24), st.integers(-61 * 24, -59 * 24)).map(lambda hours: NOON + hours * HOUR_MS)


@settings(max_examples=examples(3), deadline=None)
@example([{"event": "view"}, {"event": "buy"}], NOON - 61 * DAY_MS, NOON + 10 * DAY_MS, "3h", [])
@given(
    steps,
    moments,
    moments,
    st.sampled_from(("1h", "3h", "2d", "30d")),
    st.sampled_from([[], ["strict_increase"], ["strict_order"]]),
)
def test_funnels_are_the_same_whatever_is_kept(
    filled: Rig, engines: dict[str, DuckEngine], asked: list[Any], low: int, high: int, window: str, modes: list[str]
) -> None:
    body = {
        "steps": asked,
        "conversion_window": window,
        "modes": modes,
        "date_from": iso_ms(min(low, high)),
        "date_to": iso_ms(max(low, high) + 1),
    }
    plain = ask(filled, engines["in SQL"], body)
    for name, engine in engines.items():
        assert ask(filled, engine, body) == plain, name
        assert ask(filled, engine, body) == plain, f"{name}, asked again"


def test_steps_that_look_at_narrow_columns_are_read_together_and_others_by_event(filled: Rig) -> None:
    parts = filled.snapshot().parts[:3]
    steps = [
        Matcher("view"),
        Matcher("view", (Filter("plan", Operator.EXACT, "pro"),)),
        Matcher("buy", (Filter("$browser", Operator.EXACT, "Chrome"),)),
        Matcher("buy", (Filter("plan", Operator.EXACT, 7),)),
        Matcher("view", (Filter("plan", Operator.EXACT, "free"),)),
        Matcher("pay"),
    ]
    assert plan_looks(parts, steps, [{}] * len(steps)) == [
        Look(parts, (0, 2, 5)),
        Look(parts, (1, 4)),
        Look(parts, (3,)),
    ]


def test_a_step_that_is_kept_of_some_files_is_read_in_the_others_alone(filled: Rig) -> None:
    first, second = filled.snapshot().parts[:2]
    kept = Kept(np.empty(0, np.uint64), 0)
    found = [{first.part_id: kept}, {}, {first.part_id: kept, second.part_id: kept}, {first.part_id: kept}]
    steps = [Matcher(name) for name in ("view", "buy", "pay", "end")]
    assert plan_looks((first, second), steps, found) == [Look((second,), (0, 3)), Look((first, second), (1,))]


def test_many_rows_are_read_in_two_halves_that_leave_no_file_out(filled: Rig) -> None:
    parts = tuple(replace(part, rows=MIN_HALF_ROWS) for part in filled.snapshot().parts[:3])
    assert [look.parts for look in plan_looks(parts, [Matcher("view")], [{}])] == [parts[:1], parts[1:]]
    assert [look.parts for look in plan_looks(parts[:1], [Matcher("view")], [{}])] == [parts[:1]]


def test_no_more_is_kept_than_may_be(filled: Rig, engines: dict[str, DuckEngine]) -> None:
    for plan in range(5):
        body = {"steps": [{"event": "view", "properties": {"plan": plan}}, {"event": "buy"}], "date_from": "2025-06-01"}
        for name, engine in engines.items():
            ask(filled, engine, body)
            assert engine.cached_bytes <= SIZES.get(name.removeprefix("key files and "), 0)
    assert engines["everything"].cached_bytes > 5 * ENTRY_BYTES


def test_filters_that_python_takes_for_equal_have_matches_of_their_own(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.flush(
            rig.buffer(
                rig.batch(
                    [event("view", "ann", NOON, n=1), event("view", "bob", NOON, n=True), event("view", "cat", NOON, n="1")]
                )
            )
        )
        whose = {
            repr(value): {
                int(key) >> found.bits
                for found in [
                    rig.engine.funnel_keys(
                        rig.snapshot(),
                        Scope(NOON - 1, NOON + 1),
                        [Matcher("view", (Filter("n", Operator.EXACT, value),))],
                        1000,
                        "person",
                        False,
                        LIMITS,
                    )
                ]
                for key in np.concatenate([run for run in found.steps[0] if not isinstance(run, Uncut)])
            }
            for value in (1, True, "1", 1.0)
        }
        ann, bob, cat = (rig.persons.numbers["p", name] for name in PERSONS)
        assert whose == {"1": {ann}, "True": {bob}, "'1'": {cat}, "1.0": {ann}}


def test_what_is_kept_of_a_file_is_not_asked_of_the_file_again(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        parts = rig.flush(rig.buffer(rig.batch([event("view", "ann", NOON), event("buy", "ann", NOON + 1)])))
        body = {"steps": [{"event": "view"}, {"event": "buy"}], "date_from": "2025-06-01", "date_to": "2025-06-30"}
        before = ask(rig, rig.engine, body)
        assert before["steps"][1]["count"] == 1
        (rig.folder / parts[0].path).unlink()
        assert ask(rig, rig.engine, body | {"conversion_window": "1h"})["steps"][1]["count"] == 1


def test_nothing_is_kept_of_a_part_that_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        for number in range(3):
            rig.flush(rig.buffer(rig.batch([event("view", "ann", NOON + number), event("buy", "ann", NOON + number + 1)])))
        engine = DuckEngine(rig.database, rig.folder, lambda: 10, NO_ALIASES, 1 << 20, rig.tables.key_files)
        body = {"steps": [{"event": "view"}, {"event": "buy"}], "date_from": iso_ms(NOON - DAY_MS)}
        answer = ask(rig, engine, body)
        before = engine.cached_bytes
        for part in rig.parts:
            rig.tables.forget_keys(part.part_id)
        assert before - engine.cached_bytes >= 2 * 3 * ENTRY_BYTES
        assert ask(rig, engine, body) == answer
        engine.close()


def test_an_entry_leaves_by_its_part_or_as_the_oldest() -> None:
    scope, kept = Scope(0, DAY_MS), Kept(np.zeros(1, np.uint64), 0)
    view, show = Matcher("view"), Matcher("show")
    alone = StepCache(1 << 20)
    alone.keep({1: kept}, scope, view)
    cache = StepCache(3 * alone.bytes)
    for part_id, step in ((1, view), (2, view), (1, show)):
        cache.keep({part_id: kept}, scope, step)
    cache.forget(1)
    assert cache.bytes == alone.bytes
    cache.forget(1)
    for part_id in range(3, 6):
        cache.keep({part_id: kept}, scope, view)
    assert cache.bytes == 3 * alone.bytes
    for number in range(1, 6):
        cache.forget(number)
    assert cache.bytes == 0


def test_entries_count_with_what_was_asked() -> None:
    cache = StepCache(1 << 20)
    kept = Kept(np.zeros(1, np.uint64), 0)
    for number in range(50):
        long = Filter("plan", Operator.EXACT, tuple(f"{number} {value:60}" for value in range(1000)))
        cache.keep({1: kept, 2: kept}, Scope(0, DAY_MS), Matcher("view", (long,)))
        assert 180_000 < cache.bytes <= 1 << 20
