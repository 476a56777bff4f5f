"""Imports beside what clients send: an event id is stored once, and lists count what is stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig, expected_persons, shown

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("imports"))
    yield rig
    rig.close()


@pytest.fixture
def rig(shared_rig: RollupRig) -> Iterator[RollupRig]:
    yield shared_rig
    shared_rig.reset()


def an_event(name: str, event_id: str | None = ID, distinct_id: str = "ann") -> Event:
    event: Event = {"event": name, "timestamp": NOON, "userId": distinct_id}
    return event if event_id is None else {**event, "eventId": event_id}


def check(rig: RollupRig, *expected: str) -> None:
    """These events are at rest, and the list of persons counts them."""
    rows = rig.rows("p")
    assert sorted(row.event for row in rows) == sorted(expected)
    assert {name: shown(person) for name, person in rig.persons("p").items()} == expected_persons(rows)


def files_of(rig: RollupRig) -> set[Path]:
    return {path for path in (rig.folder / "events").rglob("*") if path.is_file()}


def test_after_a_restart_what_is_still_in_the_log_was_there_before_an_import(rig: RollupRig) -> None:
    rig.send("p", [an_event("sent")])
    rig.rollups.catch_up()
    rig.restart()
    rig.take_chunk("p", [an_event("imported"), an_event("alone", None)])
    check(rig, "sent", "alone")


@pytest.mark.parametrize("is_crash", [False, True])
def test_an_event_that_comes_while_a_chunk_with_its_id_is_written_is_the_one_that_counts(
    rig: RollupRig, monkeypatch: pytest.MonkeyPatch, is_crash: bool
) -> None:
    keep, times = rig.store.keep_persons, 0

    def and_then_some() -> None:  # between the writing of a chunk and its commit
        nonlocal times
        times += 1
        keep()
        if times == 1:
            rig.send("p", [an_event("sent", distinct_id="bob")])
            rig.rollups.catch_up()

    monkeypatch.setattr(rig.store, "keep_persons", and_then_some)
    rig.take_chunk("p", [an_event("imported"), an_event("alone", None)])
    assert times > 1, "nothing came in between"
    if is_crash:
        rig.restart()
    check(rig, "sent", "alone")
    parts = rig.catalog.parts("p")
    assert files_of(rig) == {rig.folder / part.path for part in parts}


def test_what_comes_after_an_imports_commit_is_the_repetition_and_in_no_list(
    rig: RollupRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = rig.catalog.replace

    def and_then_some(**changes: object) -> None:
        replace(**changes)  # type: ignore[arg-type]
        rig.send("p", [an_event("sent", distinct_id="bob")])

    monkeypatch.setattr(rig.catalog, "replace", and_then_some)
    rig.take_chunk("p", [an_event("imported")])
    monkeypatch.undo()
    check(rig, "imported")
    rig.restart()
    check(rig, "imported")
