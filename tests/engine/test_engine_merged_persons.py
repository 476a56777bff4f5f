"""Lists of persons where identity is merged: each is the sum of all its ids, as a slow reference over all events says, after any history."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.meta.rollups import merged_persons
from sv.meta.rollups.merged_persons import MergedPersons
from sv.model.errors import Unavailable
from sv.model.persons import Person, PersonFilter
from tests.chance import examples
from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig, Row, expected_persons, shown
from tests.engine.test_engine_rollups import live

EVERYBODY = PersonFilter()
BEYOND = 1 << 62


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RollupRig]:
    made = RollupRig(tmp_path)
    yield made
    made.close()


def an_event(chance: random.Random) -> Event:
    """Few ids and few moments; `device` says the anonymous id once more, for the reference."""
    anonymous = chance.choice((None, "a1", "a1", "a2", "a3", "both", "u1"))
    user = chance.choice((None, None, "u1", "u2", "both", "a3") if anonymous else ("u1", "u2", "both"))
    properties: dict[str, Any] = {"device": anonymous}
    for name in ("email", "name", "$country", "$browser", "$device_type"):
        if chance.random() < 0.3:
            properties[name] = chance.choice(("Ann@x", "bob@x", "DE", "FR", "Firefox"))
    for name in ("$set", "$set_once"):
        if chance.random() < 0.4:
            properties[name] = {key: chance.choice(("x", "Y", 1)) for key in chance.sample(("email", "plan", "team"), 2)}
    event: Event = {
        "event": chance.choice(("$identify", "view")),
        "timestamp": NOON + chance.randrange(6),
        "properties": properties,
    }
    ids = {"anonymousId": anonymous, "userId": user}
    return event | {name: value for name, value in ids.items() if value is not None}


def attributed(rows: Sequence[Row]) -> list[Row]:
    """The rows, each of whom it is of. They come in the order of time and ids."""
    users = {row.user_id: row.person for row in rows if row.user_id is not None}
    owner: dict[str, str] = {}
    for row in rows:
        device = row.properties["device"]
        if device is not None and row.user_id is not None and device not in users:
            owner.setdefault(device, row.user_id)
    moved: list[Row] = []
    for row in rows:
        user = owner.get(row.distinct_id) if row.user_id is None else None
        moved.append(row if user is None else replace(row, distinct_id=user, person=users[user]))
    return moved


def walked(lists: MergedPersons, project: str, wanted: PersonFilter = EVERYBODY, limit: int = 2) -> list[Person]:
    found: list[Person] = []
    while page := lists.page(project, wanted, found[-1].number if found else BEYOND, limit):
        found += page
        if len(page) < limit:
            break
    assert [person.number for person in found] == sorted((person.number for person in found), reverse=True)
    return found


def check(rig: RollupRig, project: str) -> None:
    rig.rollups.catch_up()
    lists = MergedPersons(rig.meta, rig.builds)
    sent = rig.rows(project)
    rows = attributed(sent)
    expected = expected_persons(rows)
    everybody = walked(lists, project)
    assert {person.distinct_id: shown(person) for person in everybody} == expected
    for before, after in zip(sent, rows, strict=True):
        found = lists.one(project, before.distinct_id)
        assert found is not None
        assert found.distinct_id == after.distinct_id
    for field in ("country", "browser", "device_type"):
        for value in ("DE", "FR", "Firefox", "Ann@x"):
            found = walked(lists, project, PersonFilter(**{field: value, "has_user_id": True}))
            assert {each.distinct_id for each in found} == {
                name for name, each in expected.items() if each[field] == value and each["is_user"]
            }
    for text in ("u1", "a", "ann@x", "BOB", "both"):
        hits = {after.distinct_id for before, after in zip(sent, rows, strict=True) if text.lower() in before.distinct_id}
        hits |= {
            name
            for name, each in expected.items()
            if any(text.lower() in str(each["traits"].get(key, "")).lower() for key in ("email", "name"))
        }
        assert {each.distinct_id for each in walked(lists, project, PersonFilter(search=text))} >= hits


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32), candidates=st.sampled_from((0, 2, 2000)), near=st.sampled_from((0, 2, 2000)))
def test_merged_persons_equal_what_all_events_say_after_any_history(
    rig: RollupRig, seed: int, candidates: int, near: int
) -> None:
    chance = random.Random(seed)
    projects = [f"p{seed}-{nth}" for nth in range(4)]
    kept, merged_persons.MAX_CANDIDATES = merged_persons.MAX_CANDIDATES, candidates  # pyright: ignore[reportConstantRedefinition]
    kept_near, merged_persons.NEAR = merged_persons.NEAR, near  # pyright: ignore[reportConstantRedefinition]
    try:
        live(rig, projects, chance, an_event)
        for project in projects:
            check(rig, project)
    finally:
        merged_persons.MAX_CANDIDATES = kept  # pyright: ignore[reportConstantRedefinition]
        merged_persons.NEAR = kept_near  # pyright: ignore[reportConstantRedefinition]
        rig.reset()


def test_persons_that_an_earlier_release_folded_are_not_searched_in_before_they_are_made_anew(rig: RollupRig) -> None:
    """Its index of texts was another one, in which a search finds nobody."""
    tell(rig)("view", None, "ann", NOON)
    lists = MergedPersons(rig.meta, rig.builds)
    assert [each.distinct_id for each in walked(lists, "p", PersonFilter(search="ann"))] == ["ann"]
    with rig.meta.transaction() as writer:
        writer.execute("update rollup_builds set version = replace(version, 'persons=', 'persons=1')")
    with pytest.raises(Unavailable, match="are being made"):
        walked(lists, "p", PersonFilter(search="ann"))


def test_a_person_is_found_by_what_any_of_the_ids_is_called(rig: RollupRig) -> None:
    send = tell(rig)
    send("view", "device-77", None, NOON, {"$set": {"email": "old@example.com"}})
    send("signup", "device-77", "ann", NOON + 1, {"$set": {"email": "new@example.com"}})
    send("view", "device-78", None, NOON)
    lists = MergedPersons(rig.meta, rig.builds)
    for text in ("device-77", "OLD@", "new@", "ann", "nn"):
        assert [each.distinct_id for each in walked(lists, "p", PersonFilter(search=text))] == ["ann"], text
    assert [each.distinct_id for each in walked(lists, "p", PersonFilter(search="device-7"))] == ["device-78", "ann"]
    (ann,) = walked(lists, "p", PersonFilter(search="ann"))
    assert json.loads(ann.traits) == {"email": "new@example.com"}
    assert ann.event_count == 2


def tell(rig: RollupRig) -> Callable[..., None]:
    def send(name: str, anonymous: str | None, user: str | None, at_ms: int, properties: dict[str, Any] | None = None) -> None:
        ids = {"anonymousId": anonymous, "userId": user}
        rig.send("p", [{"event": name, "timestamp": at_ms, "properties": properties or {}} | {k: v for k, v in ids.items() if v}])
        rig.rollups.catch_up()

    return send
