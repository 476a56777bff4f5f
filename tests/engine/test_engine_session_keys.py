"""Trends of sessions and funnels by session are the same out of key files as by SQL over all events, whatever a session lies in."""

import random
import tracemalloc
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sv.engine.duck import files, relation
from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.funnels import session_reading
from sv.engine.duck.keys import session_codes, session_numbers
from sv.engine.duck.keys.key_files import Reading
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.keys.session_codes import Digests
from sv.engine.duck.keys.session_numbers import Numberings, SessionNumbers
from sv.engine.port import Scope
from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.calendar import iso_ms
from sv.model.errors import Unavailable
from sv.model.limits import DAY_MS, HOUR_MS, MINUTE_MS
from sv.model.overview import OverviewFilters
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.chance import examples
from tests.engine.rig import LIMITS, NO_ALIASES, NOON, Event, Rig, event, opened
from tests.engine.smart_rig import RULES, with_smart

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
NAMES = ("view", "buy", "pay")
DATES = {"date_from": iso_ms(NOON), "date_to": iso_ms(NOON + 9 * DAY_MS)}
BREAKDOWNS = (None, "plan", "$country", "absent")


def made(chance: random.Random, count: int, *, lacking: float, days: int = 4, names: Sequence[str] = NAMES) -> list[Event]:
    """Sessions of several days, of several persons, and events without one, near each other and far apart."""
    return [
        event(
            chance.choice(names),
            f"person {chance.randrange(9)}",
            NOON + chance.randrange(days) * DAY_MS + chance.randrange(40) * 7 * MINUTE_MS + chance.randrange(3),
            session=None if chance.random() < lacking else chance.choice(("s", "é", "=", "9-1")) + str(chance.randrange(12)),
            **({"plan": chance.choice(("pro", "free", 7, None))} if chance.random() < 0.9 else {}),
            **({"$country": chance.choice(("DE", "FR"))} if chance.random() < 0.8 else {}),
        )
        for _ in range(count)
    ]


def fill(rig: Rig, chance: random.Random, *, lacking: float, names: Sequence[str] = NAMES) -> None:
    """In files of a day with key files, in one of many days that is merged, in one without a key file, and in a buffer."""
    sent = made(chance, 160, lacking=lacking, names=names)
    rig.flush(rig.buffer(rig.batch(sent[:40])))
    rig.merge()
    rig.flush(rig.buffer(rig.batch(sent[40:100]), rig.batch(sent[100:120], user_agent=BOT)))
    rig.index(rig.parts)
    rig.flush(rig.buffer(rig.batch(made(chance, 12, lacking=lacking, days=1, names=names))))
    rig.buffer(rig.batch(sent[120:]))


def asked(rig: Rig, engine: DuckEngine) -> Context:
    return Context(engine, engine.pin(rig.snapshot(), LIMITS), LIMITS, 2)


def trend(rig: Rig, engine: DuckEngine, body: dict[str, Any]) -> Any:
    query = parse_trends_query(body, timezone="UTC", now_ms=NOON + 9 * DAY_MS)
    return trends(asked(rig, engine), replace(query, series=tuple(map(with_smart, query.series))))


def by_session(rig: Rig, engine: DuckEngine, body: dict[str, Any]) -> Any:
    query = parse_funnel_query(body | {"aggregate_by": "session"}, timezone="UTC", now_ms=NOON + 9 * DAY_MS)
    return funnel(asked(rig, engine), replace(query, steps=tuple(map(with_smart, query.steps))))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions were answered by numbers of sessions in key files."""
    found = [0]
    ask = KeyReader.sessions_of

    def sessions_of(reader: KeyReader, parts: Any) -> Any:
        sessions = ask(reader, parts)
        found[0] += sessions is not None
        return sessions

    monkeypatch.setattr(KeyReader, "sessions_of", sessions_of)
    return found


@contextmanager
def engines(rig: Rig) -> Generator[tuple[DuckEngine, DuckEngine]]:
    """With key files and without."""
    plain = DuckEngine(rig.database, rig.folder, lambda: 9, NO_ALIASES)
    yield rig.engine, plain
    plain.close()


@pytest.mark.parametrize("lacking", [0.0, 0.3])
def test_answers_are_the_same_with_key_files_and_without(tmp_path: Path, counted: list[int], lacking: float) -> None:
    chance = random.Random(f"{lacking}")
    for nth in range(2):
        with opened(tmp_path / f"{nth}") as rig, engines(rig) as (with_keys, without):
            fill(rig, chance, lacking=lacking)
            for _ in range(examples(5)):
                low, high = sorted(NOON + chance.randrange(-1, 5 * 24) * HOUR_MS for _ in range(2))
                dates = {"date_from": iso_ms(low), "date_to": iso_ms(high + 1)} | chance.choice(
                    ({}, {"properties": {"$country": "DE"}}, {"properties": {"plan": "pro"}})
                )
                breakdown = chance.choice(BREAKDOWNS)
                if breakdown is not None:
                    dates |= {"breakdown": breakdown, "breakdown_limit": chance.choice((1, 25))}
                wanted = {"name": chance.choice((*NAMES, *RULES)), "math": chance.choice(("unique_sessions", "per_session"))}
                body = dates | {"events": [wanted], "interval": chance.choice(("hour", "day", "week"))}
                assert trend(rig, with_keys, body) == trend(rig, without, body), body
                steps = [{"event": chance.choice((*NAMES, *RULES))} for _ in range(chance.randrange(2, 5))]
                modes = chance.choice(([], ["strict_increase"], ["strict_deduplication"], ["strict_order"], ["strict_once"]))
                body = dates | {"steps": steps, "modes": modes, "conversion_window": chance.choice(("5m", "1h", "7d"))}
                assert by_session(rig, with_keys, body) == by_session(rig, without, body), body
    assert counted[0] >= 10, "a test of SQL alone"


@pytest.mark.parametrize("lacking", [0.0, 0.3])
def test_an_overviews_figures_are_the_same_with_key_files_and_without(tmp_path: Path, counted: list[int], lacking: float) -> None:
    chance = random.Random(f"{lacking}")
    for nth in range(2):
        with opened(tmp_path / f"{nth}") as rig, engines(rig) as (with_keys, without):
            fill(rig, chance, lacking=lacking, names=(*NAMES, "$pageview", "$pageview", "$pageleave", "$identify"))
            for _ in range(examples(5)):
                low, high = sorted(NOON + chance.randrange(-1, 5 * 24) * HOUR_MS for _ in range(2))
                starts = [low, *(at for at in range(NOON - NOON % DAY_MS, high, DAY_MS) if at > low)]
                asked = (Scope(low, high + 1, include_bots=chance.random() < 0.5), OverviewFilters(), starts, (), 0, LIMITS)
                keyed, plain = (engine.overview(engine.pin(rig.snapshot(), LIMITS), *asked) for engine in (with_keys, without))
                for name in ("visitors", "pageviews", "sessions", "bounces", "duration_ms"):
                    assert getattr(keyed, name).tolist() == getattr(plain, name).tolist(), (name, asked)
    assert counted[0] >= 5, "a test of SQL alone"


def test_a_session_of_many_files_is_one_and_so_is_one_that_goes_on_in_the_buffer(rig: Rig, counted: list[int]) -> None:
    days = 3
    for day in range(days):
        for name, session in (("view", "long"), ("view", f"of day {day}"), ("buy", "long")):
            rig.flush(rig.buffer(rig.batch([event(name, "ann", NOON + day * DAY_MS, session=session)])))
    rig.index(rig.parts)
    rig.buffer(rig.batch([event("view", "bob", NOON + days * DAY_MS, session="long")]))
    totals = trend(rig, rig.engine, DATES | {"interval": "day", "events": [{"name": "view", "math": "unique_sessions"}]})[
        "series"
    ][0]
    assert totals["total"] == 1 + days
    assert [values for values in totals["values"] if values] == [2] * days + [1]
    steps = [{"event": "view"}, {"event": "buy"}]
    found = by_session(rig, rig.engine, DATES | {"steps": steps, "conversion_window": "10d"})
    assert [step["count"] for step in found["steps"]] == [1 + days, 1]
    assert counted == [2]


def test_the_same_answer_reads_no_part_where_all_events_have_sessions_in_key_files(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, counted: list[int]
) -> None:
    sent = [
        event(name, f"p{n}", NOON + n * HOUR_MS + at, session=f"s{n % 7}") for n in range(30) for at, name in enumerate(NAMES)
    ]
    rig.place_events(sent, "days")
    rig.buffers.clear()

    def refuse(*_: Any) -> Any:
        pytest.fail("a part was read")

    monkeypatch.setattr(files, "read_files", refuse)
    monkeypatch.setattr(relation, "read_files", refuse)
    assert (
        trend(rig, rig.engine, DATES | {"interval": "day", "events": [{"name": "buy", "math": "unique_sessions"}]})["series"][0][
            "total"
        ]
        == 7
    )
    found = by_session(rig, rig.engine, DATES | {"steps": [{"event": "view"}, {"event": "pay"}], "breakdown": "absent"})
    overview = rig.engine.overview(rig.snapshot(), Scope(NOON, NOON + 9 * DAY_MS), OverviewFilters(), [NOON], (), 0, LIMITS)
    assert (overview.visitors.tolist(), overview.sessions.tolist(), overview.bounces.tolist()) == ([30, 30], [7, 7], [0, 0])
    assert [step["count"] for step in found["steps"]] == [7, 7]
    assert counted == [3]


def test_where_most_events_have_no_session_id_sql_is_asked_of_all(rig: Rig, counted: list[int]) -> None:
    rig.place_events(made(random.Random(5), 80, lacking=0.9), "days")
    trend(rig, rig.engine, DATES | {"interval": "day", "events": [{"name": "buy", "math": "unique_sessions"}]})
    assert counted == [0]


# Digests


def halves(firsts: Sequence[int], seconds: Sequence[int]) -> Digests:
    return Digests(np.array(firsts, np.uint64), np.array(seconds, np.uint64))


def test_digests_are_told_apart_by_their_second_halves(rig: Rig) -> None:
    rig.place_events([event("view", "ann", NOON, session=name) for name in ("a", "b")], "days")
    of_parts = rig.tables.key_files.of(rig.parts)
    numbers = Numberings(rig.tables.key_files.give_up, 2000, 1 << 20).of(of_parts)
    assert numbers is not None
    assert numbers.count == 2
    ((_, file),) = of_parts
    assert file.sessions is not None
    with Reading(file) as reading:
        first, second = reading.first_words(file.sessions).tolist(), reading.second_words(file.sessions).tolist()
    asked = halves([first[1], first[0], first[0], 5, first[0]], [second[1], second[0] ^ 1, second[0], 5, second[0] ^ 1])
    of_first, unknown, of_second, other, again = numbers.of_rows(asked).tolist()
    assert (of_first, of_second, again) == (1, 0, unknown)
    assert {unknown, other} == {2, 3}
    assert numbers.of_rows(asked).tolist() == [of_first, unknown, of_second, other, again]
    assert numbers.count == 4


@pytest.mark.parametrize("in_a_file", [1, 2])
def test_sessions_that_half_a_digest_cannot_tell_apart_are_left_to_sql(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, in_a_file: int
) -> None:
    digests_of = session_codes.digests_of

    def alike(column: Any) -> Digests:
        first, second = digests_of(column)
        return Digests(np.zeros_like(first), second)

    for day in range(2):
        sent = [event("view", "ann", NOON + day * DAY_MS, session=f"{day} {number}") for number in range(in_a_file)]
        rig.flush(rig.buffer(rig.batch(sent)))
    with monkeypatch.context() as patched:
        patched.setattr(session_codes, "digests_of", alike)
        rig.index(rig.parts)
    found = trend(rig, rig.engine, DATES | {"interval": "day", "events": [{"name": "view", "math": "unique_sessions"}]})
    assert found["series"][0]["total"] == 2 * in_a_file


def test_a_key_file_that_cannot_be_read_any_more_is_answered_from_its_part(rig: Rig) -> None:
    sent = made(random.Random(3), 90, lacking=0.2)
    rig.place_events(sent, "days")
    wanted = DATES | {"interval": "day", "events": [{"name": "buy", "math": "per_session"}]}
    steps = DATES | {"steps": [{"event": "view"}, {"event": "buy"}], "breakdown": "plan"}
    before = trend(rig, rig.engine, wanted), by_session(rig, rig.engine, steps)
    for part in rig.parts[::2]:
        (rig.folder / part.keys_path).unlink()
    assert (trend(rig, rig.engine, wanted), by_session(rig, rig.engine, steps)) == before


def test_a_file_lost_between_a_funnel_and_its_breakdown_is_a_fault_that_passes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place_events(made(random.Random(4), 90, lacking=0.2), "days")
    body = DATES | {"steps": [{"event": "view"}, {"event": "buy"}], "breakdown": "plan"}
    expected = by_session(rig, rig.engine, body)
    keys = session_reading.SessionReader.keys

    def then_lost(*args: Any) -> Any:
        found = keys(*args)
        monkeypatch.setattr(session_reading.SessionReader, "keys", keys)
        for part in rig.parts:
            (rig.folder / part.keys_path).unlink()
        return found

    monkeypatch.setattr(session_reading.SessionReader, "keys", then_lost)
    with pytest.raises(Unavailable, match="ask again"):
        by_session(rig, rig.engine, body)
    assert by_session(rig, rig.engine, body) == expected


def test_more_sessions_than_memory_or_keys_are_for_are_left_to_sql(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place_events([event("view", "ann", NOON, session=f"{number}") for number in range(5)], "days")
    every = rig.tables.key_files.of(rig.parts)
    give_up = rig.tables.key_files.give_up
    assert Numberings(give_up, 0, 4 * session_numbers.BYTES_A_SESSION).of(every) is None
    assert Numberings(give_up, 0, 5 * session_numbers.BYTES_A_SESSION).of(every) is not None
    monkeypatch.setattr(session_numbers, "MAX_PERSON", 4)
    assert Numberings(give_up, 0, 1 << 20).of(every) is None


def test_sessions_that_no_file_has_take_little_while_they_get_numbers() -> None:
    """Of a pair of numbers and an entry in a dict each, a million of them took 450 MiB."""
    count = 20_000
    chance = np.random.default_rng(1)
    asked = Digests(*(chance.integers(0, 1 << 62, count, np.uint64) for _ in range(2)))
    numbers = SessionNumbers((), {}, 7, KeyFiles().give_up)
    tracemalloc.start()
    found = numbers.of_rows(asked)
    again = numbers.of_rows(Digests(asked.first[::-1], asked.second[::-1]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(found.tolist()) == list(range(7, 7 + count))
    assert again.tolist() == found.tolist()[::-1]
    assert peak < (1 << 20) + 140 * count  # the sieve, and that


def test_what_is_kept_of_sessions_has_a_bound(rig: Rig) -> None:
    for day in range(4):
        sent = [event("view", "ann", NOON + day * DAY_MS + n, session=f"s{n}") for n in range(6)]
        rig.flush(rig.buffer(rig.batch(sent)))
    rig.index(rig.parts)
    numberings = Numberings(rig.tables.key_files.give_up, 2000, 1 << 20)
    every = rig.tables.key_files.of(rig.parts)
    for some in (every, every[:2], every[1:], every):
        numbers = numberings.of(some)
        assert numbers is not None
        distinct = {int(number) for _, file in some for number in numbers.of_file[file].of(np.arange(6, dtype=np.uint16))}
        assert len(distinct) == 6
        assert 0 < numberings.bytes <= 2000
