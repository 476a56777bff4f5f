"""Sessions equal what a slow look at all events says, whatever happened to the folder meanwhile."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.engine.duck.relation import SESSION_GAP_MS
from sv.meta.rollups.session_lists import SessionLists
from sv.meta.rollups.sessions import GAP_MS
from sv.model.calendar import DateRange
from sv.model.filters import url_path
from sv.model.limits import HOUR_MS, MINUTE_MS
from sv.model.sessions import ListedSession, SessionFilter
from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig, expected_persons
from tests.engine.rollup_rig import shown as shown_person
from tests.engine.session_rig import Seen, events_of, expected_sessions, paged, plain, rows_of, shown
from tests.engine.test_engine_rollups import check_histories, live

IDS = ("ann", "bob", "cy/../%2F")
SESSIONS = ("s-1", "s/2?%2F\n", "auto-1-5", "🙂")
URLS = ("https://x.io/", "https://x.io/a?b=1", "https://x.io/a/#c", "about:blank", "/a", "", 7)
VALUES = ("DE", "Mobile", "Firefox", 3, None)


@pytest.fixture(scope="module")
def session_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("sessions"))
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def lists(session_rig: RollupRig) -> SessionLists:
    return SessionLists(session_rig.meta, session_rig.builds)


def an_event(chance: random.Random) -> Event:
    """Any event, at a time that collides, lies at a session's edge or begins a new one, and seldom comes in order."""
    edge = chance.choice((0, 0, 0, 1, -1))
    event: Event = {
        "event": chance.choice(("$pageview", "$pageview", "$pageleave", "$identify", "buy")),
        "timestamp": NOON + chance.randrange(12) * chance.choice((10, 15, 30)) * MINUTE_MS + edge,
        "properties": {},
    }
    if chance.random() < 0.8:
        event["anonymousId"] = chance.choice(IDS)
    if "anonymousId" not in event or chance.random() < 0.3:
        event["userId"] = chance.choice(IDS)
    if chance.random() < 0.4:
        event["sessionId"] = chance.choice(SESSIONS)
    if chance.random() < 0.3:
        event["eventId"] = str(uuid.UUID(int=chance.randrange(12)))
    for name, values in (
        ("$current_url", URLS), ("$referrer", URLS), ("$country", VALUES), ("$device_type", VALUES), ("$browser", VALUES), ("$os", VALUES)
    ):  # fmt: skip
        if chance.random() < 0.5:
            event["properties"][name] = chance.choice(values)
    return event


def a_filter(chance: random.Random) -> SessionFilter:
    """Some of what may be asked, each alone or together."""
    share = chance.choice((0.1, 0.25))
    asked: tuple[tuple[str, Any], ...] = (
        ("distinct_id", chance.choice(IDS)), ("is_bounce", chance.random() < 0.5), ("country", "DE"), ("device_type", "Mobile"),
        ("browser", "Firefox"), ("min_duration_ms", chance.randrange(3 * HOUR_MS)), ("max_duration_ms", chance.randrange(3 * HOUR_MS)),
        ("dates", DateRange(NOON + chance.randrange(HOUR_MS), NOON + chance.randrange(3 * HOUR_MS))),
        ("entry_url", chance.choice([url for url in URLS if isinstance(url, str)])),
        ("entry_path", url_path(chance.choice(("/", "/a", "/a/")))),
    )  # fmt: skip
    return SessionFilter(**{name: value for name, value in asked if chance.random() < share})


def meets(seen: Seen, wanted: SessionFilter) -> bool:
    """Whether the filter wants the session, said plainly."""
    duration_ms = seen.ended_ms - seen.started_ms
    equal = ("is_bounce", "entry_url", "entry_path", "country", "device_type", "browser")
    return (
        all(getattr(wanted, name) in (None, getattr(seen, name)) for name in equal)
        and (wanted.distinct_id is None or wanted.distinct_id in seen.persons)
        and (wanted.min_duration_ms is None or duration_ms >= wanted.min_duration_ms)
        and (wanted.max_duration_ms is None or duration_ms <= wanted.max_duration_ms)
        and wanted.dates.from_ms <= seen.started_ms < wanted.dates.to_ms
    )


def test_sessions_and_persons_equal_what_all_events_say_after_any_history(session_rig: RollupRig, lists: SessionLists) -> None:
    def check(project: str, chance: random.Random) -> None:
        kept = {name: shown_person(person) for name, person in session_rig.persons(project).items()}
        events = events_of(session_rig, project)
        assert len(events) == session_rig.expected_count(project)
        assert kept == expected_persons(rows_of(project, events))
        expected = expected_sessions(events)
        listed = [each.session for each in paged(lists, project)]
        assert [session.started_ms for session in listed] == sorted((each.started_ms for each in expected.values()), reverse=True)
        assert {each.id: shown(each) for each in listed} == {each.id: plain(each) for each in expected.values()}
        assert all(lists.one(project, each.id) == each for each in listed)
        for name in IDS:
            own = paged(lists, project, SessionFilter(distinct_id=name))
            assert [each.place.started_ms for each in own] == [each.session.started_ms for each in own]
            assert {each.session.id for each in own} == {each.id for each in expected.values() if name in each.persons}
        wanted = a_filter(chance)
        found = sorted(each.session.id for each in paged(lists, project, wanted))
        assert found == sorted(each.id for each in expected.values() if meets(each, wanted)), wanted

    check_histories(session_rig, an_event, check)


def test_persons_of_different_projects_under_the_same_number_share_no_session(
    session_rig: RollupRig, lists: SessionLists
) -> None:
    """And the names of derived sessions tell nothing of how many persons other projects have."""
    for place, (project, name) in enumerate((("apart-1", "ann"), ("apart-2", "bob"))):
        session_rig.send(project, [{"event": "view", "anonymousId": name, "timestamp": NOON + place * MINUTE_MS}])
    session_rig.rollups.catch_up()
    assert [[each.session.id for each in paged(lists, project)] for project in ("apart-1", "apart-2")] == [
        [f"auto-1-{NOON}"],
        [f"auto-1-{NOON + MINUTE_MS}"],
    ]


def test_the_engine_and_the_metadata_end_a_session_after_the_same_gap() -> None:
    assert GAP_MS == SESSION_GAP_MS


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_was_listed_at_page_one_is_seen_once_though_late_events_move_it(
    session_rig: RollupRig, lists: SessionLists, seed: int
) -> None:
    """A place that is not seen is a derived session that was joined with an earlier one, which is."""
    chance = random.Random(seed)
    projects = [f"m{seed}-{nth}" for nth in range(4)]
    wanted = chance.choice((SessionFilter(), SessionFilter(distinct_id=chance.choice(IDS)), SessionFilter(min_duration_ms=0)))
    try:
        live(session_rig, projects, chance, an_event)
        session_rig.rollups.catch_up()
        there = {project: {at(each) for each in paged(lists, project, wanted, 100)} for project in projects}
        seen = {project: lists.page(project, wanted, None, 2) for project in projects}
        is_over = False
        while not is_over:
            live(session_rig, projects, chance, an_event)
            session_rig.rollups.catch_up()
            is_over = True
            for project in projects:
                page = lists.page(project, wanted, seen[project][-1].place, 2) if seen[project] else []
                seen[project] += page
                is_over &= not page
        for project in projects:
            check_seen_once(seen[project])
            missed = there[project] - {at(each) for each in seen[project]}
            own = {(each.session.tie, each.session.started_ms, each.session.ended_ms) for each in paged(lists, project)}
            for started_ms, tie in missed:
                assert any(tie == owner and start < started_ms <= end for owner, start, end in own)
    finally:
        session_rig.reset()


def at(listed: ListedSession) -> tuple[int, int]:
    """Where the session was at page one, which names it."""
    return listed.place.started_ms, listed.place.tie


def check_seen_once(seen: list[ListedSession]) -> None:
    """No client's session twice, at whatever places, and no place twice. A derived session has another id once it has moved."""
    ids = [each.session.id for each in seen if not is_derived(each)]
    assert len(ids) == len(set(ids)), ids
    places = [at(each) for each in seen]
    assert len(places) == len(set(places))


def is_derived(listed: ListedSession) -> bool:
    return listed.session.id not in SESSIONS
