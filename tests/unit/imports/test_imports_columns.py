"""What a file's columns mean."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from imports_rig import NOW, ROW, read, write_csv, write_ndjson

from sv.imports.columns import Columns, RowError
from sv.model.errors import InvalidParameter

EVENT_ID = "0193a1e0-0000-7000-8000-000000000001"
FIELDS: list[tuple[str, str, Any]] = [
    ("event", "event", "view"),
    ("timestamp", "timestamp", 1_700_000_000_000),
    ("anonymousId", "anonymous_id", "a-1"),
    ("userId", "user_id", "ann"),
    ("sessionId", "session_id", "s-1"),
    ("properties", "properties", {"k": [1, {"x": None}]}),
    ("groups", "groups", ["a", "b"]),
    ("eventId", "event_id", EVENT_ID),
]


def event_of(fields: dict[str, Any], *maps: str, has_text_fields: bool = False) -> dict[str, Any]:
    return Columns.parse(maps).event_of(fields, UTC, has_text_fields=has_text_fields)[0]


@pytest.mark.parametrize("style", [0, 1], ids=["camelCase", "snake_case"])
@pytest.mark.parametrize("field", FIELDS, ids=[field[0] for field in FIELDS])
def test_a_field_of_ingest_is_known_by_its_name_in_either_case_style(field: tuple[str, str, Any], style: int) -> None:
    assert event_of({field[style]: field[2]}) == {field[0]: field[2]}


@pytest.mark.parametrize("suffix", [".ndjson", ".csv"])
@pytest.mark.parametrize("style", [0, 1], ids=["camelCase", "snake_case"])
def test_all_fields_come_through_from_a_file_in_either_case_style(tmp_path: Path, suffix: str, style: int) -> None:
    row = {field[style]: field[2] for field in FIELDS}
    if suffix == ".csv":
        cells = [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]
        path = write_csv(tmp_path / "f.csv", list(row), [cells])
    else:
        path = write_ndjson(tmp_path / "f.ndjson", [row])
    assert read(path).events == [{field[0]: field[2] for field in FIELDS}]


def test_other_columns_become_properties_and_properties_wins() -> None:
    made = event_of({"event": "e", "plan": "column", "n": 1, "properties": {"plan": "own", "x": None}})
    assert made == {"event": "e", "properties": {"plan": "own", "n": 1, "x": None}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(42, "42"), (0, "0"), (-7, "-7"), (42.0, "42"), (1.5, "1.5"), (2**63, str(2**63)), (10**30, str(10**30)), ("007", "007")],
)
def test_a_number_as_an_id_becomes_its_text(value: Any, text: str) -> None:
    assert event_of({"userId": value, "session_id": value}) == {"userId": text, "sessionId": text}


@pytest.mark.parametrize("value", [True, 2.0**53, float("inf"), float("nan"), [], {}])
def test_what_is_no_id_is_left_for_the_rules_of_ingest_to_refuse(value: Any) -> None:
    assert event_of({"userId": value})["userId"] is value


def test_a_null_is_no_field_and_stays_null_as_a_property() -> None:
    assert event_of({"userId": None, "user_id": "ann", "plan": None}) == {"userId": "ann", "properties": {"plan": None}}


def test_a_row_with_two_columns_of_one_meaning_is_refused() -> None:
    with pytest.raises(RowError, match="one userId, got two"):
        event_of({"userId": "ann", "user_id": "bob"})


def test_a_column_can_be_mapped_to_a_field_a_property_the_user_agent_or_nothing() -> None:
    columns = Columns.parse(["who=userId", "path=properties.$pathname", "agent=user_agent", "ip=", "a=b=event"])
    row = {"who": 7, "path": "/x", "agent": "curl/8", "ip": "192.0.2.1", "a=b": "view"}
    event, user_agent = columns.event_of(row, UTC, has_text_fields=True)
    assert event == {"userId": "7", "event": "view", "properties": {"$pathname": "/x", "agent": "curl/8"}}
    assert user_agent == "curl/8"


def test_a_mapping_takes_a_column_its_usual_meaning() -> None:
    assert event_of({"timestamp": "x", "ts": 5}, "ts=timestamp", "timestamp=properties.raw") == {
        "timestamp": 5,
        "properties": {"raw": "x"},
    }


@pytest.mark.parametrize("text", ["", "=", "=event", "ts", "ts=timestmap", "ts=properties.", "ts=Event", "x=y"])
def test_a_mapping_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="--map"):
        Columns.parse([text])


def test_a_column_is_mapped_once() -> None:
    with pytest.raises(InvalidParameter, match="once"):
        Columns.parse(["ts=timestamp", "ts=event"])


@pytest.mark.parametrize("name", ["user_agent", "userAgent"])
def test_a_user_agent_enriches_and_is_a_property(tmp_path: Path, name: str) -> None:
    kept = read(write_ndjson(tmp_path / "f.ndjson", [{**ROW, name: "curl/8"}, {**ROW, name: 5}, ROW]))
    assert {batch.user_agent for batch in kept.chunks[0].batches} == {"", "curl/8"}
    assert sorted(str(event.get("properties")) for event in kept.events) == [
        "None",
        f"{{'{name}': 'curl/8'}}",
        f"{{'{name}': 5}}",
    ]


@pytest.mark.parametrize(
    ("header", "maps", "said"),
    [
        (["event", "timestamp"], [], "no column is a userId or an anonymousId"),
        (["event", "timestamp", "session_id"], [], "no column is a userId or an anonymousId"),
        (["event", "timestamp", "distinct_id"], [], "--map distinct_id=userId"),
        (["timestamp", "userId", "event_name"], [], "--map event_name=event"),
        (["event", "userId", "user_id"], [], 'the columns "userId" and "user_id" are both userId'),
        (["event", "userId", "user_agent", "userAgent"], [], "are both user_agent"),
        (["event", "userId", "ts"], [], "--map ts=timestamp"),
        (["event", "userId", "Created_At"], [], "--map Created_At=timestamp"),
        (["event", "userId", "timestamp"], ["ts=timestamp"], 'no column "ts"; it has event, userId, timestamp'),
        (["event", "userId", "timestamp", "who"], ["who=userId"], "are both userId"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_with_what_to_say(
    tmp_path: Path, header: list[str], maps: list[str], said: str
) -> None:
    path = write_csv(tmp_path / "f.csv", header, [["x"] * len(header)])
    with pytest.raises(InvalidParameter) as refusal:
        read(path, maps=maps)
    assert said in refusal.value.message
    assert refusal.value.message.startswith(str(path))


def test_a_table_without_any_time_happens_at_its_import(tmp_path: Path) -> None:
    kept = read(write_csv(tmp_path / "f.csv", ["event", "userId"], [["view", "ann"]]))
    assert kept.chunks[0].undated == 1


def test_a_likely_time_can_be_declared_a_property(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "f.csv", ["event", "userId", "date"], [["view", "ann", "2024-01-01"]])
    assert read(path, maps=["date=properties.date"]).events[0]["properties"] == {"date": "2024-01-01"}


def test_a_first_object_whose_time_has_another_name_stops_the_import(tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [{"event": "view", "userId": "ann", "ts": 1_700_000_000_000}])
    with pytest.raises(InvalidParameter, match="--map ts=timestamp"):
        read(path)
    assert read(path, maps=["ts=timestamp"]).events == [ROW]


@pytest.mark.parametrize("text", ["{", "[1", "nothing", "{}{}", '"\\ud8'])
def test_a_text_that_is_no_json_costs_its_row(tmp_path: Path, text: str) -> None:
    path = write_csv(
        tmp_path / "f.csv", ["event", "userId", "timestamp", "properties"], [["view", "ann", NOW, text], ["ok", "b", NOW, ""]]
    )
    kept = read(path)
    assert kept.rejected == [(2, "WRONG_TYPE")]
    assert [event["event"] for event in kept.events] == ["ok"]


@pytest.mark.parametrize(("text", "groups"), [('["a", "b"]', ["a", "b"]), (" [] ", []), ("team a", ["team a"]), ("", None)])
def test_groups_in_a_table_are_a_json_list_or_one_name(tmp_path: Path, text: str, groups: list[str] | None) -> None:
    path = write_csv(tmp_path / "f.csv", ["event", "userId", "timestamp", "groups"], [["view", "ann", NOW, text]])
    assert read(path).events[0].get("groups") == groups
