"""What definitions make of values at the edges of kinds, and of more names than they keep."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sv.meta.rollups import definitions
from sv.meta.rollups.builds import drop_rollups
from sv.model.definitions import DefinitionsQuery, NotesChange
from sv.model.limits import (
    MAX_EVENT_NAMES,
    MAX_PROPERTIES_PER_EVENT,
    MAX_PROPERTIES_PER_SUMMARY,
    MAX_PROPERTY_NAME_CHARS,
    MAX_PROPERTY_NAMES,
)
from tests.engine.definition_rig import listed_properties, lists_of
from tests.engine.rig import CHROME, Event
from tests.engine.rollup_rig import RECEIVED, RollupRig


@pytest.fixture(scope="module")
def rollup_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupRig]:
    rig = RollupRig(tmp_path_factory.mktemp("bounds"))
    yield rig
    rig.close()


def told(name: str, /, **properties: Any) -> Event:
    return {"event": name, "anonymousId": "ann", "timestamp": RECEIVED, "properties": properties}


def send(rig: RollupRig, project: str, events: Sequence[Event], together: int = 2000, user_agent: str = "") -> None:
    """In requests, each folded by itself."""
    for start in range(0, len(events), together):
        rig.send(project, events[start : start + together], user_agent=user_agent)
        rig.rollups.catch_up()


def volumes(rig: RollupRig, project: str) -> dict[str, int]:
    rig.rollups.catch_up()
    found = lists_of(rig).events(project, DefinitionsQuery(MAX_EVENT_NAMES * 2), RECEIVED)
    return {each.name: each.volume for each in found}


def counts(rig: RollupRig, project: str, event: str | None = None) -> dict[str, int]:
    rig.rollups.catch_up()
    found = lists_of(rig).properties(project, DefinitionsQuery(MAX_PROPERTY_NAMES * 2, event=event))
    return {each.name: each.event_count for each in found}


DATETIMES = (
    "2025-01-31", "1970-01-01", "9999-12-31", "2025-01-31T12:00", "2025-01-31T12:00:00", "2025-01-31 12:00:00", "2025-01-31T12:00:00Z",
    "2025-01-31T23:59:60Z", "2025-01-31T12:00:00.5+02:00", "2025-01-31T12:00:00,123-0530", "2025-01-31T12:00+01", "2025-01-31T12:00:00.123456789Z",
)  # fmt: skip
TEXTS = (
    "", "2025", "2025-01", "2025-1-31", "2025-13-01", "2025-01-32", "2025-00-10", "25-01-31", "20250131", "31.01.2025", "2025-01-31T", "2025-01-31T12",
    "2025-01-31T24:00", "2025-01-31T12:60", "2025-01-31t12:00", "2025-01-31T12:00:00.Z", "2025-01-31T12:00:00+25:00", " 2025-01-31", "2025-01-31 ",
    "2025-01-31\n", "x2025-01-31", "2025-01-31T12:00:00ZZ", "-025-01-31", "٢٠٢٥-01-31", "1738324800", "true", "null", "{}",
)  # fmt: skip


def test_a_text_is_a_datetime_where_it_is_an_iso_8601_date_or_date_and_time(rollup_rig: RollupRig) -> None:
    values = (*DATETIMES, *TEXTS)
    send(rollup_rig, "iso", [told("x", **{f"k{place}": value for place, value in enumerate(values)})])
    found = listed_properties(rollup_rig, "iso")
    kinds = {value: found[f"k{place}"]["type"] for place, value in enumerate(values)}
    assert kinds == dict.fromkeys(DATETIMES, "datetime") | dict.fromkeys(TEXTS, "string")


def test_whatever_a_key_holds_it_is_a_name(rollup_rig: RollupRig) -> None:
    keys = (
        "$.*",
        "$",
        "*",
        "a.b",
        "a/b",
        "~0",
        "'",
        '"',
        "\\",
        "\n",
        "{x}",
        "0",
        "name",
        "🦊",
        "ﬀ",
        "x" * MAX_PROPERTY_NAME_CHARS,
    )
    send(rollup_rig, "keys", [told("x", **dict.fromkeys(keys, 1)), told("x", **{"": 1, "x" * (MAX_PROPERTY_NAME_CHARS + 1): 1})])
    found = counts(rollup_rig, "keys")
    assert found == dict.fromkeys(keys, 1)


def test_of_one_event_the_first_properties_are_looked_at_and_all_that_the_server_added(rollup_rig: RollupRig) -> None:
    names = [f"k{place:04}" for place in range(1000)]
    send(rollup_rig, "wide", [told("x", **dict.fromkeys(names, 1), **{"$browser": "Own", "$odd": 1})], user_agent=CHROME)
    found = listed_properties(rollup_rig, "wide")
    assert [name for name in names if name in found] == names[:MAX_PROPERTIES_PER_EVENT]
    assert found["$browser"]["examples"] == ["Own"]
    assert "$os" in found
    assert "$odd" not in found


def test_beyond_the_bound_new_event_names_are_left_out_known_ones_count_on_and_the_log_says_so_once(
    rollup_rig: RollupRig, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"e{place:05}" for place in range(MAX_EVENT_NAMES)]
    send(rollup_rig, "many", [told(name) for name in names])
    assert caplog.text == ""
    send(rollup_rig, "many", [told(name) for name in ("strange", names[0], "stranger", names[-1])], together=2)
    assert volumes(rollup_rig, "many") == dict.fromkeys(names, 1) | {names[0]: 2, names[-1]: 2}
    assert caplog.text.count("project many has more than 10,000 event names") == 1
    send(rollup_rig, "few", [told("strange")])
    assert volumes(rollup_rig, "few") == {"strange": 1}
    assert rollup_rig.rollups.rebuild("many", rollup_rig.maintenance)
    assert volumes(rollup_rig, "many") == dict.fromkeys(names, 1) | {names[0]: 2, names[-1]: 2}


def test_beyond_the_bound_new_property_names_are_left_out_and_known_ones_count_on(
    rollup_rig: RollupRig, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"k{place:05}" for place in range(MAX_PROPERTY_NAMES + 500)]
    each = MAX_PROPERTIES_PER_EVENT
    events = [told("x", **dict.fromkeys(names[start : start + each], 1)) for start in range(0, len(names), each)]
    send(rollup_rig, "props", events, together=20)
    before = counts(rollup_rig, "props")
    assert len(before) == MAX_PROPERTY_NAMES
    assert counts(rollup_rig, "props", "x") == before
    assert caplog.text.count("more than 10,000 property names") == 1
    send(rollup_rig, "props", [told("y", **dict.fromkeys((names[0], names[-1], "strange"), 1))])
    assert counts(rollup_rig, "props") == before | {names[0]: 2}
    assert counts(rollup_rig, "props", "y") == {names[0]: 1}


def test_beyond_the_bound_new_pairs_are_left_out_and_known_ones_count_on(
    rollup_rig: RollupRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(definitions, "MAX_PROPERTY_PAIRS", 20)
    send(rollup_rig, "pairs", [told("often", **{f"k{place}": 1 for place in range(10)})] * 2)
    before = counts(rollup_rig, "pairs", "often")
    send(rollup_rig, "pairs", [told("seldom", **{f"k{place}": 1 for place in range(10)}), told("often", k1=1)])
    assert counts(rollup_rig, "pairs", "often")["k1"] == before["k1"] + 1
    assert (len(counts(rollup_rig, "pairs", "often")), len(counts(rollup_rig, "pairs", "seldom"))) == (10, 10)
    assert counts(rollup_rig, "pairs")["k1"] == 4
    send(rollup_rig, "pairs", [told("never", k1=1)])
    assert counts(rollup_rig, "pairs", "never") == {}
    assert caplog.text.count("more than 20 pairs of an event and a property") == 1


def test_in_a_flood_of_made_up_names_the_common_ones_are_counted(rollup_rig: RollupRig) -> None:
    rows = MAX_PROPERTIES_PER_SUMMARY // (MAX_PROPERTIES_PER_EVENT - 1) + 2
    names = iter(f"k{place}" for place in range(rows * MAX_PROPERTIES_PER_EVENT))
    flood = [told("x", plan="pro", **{next(names): 1 for _ in range(MAX_PROPERTIES_PER_EVENT - 1)}) for _ in range(rows)]
    send(rollup_rig, "flood", flood)
    found = counts(rollup_rig, "flood")
    assert found["plan"] == rows
    assert len(found) == MAX_PROPERTY_NAMES


def test_names_that_nothing_counts_any_more_give_way_but_those_of_which_somebody_wrote(rollup_rig: RollupRig) -> None:
    names = [f"e{place:05}" for place in range(MAX_EVENT_NAMES)]
    send(rollup_rig, "gone", [told(name) for name in names])
    lists_of(rollup_rig).note_event("gone", names[7], NotesChange(description="kept"), RECEIVED)
    rollup_rig.maintenance.flush()
    with rollup_rig.meta.transaction() as writer:
        drop_rollups(writer, "gone")
        writer.execute("update parts set state = 'dropped' where project_id = 'gone'")
    while rollup_rig.builds.purge():
        pass
    send(rollup_rig, "gone", [told("new")])
    assert volumes(rollup_rig, "gone") == {"new": 1}
    kept = rollup_rig.meta.rows("select name from event_names where project_id = 'gone' order by name")
    assert kept == [(names[7],), ("new",)]


def test_a_dropped_build_leaves_no_row_behind(rollup_rig: RollupRig) -> None:
    send(rollup_rig, "short", [told("x", plan="pro")])
    with rollup_rig.meta.transaction() as writer:
        drop_rollups(writer, "short")
    while rollup_rig.builds.purge():
        pass
    known = "select build from rollup_builds"
    for table in definitions.TABLES:
        assert rollup_rig.meta.rows(f"select count(*) from {table} where build not in ({known})") == [(0,)], table
