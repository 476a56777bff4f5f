"""Lists of events: their order, pages that miss nothing and repeat nothing, filters, derived sessions, one event by its id."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sv.engine.duck import relation
from sv.engine.duck.pages import newest
from sv.engine.port import Matcher, PageKeys
from sv.insights import events as lists
from sv.insights.events import get_event, list_events
from sv.model.calendar import DateRange, iso_ms
from sv.model.cursor import decode_cursor
from sv.model.errors import NotFound
from sv.model.filters import Filter, Operator
from sv.model.limits import DAY_MS, HOUR_MS, MAX_TIMESTAMP_MS, MINUTE_MS
from sv.model.queries import EventsQuery
from tests.engine.reference import holds, rows_of, session_ids
from tests.engine.rig import ALL, LIMITS, NOON, RECEIVED, STATES, Event, Rig, State, event, events, in_pieces, opened

GAP_MS = 30 * MINUTE_MS


@pytest.fixture(autouse=True)
def few_rows_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files tell from when on a page has to be read, as they do of many events."""
    monkeypatch.setattr(newest, "MIN_ROWS", 0)


def crowd(seed: int, count: int, *, days: int = 3) -> list[Event]:
    """Events of a few persons, many of them at one millisecond, half of them without a session, in no order."""
    rng = random.Random(seed)
    return [
        event(
            rng.choice(["view", "buy"]),
            f"person-{rng.randrange(5)}",
            NOON + rng.randrange(days) * DAY_MS + rng.choice([0, 1, rng.randrange(8) * 10 * MINUTE_MS]),
            session=rng.choice([None, "s1", "s2"]),
            n=rng.randrange(9),
            plan=rng.choice(["pro", "free", None]),
        )
        for _ in range(count)
    ]


def page(rig: Rig, query: EventsQuery) -> dict[str, Any]:
    return list_events(rig.context(), query)


def walk(rig: Rig, limit: int, between: Any = lambda: None, **query: Any) -> list[dict[str, Any]]:
    """Every page up to the end."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = page(rig, EventsQuery(limit=limit, cursor=cursor, **query))
        found += answer["data"]
        text = answer["meta"]["next_cursor"]
        assert answer["meta"]["has_more"] is (text is not None)
        if text is None:
            return found
        assert len(answer["data"]) == limit
        cursor = decode_cursor(text)
        between()


def test_events_are_listed_newest_first_and_later_arrivals_of_a_millisecond_before_earlier(rig: Rig, state: State) -> None:
    rig.place_events(crowd(1, 120), state)
    expected = [row.id for row in reversed(rows_of(rig))]
    assert [item["id"] for item in page(rig, EventsQuery(limit=1000))["data"]] == expected
    for limit in (31, 119, 120):
        assert [item["id"] for item in walk(rig, limit)] == expected


def test_key_files_tell_from_when_on_there_are_events_enough_for_a_page(rig: Rig) -> None:
    sent = crowd(2, 300)
    rig.place_events(sent, "days")
    asked: list[tuple[Matcher, PageKeys, Any]] = [
        (Matcher(None), PageKeys(40), lambda item: True),
        (Matcher("buy"), PageKeys(40), lambda item: item["event"] == "buy"),
        (Matcher(None, (Filter("plan", Operator.EXACT, "pro"),)), PageKeys(40), lambda item: item["properties"]["plan"] == "pro"),
        (
            Matcher(None),
            PageKeys(40, before_ms=NOON + DAY_MS, before_id="f" * 32),
            lambda item: item["timestamp"] < NOON + DAY_MS,
        ),
    ]
    with_keys = newest.Newest(rig.engine._key_reader)
    for matcher, keys, matches in asked:
        times = sorted((item["timestamp"] for item in sent if matches(item)), reverse=True)
        found = with_keys.find(rig.parts, ALL, matcher, keys, None, LIMITS)
        assert found.since_ms == times[39]
        before_ms = keys.before_ms if keys.before_ms is not None else MAX_TIMESTAMP_MS
        for part in rig.parts:
            of_part = [
                item["timestamp"]
                for item in sent
                if (matches(item) or item["timestamp"] == keys.before_ms)
                and part.min_ts_ms <= item["timestamp"] <= min(part.max_ts_ms, before_ms)
                and item["timestamp"] >= times[39]
            ]
            told = [(cut.low, cut.high) for cut in found.cuts[part.part_id]]
            assert told == ([(min(of_part), max(of_part) + 1)] if of_part else [])
    assert with_keys.find(rig.parts, ALL, Matcher(None), PageKeys(301), None, LIMITS).since_ms == 0, "there are not so many"
    for keys in (PageKeys(1, distinct_id="a"), PageKeys(1, session_id="s1"), PageKeys(1, event_id="0")):
        assert with_keys.find(rig.parts, ALL, Matcher(None), keys, None, LIMITS) == newest.Found(0), (
            "key files know nothing of that"
        )


def test_key_files_tell_when_a_person_has_events(rig: Rig) -> None:
    sent = crowd(4, 300, days=6)
    rig.place_events(sent, "days")
    name, number = "person-3", rig.persons.numbers["p", "person-3"]
    theirs = [item["timestamp"] for item in sent if item["anonymousId"] == name]
    found = newest.Newest(rig.engine._key_reader).find(
        rig.parts, ALL, Matcher(None), PageKeys(1000, person=number), [number], LIMITS
    )
    spans = {part.part_id: [at_ms for at_ms in theirs if part.min_ts_ms <= at_ms <= part.max_ts_ms] for part in rig.parts}
    assert {part_id: [(cut.low, cut.high) for cut in cuts] for part_id, cuts in found.cuts.items()} == {
        part_id: [(min(times), max(times) + 1)] for part_id, times in spans.items()
    }


def test_a_page_goes_on_within_a_moment_that_has_many_events(rig: Rig, state: State) -> None:
    """The newest of a moment count for nothing where the page starts in it."""
    sent = [event("view", f"person-{n % 3}", NOON + n // 20, n=n) for n in range(100)]
    rig.place_events(sent, state)
    expected = [item["id"] for item in page(rig, EventsQuery(limit=1000))["data"]]
    assert len(expected) == 100
    for limit in (7, 19, 20, 21):
        assert [item["id"] for item in walk(rig, limit)] == expected
    one = rig.persons.numbers["p", "person-1"]
    theirs = [item["id"] for item in page(rig, EventsQuery(limit=1000))["data"] if item["distinct_id"] == "person-1"]
    assert [item["id"] for item in walk(rig, 5, person=one)] == theirs


def test_an_event_is_shown_as_the_contract_has_it(rig: Rig, state: State) -> None:
    sent = {
        "event": "view", "userId": "u", "anonymousId": "a", "sessionId": "s", "groups": ["g"], "timestamp": NOON + 5,
        "properties": {"$browser": None, "n": 1.0, "deep": {"ü": [None]}},
    }  # fmt: skip
    rig.place([rig.batch([sent], country="DE", seq=3), rig.batch(events("bob: view@0m"), seq=4)], state)
    first, second = page(rig, EventsQuery())["data"]
    assert first == {
        "id": first["id"], "event": "view", "timestamp": iso_ms(NOON + 5), "received_at": iso_ms(RECEIVED), "distinct_id": "u",
        "anonymous_id": "a", "user_id": "u", "session_id": "s", "groups": ["g"],
        "properties": {
            "$browser": None, "$browser_version": "126", "$os": "Windows", "$device_type": "Desktop", "$country": "DE", "n": 1.0,
            "deep": {"ü": [None]},
        },
    }  # fmt: skip
    assert UUID(first["id"]).version == 7
    assert (second["user_id"], second["groups"], second["session_id"]) == (
        None,
        [],
        f"auto-{rig.persons.numbers['p', 'bob']}-{NOON}",
    )


def test_paging_shows_everything_that_was_there_once_while_events_arrive(rig: Rig, state: State) -> None:
    rig.place_events(crowd(2, 80), state)
    there = {row.id for row in rows_of(rig)}
    rng = random.Random(3)

    def more() -> None:
        made = [event("late", "zoe", NOON + rng.randrange(-1, 4) * DAY_MS + rng.choice([0, 1]), session="z") for _ in range(3)]
        generation = rig.buffer(rig.batch(made))
        if rng.random() < 0.5:
            rig.flush(generation)

    found = walk(rig, 15, more)
    seen = [item["id"] for item in found]
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    keys = [(item["timestamp"], item["id"]) for item in found]
    assert keys == sorted(keys, reverse=True)


def test_a_page_of_large_events_ends_early_and_the_next_goes_on(rig: Rig, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_BYTES", 2_000)
    rng = random.Random(7)
    rig.place_events(
        [event("view", "ann", NOON + n // 3 * MINUTE_MS, text="ö" * rng.choice([1, 300, 400, 600, 1_500])) for n in range(60)],
        state,
    )
    expected = [row.id for row in reversed(rows_of(rig))]
    for sure in (0, 3, lists.SURE_EVENTS):  # of more events the engine is asked first how many fit
        monkeypatch.setattr(lists, "SURE_EVENTS", sure)
        shown: list[list[dict[str, Any]]] = []
        cursor = None
        while not shown or cursor is not None:
            answer = page(rig, EventsQuery(limit=7, cursor=cursor))
            shown.append(answer["data"])
            assert answer["meta"]["has_more"] is (sum(map(len, shown)) < 60)
            cursor = decode_cursor(answer["meta"]["next_cursor"]) if answer["meta"]["has_more"] else None
        assert [item["id"] for data in shown for item in data] == expected
        sizes = [[len(msgspec.json.encode({"text": item["properties"]["text"]})) for item in data] for data in shown]
        assert all(sum(data) <= 2_000 or len(data) == 1 for data in sizes)
        assert all(len(data) == 7 or sum(data) + following[0] > 2_000 for data, following in pairwise(sizes))
        assert {1, 2, 3} <= {len(data) for data in shown}


def test_the_ends_of_a_list(rig: Rig) -> None:
    nothing: dict[str, Any] = {"data": [], "meta": {"next_cursor": None, "has_more": False}}
    assert page(rig, EventsQuery()) == nothing
    rig.buffer(rig.batch(events("ann: view@0m, view@1m, view@2m")))
    assert page(rig, EventsQuery(dates=DateRange(NOON + 3 * MINUTE_MS, NOON + DAY_MS))) == nothing
    assert len(page(rig, EventsQuery(limit=3))["data"]) == 3
    assert page(rig, EventsQuery(limit=3))["meta"] == nothing["meta"]
    assert page(rig, EventsQuery(limit=2))["meta"]["has_more"] is True
    assert len(page(rig, EventsQuery(dates=DateRange(NOON, NOON + 2 * MINUTE_MS)))["data"]) == 2


@pytest.mark.parametrize("size", [20_000, 50_000])
def test_a_page_of_a_thousand_large_events_fits_into_a_small_engine(tmp_path: Path, size: int) -> None:
    """To order a thousand with all that they hold took more than it has, after which it failed within itself."""
    sent = [event("e", f"p{n}", NOON + n * 1000, n=n, text=f"{n} " * (size // len(f"{n} "))) for n in range(1500)]
    with opened(tmp_path, memory_bytes=160 << 20) as rig:
        for flushed in in_pieces(sent, 6):
            rig.flush(rig.buffer(*(rig.batch(piece) for piece in in_pieces(flushed, 5))))
        rig.index(rig.parts[::2])
        found: list[int] = []
        cursor = None
        while not found or cursor is not None:
            answer = page(rig, EventsQuery(limit=1000, cursor=cursor))
            found += [item["properties"]["n"] for item in answer["data"]]
            cursor = decode_cursor(answer["meta"]["next_cursor"]) if answer["meta"]["has_more"] else None
    assert found == list(range(1499, -1, -1))


def test_every_condition_of_a_list_is_met_alone_and_with_the_others(rig: Rig, state: State) -> None:
    rig.place_events(crowd(4, 150), state)
    rows = list(reversed(rows_of(rig)))
    sessions = session_ids(rows)
    some = next(row for row in rows if row.session is None)
    filters = (Filter("n", Operator.GTE, 4), Filter("plan", Operator.IS_SET))
    dates = DateRange(NOON + 1, NOON + DAY_MS + HOUR_MS)
    # All conditions with all others of one form of storage, of each other form every third time.
    for chosen in range(2**5) if state == "mixed" else range(STATES.index(state) % 3, 2**5, 3):
        asked: dict[str, Any] = {}
        for bit, (name, value) in enumerate(
            {
                "event": "buy",
                "distinct_id": some.distinct_id,
                "session_id": sessions[some.id],
                "filters": filters,
                "dates": dates,
            }.items()
        ):
            if chosen >> bit & 1:
                asked[name] = value
        expected = [
            row.id
            for row in rows
            if holds(row, asked.get("filters", ()), asked.get("event"))
            and asked.get("distinct_id") in (None, row.distinct_id)
            and asked.get("session_id") in (None, sessions[row.id])
            and ("dates" not in asked or dates.from_ms <= row.at_ms < dates.to_ms)
        ]
        assert [item["id"] for item in page(rig, EventsQuery(limit=1000, **asked))["data"]] == expected, asked
    assert {item["session_id"] for item in page(rig, EventsQuery(limit=1000, session_id="s1"))["data"]} == {"s1"}


def test_a_page_by_numbers_is_the_same_however_many_places_of_files_it_lies_in(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place_events(crowd(4, 60), "days")
    query = EventsQuery(limit=1000, filters=(Filter("n", Operator.EXACT, (4, 7)),))
    expected = [row.id for row in reversed(rows_of(rig)) if holds(row, query.filters, None)]
    assert len(rig.parts) == 3
    for most in (3, 2):
        monkeypatch.setattr(relation, "MAX_CUTS", most)
        assert [item["id"] for item in page(rig, query)["data"]] == expected


def test_pages_are_the_same_however_few_rows_a_first_look_takes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place([rig.batch(piece) for piece in in_pieces(crowd(5, 160, days=9), 24)], "small")
    for generation in range(3):
        rig.buffer(rig.batch(crowd(6 + generation, 10, days=9)))
    expected = [row.id for row in reversed(rows_of(rig))]
    looks: list[int] = []
    engine_page = rig.engine.page

    def counted(*arguments: Any) -> Any:
        looks.append(len(arguments[0].within(arguments[1].from_ms, arguments[1].to_ms).parts))
        return engine_page(*arguments)

    monkeypatch.setattr(rig.engine, "page", counted)
    for rows, limit in (1, 40), (20, 9), (100, 50), (100_000, 50):
        monkeypatch.setattr(lists, "FIRST_STRETCH_ROWS", rows)
        assert [item["id"] for item in walk(rig, limit)] == expected
        assert page(rig, EventsQuery(event="no such"))["data"] == []
    assert min(looks) < len(rig.parts) == max(looks)


def test_a_page_that_goes_back_in_time_reads_no_moment_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place([rig.batch(piece) for piece in in_pieces(crowd(5, 160, days=9), 24)], "small")
    spans: list[tuple[int, int]] = []
    engine_page = rig.engine.page

    def noted(*arguments: Any) -> Any:
        spans.append((arguments[1].from_ms, arguments[1].to_ms))
        return engine_page(*arguments)

    monkeypatch.setattr(rig.engine, "page", noted)
    monkeypatch.setattr(lists, "FIRST_STRETCH_ROWS", 1)
    query = EventsQuery(event="no such")
    assert page(rig, query)["data"] == []
    assert len(spans) > 1
    assert (spans[-1][0], spans[0][1]) == (query.dates.from_ms, query.dates.to_ms)
    assert all(earlier[1] == later[0] for later, earlier in pairwise(spans))


# ---- Sessions ----


def listed_sessions(rig: Rig, **query: Any) -> dict[str, str]:
    return {item["id"]: item["session_id"] for item in walk(rig, 1000, **query)}


def test_a_derived_session_ends_after_more_than_thirty_minutes(rig: Rig, state: State) -> None:
    sent = [
        event("e", "ann", NOON + offset, session=session)
        for offset, session in [
            (0, None), (GAP_MS, None), (2 * GAP_MS, None), (3 * GAP_MS + 1, None), (3 * GAP_MS + 2, "own"), (4 * GAP_MS + 2, None),
            (4 * GAP_MS + 2, None), (5 * GAP_MS + 1, "own"), (5 * GAP_MS + 2, None),
        ]
    ]  # fmt: skip
    rig.place_events([*sent, event("e", "bob", NOON + 3 * GAP_MS)], state)
    listed = [(row.distinct_id, row.at_ms - NOON, listed_sessions(rig)[row.id]) for row in rows_of(rig)]
    ann, bob = rig.persons.numbers["p", "ann"], rig.persons.numbers["p", "bob"]
    first, second, third = (f"auto-{ann}-{NOON + start}" for start in (0, 3 * GAP_MS + 1, 4 * GAP_MS + 2))
    assert listed == [
        ("ann", 0, first), ("ann", GAP_MS, first), ("ann", 2 * GAP_MS, first), ("bob", 3 * GAP_MS, f"auto-{bob}-{NOON + 3 * GAP_MS}"),
        ("ann", 3 * GAP_MS + 1, second), ("ann", 3 * GAP_MS + 2, "own"), ("ann", 4 * GAP_MS + 2, third), ("ann", 4 * GAP_MS + 2, third),
        ("ann", 5 * GAP_MS + 1, "own"), ("ann", 5 * GAP_MS + 2, third),
    ]  # fmt: skip


def restless(rng: random.Random) -> list[Event]:
    """Sessions of minutes, of hours and of days, with gaps at the limit."""
    sent: list[Event] = []
    for person, steps in enumerate((40, 120, 500)):
        at_ms = NOON
        for _ in range(steps):
            at_ms += rng.choice([0, 1, 20 * MINUTE_MS, 29 * MINUTE_MS, GAP_MS])
            if rng.random() < 3 / steps:
                at_ms += 1 + GAP_MS
            sent.append(event("e", f"person-{person}", at_ms))
    rng.shuffle(sent)
    return sent


def test_derived_sessions_are_those_of_the_reference_on_every_page(rig: Rig, state: State) -> None:
    rig.place_events(restless(random.Random(7)), state)
    rows = rows_of(rig)
    expected = session_ids(rows)
    assert listed_sessions(rig) == expected
    # A page that begins in the middle of a session that is days long has to look back for its start.
    for limit in (1, 50):
        late = page(rig, EventsQuery(limit=limit))["data"]
        assert {item["id"]: item["session_id"] for item in late} == {item["id"]: expected[item["id"]] for item in late}
    dates = DateRange(NOON + 3 * DAY_MS, NOON + 5 * DAY_MS)
    assert listed_sessions(rig, dates=dates) == {
        row.id: expected[row.id] for row in rows if dates.from_ms <= row.at_ms < dates.to_ms
    }


def test_a_list_by_a_derived_session_has_all_of_it_and_nothing_else(rig: Rig, state: State) -> None:
    rig.place_events(restless(random.Random(8)), state)
    rows = rows_of(rig)
    expected = session_ids(rows)
    for session in sorted(set(expected.values())):
        assert {item["id"] for item in walk(rig, 1000, session_id=session)} == {
            key for key, value in expected.items() if value == session
        }
    longest = max(expected.values(), key=list(expected.values()).count)
    dates = DateRange(NOON + 2 * DAY_MS, NOON + 4 * DAY_MS)
    assert set(listed_sessions(rig, session_id=longest, dates=dates)) == {
        row.id for row in rows if expected[row.id] == longest and dates.from_ms <= row.at_ms < dates.to_ms
    }


def test_a_derived_session_id_that_names_no_start_has_no_events(rig: Rig, state: State) -> None:
    rig.place_events(events("ann: e@0m, e@10m; bob: e#auto-1-5@0m"), state)
    ann = rig.persons.numbers["p", "ann"]
    assert len(walk(rig, 10, session_id=f"auto-{ann}-{NOON}")) == 2
    for session in (
        f"auto-{ann}-{NOON + 10 * MINUTE_MS}",
        f"auto-{ann}-{NOON + 1}",
        f"auto-{ann + 99}-{NOON}",
        f"auto-0{ann}-{NOON}",
        "auto-",
        "auto-1-",
        f"auto-{10**18 - 1}-{10**15 - 1}",
    ):
        assert walk(rig, 10, session_id=session) == []
    # What looks like a derived id may be a client's own.
    assert [item["distinct_id"] for item in walk(rig, 10, session_id="auto-1-5")] == ["bob"]


# ---- One event ----


def test_an_event_is_found_by_its_id(rig: Rig, state: State) -> None:
    rig.place_events(crowd(9, 60), state)
    listed = walk(rig, 1000)
    for item in listed[::7]:
        assert get_event(rig.context(), item["id"]) == item


def test_an_event_of_another_project_or_of_none_is_not_found(rig: Rig, state: State) -> None:
    rig.place([rig.batch(crowd(10, 9)), rig.batch(crowd(11, 9), project="q")], state)
    other = rig.rows(project="q")[0].id
    assert get_event(rig.context("q"), other)["id"] == other
    near = str(UUID(int=UUID(rig.rows()[0].id).int ^ 1))
    for missing in (other, near, str(UUID(int=0)), str(UUID(int=2**128 - 1)), str(UUID(int=7 << 76 | 2 << 62))):
        with pytest.raises(NotFound, match=missing):
            get_event(rig.context(), missing)
