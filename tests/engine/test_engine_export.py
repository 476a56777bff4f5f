"""Exports by the engine: what leaves is what lists show, in every form, from every state of storage."""

import csv
import io
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from rig import ALL, LIMITS, NOON, RECEIVED, STATES, Event, Rig, State, event, events, in_pieces, opened, properties_of

from sv.engine.duck import engine
from sv.engine.duck.exports import export, export_slices
from sv.engine.duck.exports.export_slices import slices_of
from sv.engine.port import Matcher, Scope, UnreadablePart
from sv.model.exports import ExportFormat, Piece, pieces_of
from sv.model.filters import Filter, Operator
from sv.model.limits import DAY_MS, HOUR_MS, MAX_TIMESTAMP_MS

HOSTILE = 'a "quoted", \\ text\r\nof two lines; é\u2028\U0001f600\x01 = ,"$browser":'
UUID = "01955b3e-fed0-7000-8000-000000000001"


def sent() -> list[Event]:
    told = events('ann: view@0m, buy#s{"n":1}@12m; bob: view@3m, view{"$current_url":"https://a.b/c?utm_source=q"}@2d')
    return [
        *told,
        event("own", "eve", NOON + 1, **{"$browser": "Own", "$os": None, "$is_bot": False, "$device_type": 7}),
        event("empty", "eve", NOON + 2) | {"properties": {}},
        event("deep", "eve", NOON + 3, a={"$browser": "inner"}, b=["$os", 1.5, None, True, 2**63, {"k": []}]),
        event(HOSTILE, HOSTILE, NOON + 4, session=HOSTILE, **{HOSTILE: HOSTILE})
        | {"userId": HOSTILE + "u", "groups": [HOSTILE, "", "g"], "eventId": UUID},
    ]


def content(rig: Rig, form: ExportFormat, *, before_ms: int = MAX_TIMESTAMP_MS, filters: tuple[Filter, ...] = (), matcher: Matcher = Matcher(None)) -> bytes:  # fmt: skip
    snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
    days = rig.engine.export_days(snapshot, ALL, matcher, before_ms, LIMITS)
    pieces = pieces_of(days, ALL.from_ms, ALL.to_ms)
    return b"".join(rig.engine.export(snapshot, pieces, filters, matcher, before_ms, form))


def rows_of(text: bytes, form: ExportFormat) -> list[dict[str, Any]]:
    """As an import reads them: fields without a value left out, times as they are written, JSON decoded."""
    if form is ExportFormat.NDJSON:
        assert text.endswith(b"\n")
        return [json.loads(line) for line in text.decode().removesuffix("\n").split("\n")]
    if form is ExportFormat.CSV:
        rows = list(csv.DictReader(io.StringIO(text.decode(), newline=""), strict=True))
    else:
        rows = pq.read_table(io.BytesIO(text)).to_pylist()
        for row in rows:
            row["timestamp"] = row["timestamp"].strftime("%Y-%m-%dT%H:%M:%S.") + f"{row['timestamp'].microsecond // 1000:03d}Z"
    for row in rows:
        row["properties"] = json.loads(row["properties"])
        if form is ExportFormat.CSV and row["groups"]:
            row["groups"] = json.loads(row["groups"])
    return [{name: value for name, value in row.items() if value not in ("", None)} for row in rows]


def shown(rig: Rig) -> list[dict[str, Any]]:
    """The same of what lists show, oldest first."""
    from sv.model.calendar import iso_ms

    found = [
        {
            "event": row.event,
            "timestamp": iso_ms(row.timestamp_ms),
            "anonymousId": row.anonymous_id,
            "userId": row.user_id,
            "sessionId": None if row.session_id.startswith("auto-") else row.session_id,
            "groups": row.groups or None,
            "properties": properties_of(row),
            "eventId": UUID if row.event == HOSTILE else None,
        }
        for row in reversed(rig.rows())
    ]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


@pytest.mark.parametrize("form", ExportFormat)
@pytest.mark.parametrize("state", STATES)
def test_what_leaves_is_what_lists_show_in_the_order_of_time(tmp_path: Path, state: State, form: ExportFormat) -> None:
    with opened(tmp_path) as rig:
        rig.place_events(sent(), state)
        rig.place([rig.batch([event("other", "p2", NOON)], project="other")], state)
        expected = shown(rig)
        assert len(expected) == len(sent())
        assert rows_of(content(rig, form), form) == expected


def test_an_event_without_properties_gets_what_enrichment_knows_and_none_where_that_is_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.buffer(rig.batch([event("a", "p", NOON)]), rig.batch([event("b", "p", NOON + 1)], user_agent=""))
        first, second = (row["properties"] for row in rows_of(content(rig, ExportFormat.NDJSON), ExportFormat.NDJSON))
        assert first["$browser"] == "Chrome"
        assert second == {}


@pytest.mark.parametrize("form", ExportFormat)
def test_what_a_url_says_of_a_campaign_is_no_trait_in_the_file(tmp_path: Path, form: ExportFormat) -> None:
    held = {"$current_url": "https://a.b/?utm_source=q&utm_medium=m", "utm_medium": "own"}
    with opened(tmp_path) as rig:
        rig.buffer(rig.batch([event("$identify", "ann", NOON, email="a@x", **held), event("view", "ann", NOON + 1, **held)]))
        said, seen = rows_of(content(rig, form), form)
        assert {"email": "a@x", **held, "$browser": "Chrome"}.items() <= said["properties"].items()
        assert "utm_source" not in said["properties"]
        assert seen["properties"].items() >= {"utm_source": "q", **held}.items()


def test_a_bot_is_one_in_the_file_too(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.buffer(rig.batch([event("a", "p", NOON)], user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)"))
        (row,) = rows_of(content(rig, ExportFormat.NDJSON), ExportFormat.NDJSON)
        assert row["properties"]["$is_bot"] is True


@pytest.mark.parametrize("form", ExportFormat)
def test_nothing_to_export_makes_a_file_that_says_so(tmp_path: Path, form: ExportFormat) -> None:
    with opened(tmp_path) as rig:
        text = content(rig, form)
    match form:
        case ExportFormat.NDJSON:
            assert text == b""
        case ExportFormat.CSV:
            assert text == b"event,timestamp,anonymousId,userId,sessionId,groups,eventId,properties\n"
        case ExportFormat.PARQUET:
            table = pq.read_table(io.BytesIO(text))
            assert table.num_rows == 0
            assert table.column_names[0] == "event"


def test_parquet_has_the_same_columns_with_and_without_events(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        empty = pq.read_schema(io.BytesIO(content(rig, ExportFormat.PARQUET)))
        rig.place_events(sent(), "days")
        full = pq.read_schema(io.BytesIO(content(rig, ExportFormat.PARQUET)))
    assert full.names == empty.names
    assert [str(kind) for kind in full.types] == [str(kind) for kind in empty.types]


def test_only_events_of_the_name_the_filters_and_the_moment_leave(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        early = rig.batch(events('ann: view{"n":1}@0m, buy{"n":1}@1m, buy{"n":2}@2m'), received_ms=RECEIVED)
        rig.buffer(early, rig.batch(events('ann: buy{"n":1}@3m'), received_ms=RECEIVED + 1))
        filters = (Filter("n", Operator.EXACT, (1,)),)
        found = rows_of(
            content(rig, ExportFormat.NDJSON, before_ms=RECEIVED + 1, filters=filters, matcher=Matcher("buy")),
            ExportFormat.NDJSON,
        )
    assert [(row["event"], row["timestamp"]) for row in found] == [("buy", "2025-06-15T12:01:00.000Z")]


def test_events_that_come_after_the_snapshot_are_not_in_it(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        generation = rig.buffer(rig.batch(events("ann: view@0m")))
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        rig.tables.drain(generation, [rig.batch(events("ann: late@1m"))])
        piece = [Piece(0, MAX_TIMESTAMP_MS, 1)]
        text = b"".join(rig.engine.export(snapshot, piece, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.NDJSON))
    assert [row["event"] for row in rows_of(text, ExportFormat.NDJSON)] == ["view"]


def test_pieces_that_are_not_ordered_hold_the_same_events(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", f"p{n % 7}", NOON + n * 1000, n=n) for n in range(5000)], "mixed")
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        texts = [
            b"".join(rig.engine.export(snapshot, [Piece(0, MAX_TIMESTAMP_MS, count)], (), Matcher(None), MAX_TIMESTAMP_MS, form))
            for count in (5000, 10**9)
            for form in (ExportFormat.NDJSON, ExportFormat.PARQUET)
        ]
        lines = [sorted(text.splitlines()) for text in (texts[0], texts[2])]
        assert len(lines[0]) == 5000
        assert lines[0] == lines[1]
        tables = [pq.read_table(io.BytesIO(text)).sort_by("timestamp") for text in (texts[1], texts[3])]
        assert tables[0].equals(tables[1])


def test_a_damaged_file_ends_an_export_with_an_error(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", f"p{n % 7}", NOON + n, n=n, text="x" * 200) for n in range(3000)], "days")
        path = tmp_path / rig.parts[0].path
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 3] + bytes(2000) + whole[len(whole) // 3 + 2000 :])
        with pytest.raises(UnreadablePart):
            content(rig, ExportFormat.NDJSON)


def test_an_export_that_is_closed_early_leaves_the_engine_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", "p", NOON + n, n=n) for n in range(9000)], "days")
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        piece = [Piece(0, MAX_TIMESTAMP_MS, 9000)]
        for _ in range(3):
            blocks = rig.engine.export(snapshot, piece, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.NDJSON)
            assert next(blocks).startswith(b'{"event":"view"')
            blocks.close()
        assert len(rig.rows()) == 9000


def test_days_are_put_together_until_they_have_enough_and_stay_within_the_range() -> None:
    days = [(0, 60_000), (DAY_MS, 60_000), (5 * DAY_MS, 300_000), (6 * DAY_MS, 5)]
    assert pieces_of(days, 1000, 6 * DAY_MS + 500) == [
        Piece(1000, 2 * DAY_MS, 120_000),
        Piece(5 * DAY_MS, 6 * DAY_MS, 300_000),
        Piece(6 * DAY_MS, 6 * DAY_MS + 500, 5),
    ]
    assert pieces_of([], 0, 1) == []


@pytest.mark.parametrize("state", STATES)
def test_days_are_counted_alike_from_the_catalog_and_from_what_is_in_files(tmp_path: Path, state: State) -> None:
    told = [event("view", f"p{n % 5}", NOON + n * HOUR_MS, n=n) for n in range(90)]
    with opened(tmp_path) as rig:
        for piece, received_ms in ((told[:60], RECEIVED), (told[60:], RECEIVED + 5)):
            rig.place_events(piece, state, received_ms=received_ms)
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        begin, end = NOON + 20 * HOUR_MS, NOON + 70 * HOUR_MS
        for scope in (ALL, Scope(begin, end, include_bots=True), Scope(0, end), Scope(begin, MAX_TIMESTAMP_MS)):
            for before_ms in (MAX_TIMESTAMP_MS, RECEIVED + 5, RECEIVED):
                expected = Counter(
                    row["timestamp"] // DAY_MS * DAY_MS
                    for n, row in enumerate(told)
                    if scope.from_ms <= row["timestamp"] < scope.to_ms and (RECEIVED if n < 60 else RECEIVED + 5) < before_ms
                )
                found = rig.engine.export_days(snapshot, scope, Matcher(None), before_ms, LIMITS)
                assert found == sorted(expected.items())
        named = rig.engine.export_days(snapshot, ALL, Matcher("other"), MAX_TIMESTAMP_MS, LIMITS)
        assert named == []


def test_a_file_that_is_cut_off_or_gone_is_noticed_by_counting(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", "p", NOON + n * DAY_MS, n=n) for n in range(3)], "days")
        path = tmp_path / rig.parts[1].path
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UnreadablePart):
            rig.engine.export_days(rig.snapshot(), ALL, Matcher(None), MAX_TIMESTAMP_MS, LIMITS)
        path.unlink()
        with pytest.raises(UnreadablePart):
            rig.engine.export_days(rig.snapshot(), ALL, Matcher(None), MAX_TIMESTAMP_MS, LIMITS)


def test_where_files_have_other_rows_than_the_catalog_says_they_are_read(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", "p", NOON + n, n=n) for n in range(5)], "days")
        rig.parts[0] = replace(rig.parts[0], rows=7)
        assert rig.engine.export_days(rig.snapshot(), ALL, Matcher(None), MAX_TIMESTAMP_MS, LIMITS) == [
            (NOON // DAY_MS * DAY_MS, 5)
        ]


def test_names_that_look_like_the_server_s_own_hide_none_of_them(tmp_path: Path) -> None:
    sent = [
        {"my$browser": 1, "$browserr": 2, "$os": "Own"},
        {"a": {"$browser": "inner", "$os": 1}, "b": '"$browser":"in a text"', "$browser_version": None},
        {'x"$browser': 1, "$device_type\\": 2, "ü$os": "\U0001f926\U0001f3fc\u200d♂️"},
    ]
    with opened(tmp_path) as rig:
        rig.buffer(rig.batch([event("a", "p", NOON + n) | {"properties": each} for n, each in enumerate(sent)]))
        for form in ExportFormat:
            rows = [row["properties"] for row in rows_of(content(rig, form), form)]
            assert [{name: row[name] for name in each} for row, each in zip(rows, sent, strict=True)] == sent
            assert [row["$browser"] for row in rows] == ["Chrome"] * 3
            assert [row["$os"] for row in rows] == ["Own", "Windows", "Windows"]
            assert [row.get("$browser_version", "") for row in rows] == ["126", None, "126"]


def test_a_parquet_file_of_many_row_groups_has_all_of_them_in_order(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", f"p{n % 7}", NOON + n, n=n) for n in range(9000)], "days")
        with patch.object(export, "EXPORT_ROW_GROUP_EVENTS", 2000):
            text = content(rig, ExportFormat.PARQUET)
    assert pq.ParquetFile(io.BytesIO(text)).num_row_groups > 2
    assert [json.loads(row["properties"])["n"] for row in pq.read_table(io.BytesIO(text)).to_pylist()] == list(range(9000))


def test_a_fault_while_parquet_is_read_ends_the_export_and_its_thread(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", "p", NOON + n, n=n) for n in range(9000)], "days")
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        piece = [Piece(0, MAX_TIMESTAMP_MS, 9000)]
        with patch.object(export, "EXPORT_ROW_GROUP_EVENTS", 2000):
            blocks = rig.engine.export(snapshot, piece, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.PARQUET)
            next(blocks)
            blocks.close()
        with (
            patch.object(pq.ParquetWriter, "write_table", side_effect=OSError("no room")),
            pytest.raises(OSError, match="no room"),
        ):
            b"".join(rig.engine.export(snapshot, piece, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.PARQUET))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sv-encode")]


DAYS = 6


def by_day(rig: Rig, form: ExportFormat) -> bytes:
    """An export that is read day by day."""
    pieces = [Piece(NOON + (day * 2 - 1) * DAY_MS // 2, NOON + (day * 2 + 1) * DAY_MS // 2, 600) for day in range(DAYS)]
    snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
    return b"".join(rig.engine.export(snapshot, pieces, (), Matcher(None), MAX_TIMESTAMP_MS, form))


@pytest.mark.parametrize("state", STATES)
def test_pieces_are_the_same_whether_or_not_the_next_is_begun_ahead(tmp_path: Path, state: State) -> None:
    with opened(tmp_path) as rig:
        rig.place_events([event("view", f"p{n % 7}", NOON + n % DAYS * DAY_MS - n, n=n) for n in range(1800)], state)
        for form in ExportFormat:
            with patch.object(engine, "PREFETCH_BYTES", rig.database.memory_bytes + 1):
                alone = rows_of(by_day(rig, form), form)
            with patch.object(engine, "PREFETCH_BYTES", rig.database.memory_bytes):
                assert rows_of(by_day(rig, form), form) == alone
            assert len(alone) == 1800
            assert [row["timestamp"] for row in alone] == sorted(row["timestamp"] for row in alone)


@pytest.mark.parametrize("state", STATES)
def test_what_is_sorted_in_slices_of_hours_is_the_same(tmp_path: Path, state: State) -> None:
    sent = [event("view", f"p{n % 7}", NOON + n * 7919 % 40 * HOUR_MS // 2 + n, n=n, text="x" * 200) for n in range(1000)]
    texts: list[list[list[dict[str, Any]]]] = []
    with opened(tmp_path) as rig:
        rig.place_events(sent, state)
        for share in (export_slices.SORT_SHARE, 1 << 10, 1 << 20):  # sorted as a whole, by hours, not at all
            with patch.object(export_slices, "SORT_SHARE", share):
                texts.append([rows_of(content(rig, form), form) for form in ExportFormat])
    assert texts[1] == texts[0]
    for rows, whole in zip(texts[2], texts[0], strict=True):
        assert [row["timestamp"][:13] for row in rows] == [row["timestamp"][:13] for row in whole]  # hours follow each other
        assert sorted(rows, key=repr) == sorted(whole, key=repr)


def test_events_that_memory_does_not_hold_are_exported_in_order(tmp_path: Path) -> None:
    with opened(tmp_path, memory_bytes=96 << 20) as rig:
        for hour in range(12):  # in every other one all events have the same properties
            texts = [f"{n * (hour % 2)} {'x' * 4000}" for n in range(2000)]
            made = [event("view", "p", NOON + hour * HOUR_MS + n, text=text) for n, text in enumerate(texts)]
            rig.flush(rig.buffer(*(rig.batch(piece) for piece in in_pieces(made, 6))))
        times = [row["timestamp"] for row in rows_of(content(rig, ExportFormat.NDJSON), ExportFormat.NDJSON)]
    assert len(times) == 12 * 2000
    assert times == sorted(times)


def test_neighbouring_hours_are_sorted_together_as_far_as_they_weigh_little() -> None:
    hours = [(hour * HOUR_MS, weight) for hour, weight in enumerate([3, 4, 5, 20, 1, 9, 1])]
    piece = Piece(HOUR_MS // 2, 7 * HOUR_MS, 100)
    found = [(part.from_ms / HOUR_MS, part.to_ms / HOUR_MS, part.is_ordered) for part in slices_of(piece, hours, 10)]
    assert found == [(0.5, 2, True), (2, 3, True), (3, 4, False), (4, 6, True), (6, 7, True)]
    assert slices_of(piece, [], 10) == []


def test_whoever_stops_reading_leaves_no_statement_of_the_next_piece(tmp_path: Path) -> None:
    with opened(tmp_path) as rig, patch.object(engine, "PREFETCH_BYTES", 0):
        rig.place_events([event("view", "p", NOON + n % DAYS * DAY_MS, n=n) for n in range(9000)], "days")
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        pieces = [Piece(NOON + (day - 1) * DAY_MS, NOON + day * DAY_MS, 1500) for day in range(DAYS)]
        blocks = rig.engine.export(snapshot, pieces, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.NDJSON)
        assert next(blocks)
        blocks.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "sv-ahead"]


def test_a_file_that_can_t_be_read_is_told_when_its_piece_comes(tmp_path: Path) -> None:
    with opened(tmp_path) as rig, patch.object(engine, "PREFETCH_BYTES", 0):
        rig.place_events([event("view", "p", NOON + n % 3 * DAY_MS, n=n) for n in range(300)], "days")
        snapshot = rig.engine.pin(rig.snapshot(), LIMITS)
        path = tmp_path / next(part for part in rig.parts if part.min_ts_ms == NOON + DAY_MS).path
        path.write_bytes(path.read_bytes()[:-100])
        pieces = [Piece(NOON + day * DAY_MS, NOON + day * DAY_MS + 1, 100) for day in range(3)]
        blocks = rig.engine.export(snapshot, pieces, (), Matcher(None), MAX_TIMESTAMP_MS, ExportFormat.NDJSON)
        assert next(blocks).count(b"\n") == 100
        with pytest.raises(UnreadablePart):
            next(blocks)
