"""Rollups equal what a slow look at all events says, whatever happened to the folder meanwhile."""

import json
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.engine.duck.summaries import SUMMARIES
from sv.meta.db import Row, Value
from sv.meta.rollups.builds import drop_rollups
from sv.meta.rollups.kinds import KINDS
from sv.model.errors import Unavailable
from sv.model.limits import HOUR_MS, MAX_PERSON_TRAITS, MAX_SHOWN_TRAITS_BYTES, MAX_TRAIT_BYTES, MINUTE_MS
from sv.model.persons import PersonFilter
from sv.model.rollup import Summary
from sv.model.search import folded
from tests.chance import examples
from tests.engine.rig import NOON, Event
from tests.engine.rollup_rig import RollupRig, expected_persons, shown, slices_of

HISTORIES = examples(140)
"""Of each kind of rollup, at least, in a run."""

PROJECTS = 48
"""Of one example, each with a history of its own: which requests it has, and where they lie among the flushes, restarts and merges that
all share."""

IDS = ("ann", "bob", "cy/../%2F", "dée🙂\n")
VALUES = ("a", "B@x.io", 1, 2.5, True, None, ["x", {"y": 1}], {"deep": {"er": "\u2028"}}, 10**15)
KEYS = ("email", "name", "plan", "a.b", "$odd", "", 'q"\\\n🙂/~1')


@pytest.fixture(scope="module")
def rollup_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("rollups"))
    yield rig
    rig.close()


def a_trait_set(chance: random.Random) -> Any:
    """Mostly an object of traits, now and then what is none."""
    if chance.random() < 0.1:
        return chance.choice(VALUES)
    return {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(3))}


def an_event(chance: random.Random) -> Event:
    """Any event, with a time from a few that collide and seldom come in order."""
    event: Event = {
        "event": chance.choice(("$pageview", "$identify", "$identify", "buy")),
        "timestamp": NOON + chance.randrange(6) * 20 * MINUTE_MS - chance.choice((0, 0, 0, 40 * HOUR_MS)),
        "properties": {},
    }
    properties = event["properties"]
    if chance.random() < 0.8:
        event["anonymousId"] = chance.choice(IDS)
    if "anonymousId" not in event or chance.random() < 0.3:
        event["userId"] = chance.choice(IDS)
    if chance.random() < 0.3:
        event["eventId"] = str(uuid.UUID(int=chance.randrange(12)))
    for name in ("$set", "$set_once"):
        if chance.random() < 0.4:
            properties[name] = a_trait_set(chance)
    for name in ("email", "plan", "$country", "$browser", "$device_type"):
        if chance.random() < 0.3:
            properties[name] = chance.choice(VALUES)
    return event


def live(
    rig: RollupRig, projects: list[str], chance: random.Random, an_event: Callable[[random.Random], Event] = an_event
) -> None:
    """Whatever may happen to a folder, in any order, with summaries of all rows at once or of a few."""
    with slices_of(chance.choice((60, 300, 1 << 16)) * max(len(projects), 16)):
        for _ in range(chance.randrange(3, 10)):
            befall(rig, projects, chance, an_event)


def befall(rig: RollupRig, projects: list[str], chance: random.Random, an_event: Callable[[random.Random], Event]) -> None:
    happens = chance.choice(("send", "send", "send", "send", "read", "flush", "restart", "compact", "rebuild", "import"))
    project = chance.choice(projects)
    if happens == "send":
        for each in chance.sample(projects, len(projects) - len(projects) // 4):
            rig.send(each, [an_event(chance) for _ in range(chance.randrange(1, 4))], country=chance.choice(("DE", "FR", None)))
    elif happens == "read":
        rig.rollups.catch_up()
    elif happens == "flush":
        rig.maintenance.flush()
    elif happens == "restart":
        rig.restart()
    elif happens == "compact":
        rig.maintenance.compact(everything=True)
    elif happens == "rebuild":
        assert rig.rollups.rebuild(project, rig.maintenance)
    else:
        rig.take_chunk(project, [an_event(chance) for _ in range(3)])


def check_histories(
    rig: RollupRig,
    an_event: Callable[[random.Random], Event],
    check: Callable[[str, random.Random], None],
    projects: int = PROJECTS,
) -> None:
    """Let at least HISTORIES projects live through what may happen, each life another, and look at each of them after it."""
    lived: set[str] = set()

    @settings(max_examples=-(-HISTORIES // projects), deadline=None)
    @given(seed=st.integers(0, 2**32))
    def check_some(seed: int) -> None:
        chance = random.Random(seed)
        names = [f"p{seed}-{nth}" for nth in range(projects)]
        try:
            live(rig, names, chance, an_event)
            for name in names:
                check(name, chance)
            lived.update(names)
        finally:
            rig.reset()

    check_some()
    print(f"{len(lived)} histories")
    assert len(lived) >= HISTORIES


def test_persons_equal_what_all_events_say_after_any_history(rollup_rig: RollupRig) -> None:
    def check(project: str, _: random.Random) -> None:
        kept = {name: shown(person) for name, person in rollup_rig.persons(project).items()}
        rows = rollup_rig.rows(project)
        assert kept == expected_persons(rows)
        assert len(rows) == rollup_rig.expected_count(project)

    check_histories(rollup_rig, an_event, check)


def test_the_engine_and_the_metadata_know_the_same_kinds_of_rollups() -> None:
    assert list(SUMMARIES) == [kind.name for kind in KINDS]


def an_identify(**traits: Any) -> Event:
    return {"event": "$identify", "timestamp": NOON, "userId": "ann", "properties": traits}


def an_event_of(distinct_id: str) -> Event:
    return {"event": "e", "userId": distinct_id, "timestamp": NOON}


def test_of_too_many_traits_those_are_kept_whose_names_come_first(rollup_rig: RollupRig) -> None:
    names = [f"t{nth:04}" for nth in range(MAX_PERSON_TRAITS + 200)]
    random.Random(1).shuffle(names)
    for start in range(0, len(names), 300):
        rollup_rig.send("many", [an_identify(**dict.fromkeys(names[start : start + 300], 1))])
        rollup_rig.rollups.catch_up()
    (person,) = rollup_rig.persons("many").values()
    assert list(json.loads(person.traits)) == sorted(names)[:MAX_PERSON_TRAITS]


def test_a_value_that_is_too_long_is_no_trait_and_an_earlier_one_stays(rollup_rig: RollupRig) -> None:
    rollup_rig.send("long", [an_identify(note="short"), an_identify(note="x" * MAX_TRAIT_BYTES)])
    assert json.loads(rollup_rig.persons("long")["ann"].traits) == {"note": "short"}


def test_an_answer_shows_no_more_of_ones_traits_than_the_bound(rollup_rig: RollupRig) -> None:
    for nth in range(12):
        rollup_rig.send("wide", [an_identify(**{f"t{nth:02}": "x" * (MAX_TRAIT_BYTES - 100)})])
    traits = rollup_rig.persons("wide")["ann"].traits
    assert list(json.loads(traits)) == [f"t{nth:02}" for nth in range(8)]
    assert len(traits) < MAX_SHOWN_TRAITS_BYTES + 1000


def test_a_batch_that_cannot_be_summarised_costs_itself_alone(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ann", "bob", "cy"):
        rollup_rig.send("bad", [{"event": "x", "timestamp": NOON, "userId": name}])
    bad = rollup_rig.seq - 1
    summarise = rollup_rig.tables.summarise

    def failing(generations: Sequence[int], after_seq: int, up_to_seq: int, project_id: str | None = None) -> list[Summary]:
        if after_seq < bad <= up_to_seq:
            raise ValueError("no summary")
        return summarise(generations, after_seq, up_to_seq, project_id)

    monkeypatch.setattr(rollup_rig.tables, "summarise", failing)
    assert sorted(rollup_rig.persons("bad")) == ["ann", "cy"]
    assert f"log position {bad} is missing in lists" in caplog.text
    rollup_rig.maintenance.flush()
    monkeypatch.undo()
    assert rollup_rig.rollups.rebuild("bad", rollup_rig.maintenance)
    assert sorted(rollup_rig.persons("bad")) == ["ann", "bob", "cy"]


def test_a_failed_rebuild_leaves_the_lists_as_they_were_and_its_rows_are_deleted(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollup_rig.send("stays", [{"event": "x", "timestamp": NOON, "userId": "ann"}])
    rollup_rig.maintenance.flush()

    def failing(*_: object) -> bool:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(rollup_rig.builds, "finish", failing)
    with pytest.raises(Unavailable):
        rollup_rig.rollups.rebuild("stays", rollup_rig.maintenance)
    monkeypatch.undo()
    rollup_rig.restart()
    rollup_rig.send("stays", [{"event": "x", "timestamp": NOON, "userId": "bob"}])
    rollup_rig.builds.drop_unfinished()
    assert sorted(rollup_rig.persons("stays")) == ["ann", "bob"]
    while rollup_rig.builds.purge():
        pass
    builds = rollup_rig.meta.rows("select count(distinct build) from person_rollups where distinct_id in ('ann', 'bob')")
    assert builds == rollup_rig.meta.rows("select count(*) from rollup_builds where state = 'live'")


def test_two_rebuilds_of_a_project_at_once_both_end(rollup_rig: RollupRig) -> None:
    for name in ("ann", "bob"):
        rollup_rig.send("both", [{"event": "x", "timestamp": NOON, "userId": name}])
        rollup_rig.maintenance.flush()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(rollup_rig.work.rebuild, ["both"] * 4)) == [True] * 4
    assert {name: person.event_count for name, person in rollup_rig.persons("both").items()} == {"ann": 1, "bob": 1}


def test_a_folder_of_events_without_rollups_says_so_until_they_are_made(rollup_rig: RollupRig) -> None:
    rollup_rig.send("old", [{"event": "x", "timestamp": NOON, "userId": "ann"}])
    rollup_rig.maintenance.flush()
    with rollup_rig.meta.transaction() as writer:
        drop_rollups(writer, "old")
    rollup_rig.send("old", [{"event": "x", "timestamp": NOON, "userId": "bob"}])
    with pytest.raises(Unavailable) as refused:
        rollup_rig.persons("old")
    assert refused.value.retry_after_s == 5
    assert "old" in rollup_rig.builds.projects_to_build()
    assert rollup_rig.rollups.rebuild("old", rollup_rig.maintenance)
    assert "old" not in rollup_rig.builds.projects_to_build()
    assert sorted(rollup_rig.persons("old")) == ["ann", "bob"]


def test_a_search_finds_any_part_of_an_id_an_email_or_a_name_in_any_case(rollup_rig: RollupRig) -> None:
    told = {
        "Ann-1": {"email": "Zoë@Example.COM"}, "ΑΣ": {"name": "İstanbul ΟΔΟΣ"}, "user 7": {"name": 'qu"ote'}, "100%": {}, "x_y": {},
    }  # fmt: skip
    sent = [{"event": "$identify", "timestamp": NOON, "userId": name, "properties": traits} for name, traits in told.items()]
    rollup_rig.send("search", sent)
    rollup_rig.rollups.catch_up()

    def found(text: str) -> set[str]:
        return {person.distinct_id for person in rollup_rig.lists.page("search", PersonFilter(search=text), 1 << 62, 10)}

    assert found("ANN") == found("n-1") == found("zoË@example.com") == found("@EX") == {"Ann-1"}
    assert found("istanbul") == found("οδοσ") == found("ΟΔΟΣ") == {"ΑΣ"}
    assert found("ας") == set()
    assert found("σ") == {"ΑΣ"}
    assert found('U"O') == found('"') == found("er 7") == {"user 7"}
    assert found("%") == {"100%"}
    assert found("_") == {"x_y"}
    assert found("1example") == found("nothing at all") == set()
    assert found("e") == {"Ann-1", "user 7"}


def test_every_part_of_a_text_finds_those_that_have_it(rollup_rig: RollupRig) -> None:
    texts = [
        "user-1234567",
        "user-1234576",
        "7654321-resu",
        "ab12345ab",
        "12345",
        "Ünïcödé-ßtraße",
        "aB",
        "AB",
        "5",
        "K2",
        "2k",
        "x\uffff",
        "é😀",
    ]
    rollup_rig.send("parts", [an_event_of(text) for text in texts])
    rollup_rig.rollups.catch_up()
    parts = {text[start:stop] for text in texts for start in range(len(text)) for stop in range(start + 1, len(text) + 1)}
    for part in sorted(parts):
        found = rollup_rig.lists.page("parts", PersonFilter(search=part), 1 << 62, 10)
        assert {person.distinct_id for person in found} == {text for text in texts if folded(part) in folded(text)}, part


@pytest.mark.parametrize("near", [0, 2, 50])
def test_a_search_is_paged_through_to_everybody_who_has_the_text(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    """However many there are: they are looked through, looked up one by one, or by the index."""
    monkeypatch.setattr("sv.meta.rollups.person_lists.NEAR", near)
    project = f"paged {near}"
    names = [f"{'rare-' if n % 20 == 0 else ''}{n}-common{chr(97 + n % 26) * 2}{chr(900 + n)}" for n in range(200)]
    rollup_rig.send(project, [an_event_of(text) for text in [*names, "mo"]])
    rollup_rig.rollups.catch_up()
    for part in ("common", "rare", "rare-100-", "om", "re", "mo", "zz", "c", "nn", "none"):
        found: list[str] = []
        before = 1 << 62
        while page := rollup_rig.lists.page(project, PersonFilter(search=part), before, 7):
            found += [person.distinct_id for person in page]
            before = page[-1].number
        assert sorted(found) == sorted(text for text in ["mo", *names] if part in text), part


def test_how_rare_a_trigram_is_is_told_by_the_projects_own_persons(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another project, whose persons came later, has everywhere what is rare here."""
    rollup_rig.send("mine", [an_event_of(f"abcdef-{n}") for n in range(250)] + [an_event_of("abcdef-uvwxyz")])
    rollup_rig.send("yours", [an_event_of(f"uvwxyz-{n}") for n in range(250)])
    rollup_rig.rollups.catch_up()
    asked: list[tuple[Value, ...]] = []
    read = rollup_rig.meta.rows

    def rows(sql: str, *values: Value) -> list[Row]:
        asked.append(values)
        return read(sql, *values)

    monkeypatch.setattr(rollup_rig.meta, "rows", rows)
    found = rollup_rig.lists.page("mine", PersonFilter(search="abcdef-uvwxyz"), 1 << 62, 10)
    assert [person.distinct_id for person in found] == ["abcdef-uvwxyz"]
    (number,) = {person.number for person in found}
    assert asked[-1][-1] == f"[{number}]", "nobody else was looked at"


def test_a_search_follows_the_traits_latest_values(rollup_rig: RollupRig) -> None:
    rollup_rig.send("moved", [an_identify(email="first@x.io")])
    rollup_rig.rollups.catch_up()
    rollup_rig.send("moved", [{**an_identify(email="second@x.io"), "timestamp": NOON + 1}])
    rollup_rig.send("moved", [{**an_identify(email="late@x.io"), "timestamp": NOON - 1}])
    rollup_rig.rollups.catch_up()
    found = {
        text: rollup_rig.lists.page("moved", PersonFilter(search=text), 1 << 62, 10) for text in ("first@", "late@", "second@")
    }
    assert {text: len(persons) for text, persons in found.items()} == {"first@": 0, "late@": 0, "second@": 1}


def test_a_text_is_folded_for_a_search_as_the_engine_folds_what_it_keeps(rollup_rig: RollupRig) -> None:
    with rollup_rig.database.cursor() as cursor:
        rows = cursor.execute("select chr(i::integer), lower(chr(i::integer)) from range(1, 12288) r(i)").fetchall()
    assert [(text, folded(text)) for text, _ in rows] == rows


def test_a_transaction_folds_no_more_than_so_many_events(rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.store.rollups.FOLD_ROWS", 3)
    rollup_rig.rollups.catch_up()
    first = rollup_rig.seq
    for size in (1, 2, 1, 1, 5, 1):
        rollup_rig.send("cut", [an_event_of(f"{rollup_rig.seq}-{n}") for n in range(size)])
    folded_to: list[int] = []
    fold = rollup_rig.builds.fold

    def noted(summaries: Sequence[Summary], seq: int, now_ms: int) -> None:
        folded_to.append(seq - first)
        fold(summaries, seq, now_ms)

    monkeypatch.setattr(rollup_rig.builds, "fold", noted)
    assert len(rollup_rig.persons("cut")) == 11
    assert folded_to == [2, 4, 5, 6]  # a batch is folded whole


def test_new_persons_by_the_ten_thousands_are_folded_by_transactions_that_others_need_not_wait_long_for(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound as it is set, in persons a transaction; that it was wide enough and too wide was seen in seconds (`FOLD_ROWS`)."""
    rollup_rig.rollups.catch_up()
    for start in range(0, 44_000, 2000):
        rollup_rig.send("many", [an_event_of(f"many-{start + n}") for n in range(2000)])
    persons_of: list[int] = []
    fold = rollup_rig.builds.fold

    def noted(summaries: Sequence[Summary], seq: int, now_ms: int) -> None:
        persons_of.append(sum(len(json.loads(each.content)) for each in summaries if each.kind == "persons"))
        fold(summaries, seq, now_ms)

    monkeypatch.setattr(rollup_rig.builds, "fold", noted)
    rollup_rig.rollups.catch_up()
    assert sum(persons_of) == 44_000
    assert max(persons_of) <= 25_000, "others would wait for more than two or three seconds on a busy machine"
    assert len(persons_of) == 2, "much smaller ones are only more statements"
