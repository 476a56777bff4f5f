"""Merged identity: whose an event is, in lists, trends and funnels, against a slow and obvious reference, in every storage state."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv.engine.duck.aliases import AliasTables
from sv.engine.duck.funnels import merged_keys
from sv.engine.port import Matcher, Scope
from sv.insights.events import list_events
from sv.insights.funnels import funnel
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.identity import AliasChanges, AliasPlace
from sv.model.limits import MAX_QUERY_S, MINUTE_MS
from sv.model.queries import EventsQuery
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.engine.identity_rig import MergedRig, merged_rig
from tests.engine.reference import Row, rows_of, session_ids
from tests.engine.rig import NOON, STATES, Event, State
from tests.engine.test_engine_funnels import Expected

MANY_PERSONS = 2**62
DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
IDS = ["a1", "a2", "a3", "u1", "u2", "both"]


def act(name: str, at_ms: int, *, anonymous: str | None = None, user: str | None = None, **more: Any) -> Event:
    ids = {"anonymousId": anonymous, "userId": user}
    return {"event": name, "timestamp": at_ms, **{key: value for key, value in ids.items() if value is not None}, **more}


def history(seed: int) -> list[Event]:
    """Few ids and few moments, in any order of arrival: several users on one device, several devices of one user, ids of both kinds."""
    rng = random.Random(seed)
    made: list[Event] = []
    for _ in range(rng.randrange(2, 28)):
        anonymous = rng.choice([None, "a1", "a1", "a2", "a3", "both", "u1"])
        user = rng.choice([None, None, "u1", "u2", "both", "a3"] if anonymous else ["u1", "u2", "both"])
        at_ms = NOON + rng.randrange(8) * rng.choice([1, 5 * MINUTE_MS, 31 * MINUTE_MS])
        more = {"sessionId": rng.choice(["s1", "s2"])} if rng.random() < 0.3 else {}
        plan = {"plan": rng.choice(["pro", "free"])} if rng.random() < 0.8 else {}
        made.append(act(rng.choice("abc"), at_ms, anonymous=anonymous, user=user, properties=plan, **more))
    return made


def attribution(rig: MergedRig, project: str) -> dict[str, str]:
    """Who each event is of, by its id, from nothing but the rule."""
    rows = sorted(
        rig.table("id::varchar as id, anonymous_id, user_id, epoch_ms(timestamp) as at_ms", project),
        key=lambda r: (r["at_ms"], r["id"]),
    )
    users = {row["user_id"] for row in rows} - {None}
    owner: dict[str, str] = {}
    for row in rows:
        anonymous, user = row["anonymous_id"], row["user_id"]
        if anonymous is not None and user is not None and anonymous not in users:
            owner.setdefault(anonymous, user)
    return {row["id"]: row["user_id"] or owner.get(row["anonymous_id"], row["anonymous_id"]) for row in rows}


def listed(context: Context, **query: Any) -> list[dict[str, Any]]:
    answer = list_events(context, EventsQuery(limit=1000, **query))
    assert not answer["meta"]["has_more"]
    return answer["data"]


def check_lists(rig: MergedRig, project: str, owners: dict[str, str]) -> None:
    context = rig.context(project)
    everything = listed(context)
    assert {item["id"]: item["distinct_id"] for item in everything} == owners
    sent = rig.table("id::varchar as id, anonymous_id, user_id, epoch_ms(timestamp) as at_ms", project)
    assert {(item["id"], item["anonymous_id"], item["user_id"]) for item in everything} == {
        (row["id"], row["anonymous_id"], row["user_id"]) for row in sent
    }
    assert {item["id"]: item["session_id"] for item in everything} == session_ids(rows_of(rig, project))
    owner_of = {row["anonymous_id"]: owners[row["id"]] for row in sent if row["user_id"] is None}
    for distinct_id in {*IDS, *owner_of}:
        # An id that no event carries alone may still have an owner: then the person asked for is the owner.
        person = (
            next((owners[row["id"]] for row in sent if row["user_id"] == distinct_id), None)
            or owner_of.get(distinct_id)
            or alias(sent, distinct_id)
        )
        expected = {event_id for event_id, owner in owners.items() if owner == person}
        assert {item["id"] for item in listed(context, distinct_id=distinct_id)} == expected, distinct_id


def alias(sent: Sequence[dict[str, Any]], distinct_id: str) -> str:
    both = [row for row in sent if row["anonymous_id"] == distinct_id and row["user_id"] is not None]
    return min(both, key=lambda row: (row["at_ms"], row["id"]))["user_id"] if both else distinct_id


def merged_rows(rig: MergedRig, project: str, owners: dict[str, str]) -> list[Row]:
    """Rows whose persons are those that events are attributed to."""
    numbers = {name: number for number, name in enumerate(sorted(set(owners.values())))}
    return [replace(row, person=numbers[owners[row.id]]) for row in rows_of(rig, project)]


def check_trends(context: Context, rows: Sequence[Row], own_rows: Sequence[Row]) -> None:
    body = {
        "events": [{"name": "a", "math": "unique_persons"}, {"name": "b", "math": "unique_sessions"}],
        "breakdown": "plan",
        "interval": "hour",
    }
    answer = trends(context, parse_trends_query(body | DAY, timezone="UTC", now_ms=NOON))
    persons = {line["breakdown_value"]: line["total"] for line in answer["series"] if line["event"] == "a"}
    expected: dict[Any, set[int]] = {}
    for row in rows:
        if row.event == "a":
            expected.setdefault(row.properties.get("plan"), set()).add(row.person)
    assert persons == {value: len(found) for value, found in expected.items()} or (not expected and set(persons.values()) <= {0})
    by_session = session_ids(own_rows)
    sessions = {line["breakdown_value"]: line["total"] for line in answer["series"] if line["event"] == "b"}
    for value in sessions:
        assert sessions[value] == len(
            {by_session[row.id] for row in own_rows if row.event == "b" and row.properties.get("plan") == value}
        )


def check_funnels(context: Context, rows: Sequence[Row], own_rows: Sequence[Row], modes: list[str]) -> None:
    body = {
        "steps": [{"event": "a"}, {"event": "b"}, {"event": "c"}],
        "conversion_window": "1h",
        "breakdown": "plan",
        "modes": modes,
    } | DAY
    for by, told in (("person", rows), ("session", own_rows)):
        query = parse_funnel_query(body | {"aggregate_by": by}, timezone="UTC", now_ms=NOON)
        answer = funnel(context, query)
        expected = Expected(told, query)
        outcomes = expected.outcomes()
        assert answer["steps"] == expected.lines(list(outcomes.values()))
        assert [(line["breakdown_value"], line["steps"]) for line in answer["breakdowns"]] == expected.breakdown(outcomes)


def check(rig: MergedRig, project: str, modes: list[str]) -> None:
    owners = attribution(rig, project)
    check_lists(rig, project, owners)
    rows, own_rows = merged_rows(rig, project, owners), rows_of(rig, project)
    check_trends(rig.context(project), rows, own_rows)
    check_funnels(rig.context(project), rows, own_rows, modes)
    check_trends(rig.forward(project), own_rows, own_rows)
    check_funnels(rig.forward(project), own_rows, own_rows, modes)


def forget_buffers(rig: MergedRig) -> None:
    for generation in list(rig.buffers):
        rig.tables.drop_buffer(generation)
    rig.buffers.clear()


@pytest.fixture
def merged(tmp_path: Path) -> Iterator[MergedRig]:
    with merged_rig(tmp_path / "data") as rig:
        yield rig


MODES: list[list[str]] = [[], ["strict_order"], ["strict_deduplication"], ["strict_once"], ["strict_increase"]]


@pytest.mark.parametrize("state", STATES)
def test_every_event_is_its_users_whatever_the_order_of_arrival(merged: MergedRig, state: State) -> None:
    for seed in (STATES.index(state), STATES.index(state) + len(STATES)):
        project = f"p{seed}"
        sent = history(seed * 7)
        half = len(sent) // 2
        for piece in (sent[:half], sent[half:]):
            if piece:
                merged.place_events(piece, state, batches=4, project=project)
                check(merged, project, MODES[(seed + seed // len(MODES)) % len(MODES)])
        forget_buffers(merged)


@pytest.mark.parametrize("state", ["buffer", "mixed"])
def test_a_rebuild_finds_the_same_users(merged: MergedRig, state: State) -> None:
    merged.place_events(history(500), state, batches=4)
    check(merged, "p", [])  # so that the engine knows the build that goes
    merged.rebuild()
    check(merged, "p", [])
    merged.buffer(merged.batch(history(600)))
    check(merged, "p", [])


@pytest.mark.parametrize("worth_runs", [0, 4])
def test_what_is_kept_of_a_step_is_whose_it_is_now(merged: MergedRig, worth_runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's matches are kept by stored numbers, or merged, by those of their users: a login that comes later moves them."""
    monkeypatch.setattr(merged_keys, "WORTH_RUNS", worth_runs)
    merged.flush(merged.buffer(merged.batch([act("view", NOON, anonymous="x"), act("view", NOON, anonymous="y")])))
    merged.flush(merged.buffer(merged.batch([act("buy", NOON + 5, user="ann")])))
    body = {"steps": [{"event": "view"}, {"event": "buy"}]} | DAY

    def counts(context: Context) -> list[int]:
        answer = funnel(context, parse_funnel_query(body, timezone="UTC", now_ms=NOON))
        return [step["count"] for step in answer["steps"]]

    assert counts(merged.context()) == [2, 0]
    assert merged.engine.cached_bytes > 0
    merged.buffer(merged.batch([act("login", NOON + 9, anonymous="x", user="ann")]))
    assert counts(merged.context()) == [2, 1]
    assert counts(merged.forward()) == [2, 0]
    merged.buffer(merged.batch([act("login", NOON + 7, anonymous="y", user="ann")]))
    assert counts(merged.context()) == [1, 1]
    merged.buffer(merged.batch([act("login", NOON + 6, anonymous="x", user="bob")]))
    assert counts(merged.context()) == [2, 1]


def test_persons_beyond_any_key_are_told_apart_as_well(merged: MergedRig) -> None:
    merged.max_person = MANY_PERSONS
    for seed in range(2):
        merged.place_events(history(1000 + seed), "mixed", batches=4, project=f"p{seed}")
        check(merged, f"p{seed}", MODES[seed % len(MODES)])
        forget_buffers(merged)


def test_the_same_events_in_another_order_are_attributed_alike(merged: MergedRig) -> None:
    sent = [item | {"eventId": f"00000000-0000-4000-8000-{number:012d}"} for number, item in enumerate(history(77))]
    # At different moments, since among events of one moment the one that came first is the earlier.
    sent = [item | {"timestamp": NOON + number} for number, item in enumerate(sent)]
    answers: list[dict[int, str]] = []
    for seed in range(6):
        random.Random(seed).shuffle(sent)
        merged.place_events(sent, "mixed", batches=5, project=f"p{seed}")
        found = merged.table("id::varchar as id, epoch_ms(timestamp) as at_ms", f"p{seed}")
        owners = {item["id"]: item["distinct_id"] for item in listed(merged.context(f"p{seed}"))}
        answers.append({row["at_ms"]: owners[row["id"]] for row in found})
    assert all(answer == answers[0] for answer in answers)


def test_two_users_of_one_device_stay_two_persons(merged: MergedRig) -> None:
    merged.buffer(merged.batch([
        act("view", NOON, anonymous="device"),
        act("login", NOON + 1, anonymous="device", user="ann"),
        act("login", NOON + 2, anonymous="device", user="bob"),
        act("view", NOON + 3, anonymous="device"),
    ]))  # fmt: skip
    assert [item["distinct_id"] for item in listed(merged.context())] == ["ann", "bob", "ann", "ann"]


def test_an_earlier_login_that_comes_late_takes_the_device_over(merged: MergedRig) -> None:
    merged.buffer(merged.batch([act("view", NOON, anonymous="device"), act("login", NOON + 10, anonymous="device", user="bob")]))
    assert [item["distinct_id"] for item in listed(merged.context())] == ["bob", "bob"]
    assert unique(merged.context(), "view") == 1
    merged.buffer(merged.batch([act("login", NOON + 5, anonymous="device", user="ann")]))
    assert [item["distinct_id"] for item in listed(merged.context())] == ["bob", "ann", "ann"]


def test_an_id_that_comes_to_be_a_user_id_is_nobody_elses_any_more(merged: MergedRig) -> None:
    merged.buffer(merged.batch([act("view", NOON, anonymous="x"), act("view", NOON + 1, anonymous="x", user="ann")]))
    assert unique(merged.context(), "view") == 1
    merged.buffer(merged.batch([act("buy", NOON + 2, user="x")]))
    assert [item["distinct_id"] for item in listed(merged.context())] == ["x", "ann", "x"]
    assert unique(merged.context(), "view") == 2


def test_other_projects_say_nothing_of_an_id(merged: MergedRig) -> None:
    merged.buffer(merged.batch([act("view", NOON, anonymous="a"), act("view", NOON + 1, anonymous="b")], project="p"))
    merged.buffer(merged.batch([act("view", NOON, anonymous="a", user="ann"), act("view", NOON, user="b")], project="q"))
    assert [item["distinct_id"] for item in listed(merged.context("p"))] == ["b", "a"]
    assert listed(merged.context("p"), distinct_id="ann") == []


def test_a_query_tells_persons_apart_as_when_it_began(merged: MergedRig) -> None:
    merged.buffer(merged.batch([act("view", NOON, anonymous="x"), act("view", NOON + 1, anonymous="x", user="ann")]))
    before = merged.context().attributed()
    merged.buffer(merged.batch([act("buy", NOON + 2, user="x")]))
    after = merged.context().attributed()
    body = {"events": [{"name": "view", "math": "unique_persons"}]} | DAY
    query = parse_trends_query(body, timezone="UTC", now_ms=NOON)
    scope = Scope(query.dates.from_ms, query.dates.to_ms)
    cells = [
        context.engine.trend(
            context.snapshot, scope, Matcher("view"), "unique_persons", None, [query.dates.from_ms], None, 0, context.limits
        )
        for context in (before, after, before)
    ]
    assert [found.totals.tolist() for found in cells] == [[1.0], [2.0], [1.0]]


class Told:
    """A rollup that tells what a test wants it to."""

    def __init__(self) -> None:
        self.build = 0
        self.rows: list[tuple[int, int, int]] = []

    def tell(self, *rows: tuple[int, int]) -> None:
        start = max((version for *_, version in self.rows), default=0)
        self.rows += [(person, user, start + nth) for nth, (person, user) in enumerate(rows, start=1)]

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges:
        version = after.version if after.build == self.build else -1
        found = [row for row in self.rows if row[2] > version][:2]
        place = AliasPlace(self.build, max((row[2] for row in found), default=version))
        return AliasChanges(place, len(found), json.dumps([row[:2] for row in found]))


def held(merged: MergedRig, tables: AliasTables, refresh: int) -> dict[int, int]:
    with merged.database.cursor() as cursor:
        return dict(cursor.execute(tables.select(tables.as_of("p", refresh))).fetchall())


def test_each_refresh_can_be_read_after_later_ones(merged: MergedRig) -> None:
    told = Told()
    now_s = [0.0]
    tables = AliasTables(merged.database, told, lambda: now_s[0])
    assert held(merged, tables, empty := tables.refresh("p")) == {}
    told.tell((1, 10), (2, 10), (3, 20), (4, 20), (5, 20))
    first = tables.refresh("p")
    told.tell((2, 20), (3, 3))
    second = tables.refresh("p")
    told.build += 1
    told.rows.clear()
    told.tell((7, 70))
    third = tables.refresh("p")
    assert tables.refresh("p") == third
    assert [held(merged, tables, refresh) for refresh in (empty, first, second, third)] == [
        {}, {1: 10, 2: 10, 3: 20, 4: 20, 5: 20}, {1: 10, 2: 20, 4: 20, 5: 20}, {7: 70},
    ]  # fmt: skip


def test_rows_that_no_query_can_see_any_more_go_away(merged: MergedRig) -> None:
    told = Told()
    now_s = [0.0]
    tables = AliasTables(merged.database, told, lambda: now_s[0])
    told.tell((1, 10))
    tables.refresh("p")
    for user in range(11, 20):
        told.tell((1, user))
        latest = tables.refresh("p")
    assert rows_held(merged, tables) == 10
    now_s[0] = MAX_QUERY_S + 1
    told.tell((2, 10))
    latest = tables.refresh("p")
    assert rows_held(merged, tables) == 2
    assert held(merged, tables, latest) == {1: 19, 2: 10}


def rows_held(merged: MergedRig, tables: AliasTables) -> int:
    table = tables.select(tables.as_of("p", 0)).split(" from ")[1].split()[0]
    with merged.database.cursor() as cursor:
        return cursor.execute(f"select count(*) from {table}").fetchall()[0][0]


def unique(context: Context, name: str) -> int:
    body = {"events": [{"name": name, "math": "unique_persons"}]} | DAY
    total: int = trends(context, parse_trends_query(body, timezone="UTC", now_ms=NOON))["series"][0]["total"]
    return total
