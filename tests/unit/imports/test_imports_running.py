"""Whole files into a data folder: what is read back equals what was in the file."""

import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imports_rig import NOW, ROW, Folder, Kept, ordered, read, take, write, write_csv, write_ndjson

from sv.imports import chunks, files
from sv.imports.chunks import Chunk, Rejected
from sv.imports.columns import Columns
from sv.imports.files import Format, UserFile
from sv.imports.report import FileReport
from sv.imports.running import Options, import_file, import_id
from sv.imports.targets import Outcome, Step
from sv.model.errors import BadFile, InvalidParameter, Unavailable

DATA = Path(__file__).resolve().parents[2] / "data"
SHOP = DATA / "retentioneering_ecom.parquet"
LOG = DATA / "apache_access_2015.parquet"
SUFFIXES = ["", ".gz", ".zst"]


def some_rows(count: int) -> list[dict[str, Any]]:
    chosen = random.Random(7)
    return [
        {
            "event": chosen.choice(["view", "buy", "é 😀"]),
            "timestamp": ROW["timestamp"] + nth * 1000,
            "userId": f"u{nth % 17}",
            "properties": {"n": nth, "x": chosen.random(), "tags": ["a", None], "deep": {"k": [{"y": "z"}, None]}},
        }
        for nth in range(count)
    ]


def as_file(folder: Path, rows: list[dict[str, Any]], file_format: str, suffix: str) -> Path:
    path = folder / f"f.{file_format}{suffix}"
    if file_format == "ndjson":
        return write_ndjson(path, rows)
    header = list(rows[0])
    if file_format == "csv":
        cells = [[json.dumps(value) if isinstance(value, dict) else value for value in row.values()] for row in rows]
        return write(path, write_csv(folder / "plain", header, cells).read_bytes())
    table = pa.table({name: [row[name] for row in rows] for name in header})
    at = header.index("timestamp")
    pq.write_table(
        table.set_column(at, "timestamp", table["timestamp"].cast(pa.timestamp("ms"))), folder / "plain", row_group_size=100
    )
    return write(path, (folder / "plain").read_bytes())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("file_format", list(Format))
def test_what_is_read_back_equals_the_file_in_each_format_and_compression(
    folder: Folder, project: str, tmp_path: Path, file_format: str, suffix: str
) -> None:
    rows = some_rows(300)
    report = folder.take(project, as_file(tmp_path, rows, file_format, suffix))
    assert (report.rows, report.taken, report.rejected) == (300, 300, 0)
    assert (report.first_ms, report.last_ms) == (rows[0]["timestamp"], rows[-1]["timestamp"])
    assert folder.wire_events(project) == ordered(rows)


def random_json(chosen: random.Random, levels: int) -> Any:
    texts = ["", "a", '"', "\\", "\n\t\x1f\x7f", "é", "\u2028", "😀", "$.x", "/~0", "'; --", "{}", "null", "\ufffd", "\ufeff"]
    match chosen.randrange(7 if levels else 5):
        case 0:
            return chosen.choice([None, True, False])
        case 1:
            return chosen.choice([0, -1, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, chosen.randrange(10**9)])
        case 2:
            return chosen.choice([0.1, -0.0, 1e300, 5e-324, 1.7976931348623157e308, chosen.random()])
        case 3 | 4:
            return "".join(chosen.choices(texts, k=chosen.randrange(4)))
        case 5:
            return [random_json(chosen, levels - 1) for _ in range(chosen.randrange(4))]
        case _:
            keys = ["".join(chosen.choices(texts, k=2)) for _ in range(chosen.randrange(4))]
            return {key: random_json(chosen, levels - 1) for key in keys}


def test_hostile_json_is_read_back_equal(folder: Folder, project: str, tmp_path: Path) -> None:
    chosen = random.Random(11)
    rows = [
        ROW | {"event": f"e{nth}", "userId": f"'{chr(0x20 + nth % 500)}\"", "properties": {"v": random_json(chosen, 6)}}
        for nth in range(500)
    ]
    report = folder.take(project, write_ndjson(tmp_path / "f.ndjson", rows))
    assert report.taken == 500
    assert folder.wire_events(project) == ordered(rows)


def test_names_in_properties_are_data(folder: Folder, project: str, tmp_path: Path) -> None:
    names = ["$current_url", "a.b", "a/b", "~", "", "'", '"', "constructor", "__proto__", "x" * 300]
    rows = [ROW | {"properties": {name: "v"}} for name in names]
    assert folder.take(project, write_ndjson(tmp_path / "f.ndjson", rows)).taken == len(names)
    assert folder.wire_events(project) == ordered(rows)


def test_data_of_1995_lies_in_1995(folder: Folder, project: str, tmp_path: Path) -> None:
    folder.take(project, write_ndjson(tmp_path / "f.ndjson", [ROW | {"timestamp": "1995-08-01 06:00:00"}]))
    assert [event["timestamp"] for event in folder.events(project)] == [807_256_800_000]
    assert all("/day=1995-08-01/" in path for path in folder.parts(project))


@pytest.mark.parametrize(("timezone", "ms"), [("UTC", 807_256_800_000), ("Europe/Berlin", 807_249_600_000)])
@pytest.mark.parametrize("file_format", list(Format))
def test_a_timezone_is_of_times_without_an_offset(tmp_path: Path, file_format: str, timezone: str, ms: int) -> None:
    naive, fixed = {"timestamp": "1995-08-01T06:00:00"}, {"timestamp": "1995-08-01T06:00:00Z"}
    rows = [ROW | naive, ROW | fixed]
    if file_format == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "f.parquet")
        path = tmp_path / "f.parquet"
    else:
        path = as_file(tmp_path, rows, file_format, "")
    assert [event["timestamp"] for event in read(path, timezone=timezone).events] == [ms, 807_256_800_000]


def test_an_unknown_timezone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="--timezone"):
        read(write_ndjson(tmp_path / "f.ndjson", [ROW]), timezone="Mars/Olympus")


def test_a_file_is_taken_once_under_any_name_and_compression(folder: Folder, project: str, tmp_path: Path) -> None:
    rows = some_rows(50)
    assert folder.take(project, write_ndjson(tmp_path / "a.ndjson", rows)).taken == 50
    for name in ("a.ndjson", "b.jsonl", "c.ndjson.gz", "d.json.zst"):
        report = folder.take(project, write_ndjson(tmp_path / name, rows))
        assert (report.rows, report.taken, report.skipped_to) == (0, 0, 50)
        assert "nothing new" in report.lines(is_dry=False)[0]
    assert len(folder.events(project)) == 50


def test_two_files_are_two_imports(folder: Folder, project: str, tmp_path: Path) -> None:
    rows = some_rows(60)
    for name, part in (("a.ndjson", rows[:25]), ("b.ndjson", rows[25:])):
        assert folder.take(project, write_ndjson(tmp_path / name, part)).taken == len(part)
    assert folder.wire_events(project) == ordered(rows)


def test_an_import_is_known_by_project_content_format_timezone_and_mapping() -> None:
    def known(
        project: str = "p", digest: str = "d", zone: str = "UTC", maps: tuple[str, ...] = (), of: Format = Format.CSV
    ) -> str:
        return import_id(Options(project, Columns.parse(maps), zone), of, digest)

    ids = [
        known(),
        known(project="q"),
        known(digest="e"),
        known(zone="Europe/Berlin"),
        known(maps=("a=event",)),
        known(maps=("a=userId",)),
        known(maps=("a=properties.event",)),
        known(maps=("a=",)),
        known(of=Format.NDJSON),
    ]
    assert len(set(ids)) == len(ids)
    assert known(maps=("a=event", "b=userId")) == known(maps=("b=userId", "a=event"))
    assert all(len(text) == 32 and int(text, 16) for text in ids)


class Stopping:
    """A target that goes down at the n-th chunk: before one of its steps, or after the last one."""

    def __init__(self, inner: Any, nth: int, when: str) -> None:
        self.size = inner.size
        self._inner = inner
        self._left = nth
        self._when = when

    def taken_up_to(self, import_id: str) -> int:
        return self._inner.taken_up_to(import_id)

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        self._left -= 1
        when = self._when if self._left == 0 else ""

        def step(work: Callable[[], Any], name: str) -> Any:
            if when == name:
                raise Unavailable("gone")
            return work()

        def take_in(commit: Step) -> Outcome:
            outcome = step(commit, "before the last")
            return step(lambda: outcome, "after all")

        def write() -> Step:
            commit = step(second, "before the second")
            return lambda: take_in(commit)

        second = step(lambda: self._inner.begin(import_id, chunk), "before all")
        return write

    def finish(self) -> None:
        pass


@pytest.mark.parametrize(
    ("file_format", "when"),
    [
        *((Format.NDJSON, when) for when in ("before all", "before the second", "before the last", "after all")),
        *((file_format, "before the last") for file_format in Format if file_format is not Format.NDJSON),
    ],
)
def test_an_import_that_stops_at_every_chunk_takes_each_row_once(
    folder: Folder, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str, when: str
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 40)
    rows = some_rows(130)
    path = as_file(tmp_path, rows, file_format, "")
    for stop in (1, 2, 1, 3):
        with pytest.raises(Unavailable):
            take(path, Stopping(folder.target(project), stop, when), project_id=project)
        if when == "after all" and len(folder.events(project)) == 130:
            break
    report = folder.take(project, path)
    assert report.rejected == 0
    assert folder.wire_events(project) == ordered(rows)
    assert folder.take(project, path).taken == 0


class Watched(Kept):
    """A target whose first chunk is not in, or fails, before the third is begun and the second at its second step."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []
        self._fails = fails
        self._are_at_work = threading.Barrier(3)

    def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
        nth = chunk.number // 10
        self.told.append(("begun", nth))
        if nth == 3:
            self._are_at_work.wait(30)

        def write() -> Step:
            self.told.append(("written", nth))
            if nth == 2:
                self._are_at_work.wait(30)
            return take_in

        def take_in() -> Outcome:
            if nth == 1:
                self._are_at_work.wait(30)
                if self._fails:
                    raise Unavailable("gone")
            self.told.append(("taken", nth))
            return Outcome(chunk.event_count)

        return write


def test_of_an_import_that_is_stopped_all_that_was_taken_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    target, taken, seen = Kept(), threading.Semaphore(0), list[FileReport]()
    original = target.begin

    def begin(import_id: str, chunk: Chunk) -> Callable[[], Step]:
        step = original(import_id, chunk)

        def take() -> Outcome:
            outcome = step()()
            taken.release()
            return outcome

        return lambda: take

    def stop_at_the_third(_: UserFile, calls: list[int] = [0]) -> None:  # noqa: B006
        calls[0] += 1
        if calls[0] == 3:
            assert taken.acquire(timeout=60)
            assert taken.acquire(timeout=60)
            raise KeyboardInterrupt

    monkeypatch.setattr(target, "begin", begin)
    monkeypatch.setattr(UserFile, "check_unchanged", stop_at_the_third)
    file = UserFile(write_ndjson(tmp_path / "f.ndjson", [ROW] * 9))
    with pytest.raises(KeyboardInterrupt):
        import_file(file, Options("p", Columns({})), target, lambda: NOW, lambda _, __, report: seen.append(report))
    assert seen[-1].taken == len(target.events) == 4


def test_chunks_are_taken_in_beside_each_other_step_by_step_and_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    target = Watched(fails=False)
    report = take(write_ndjson(tmp_path / "f.ndjson", some_rows(100)), target)
    assert report.taken == 100
    for step in ("begun", "written", "taken"):
        assert [nth for what, nth in target.told if what == step] == list(range(1, 11))
    for nth in range(1, 8):  # no more than three are under way
        assert target.told.index(("taken", nth)) < target.told.index(("begun", nth + 3))


def test_no_chunk_is_taken_in_behind_one_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    target = Watched(fails=True)
    with pytest.raises(Unavailable, match="gone"):
        take(write_ndjson(tmp_path / "f.ndjson", some_rows(100)), target)
    assert "taken" not in {what for what, _ in target.told}
    assert {nth for _, nth in target.told} == {1, 2, 3}


def test_a_chunk_whose_answer_was_lost_is_counted_as_in_already(
    folder: Folder, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    path = write_ndjson(tmp_path / "f.ndjson", some_rows(20))
    target = folder.target(project)
    folder.take(project, path)
    monkeypatch.setattr(target, "taken_up_to", lambda _: 0)
    report = take(path, target, project_id=project)
    assert (report.rows, report.already, report.taken) == (20, 20, 0)
    assert "taken in before" in report.lines(is_dry=False)[0]


def test_repeated_event_ids_are_counted_apart(folder: Folder, project: str, tmp_path: Path) -> None:
    rows = [ROW | {"eventId": f"0193a1e0-0000-7000-8000-{nth % 3:012x}"} for nth in range(9)]
    report = folder.take(project, write_ndjson(tmp_path / "f.ndjson", rows))
    assert (report.rows, report.taken, report.repeated, report.rejected) == (9, 3, 6, 0)


@pytest.mark.parametrize("waiting_ids", [chunks.MAX_WAITING_IDS, 5])
@pytest.mark.parametrize("name", ["f.ndjson", "f.csv"])
def test_of_rows_with_one_event_id_the_first_stays_whatever_their_user_agents(
    folder: Folder, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, waiting_ids: int
) -> None:
    monkeypatch.setattr(chunks, "MAX_WAITING_IDS", waiting_ids)
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    for number in range(9000):
        event_id = f"0193a1e0-0000-7000-8000-{chance.randrange(3000):012x}"
        row = ROW | {"eventId": chance.choice([event_id, event_id.upper(), event_id.replace("-", "")]), "n": number}
        user_agent = "" if 3000 < number < 6000 else chance.choice(["", "Firefox/140.0", "Chrome/140.0"])
        rows.append(row | {"user_agent": user_agent} if user_agent or name == "f.csv" else row)
    firsts: dict[str, int] = {}
    for row in rows:
        firsts.setdefault(row["eventId"].replace("-", "").lower(), row["n"])
    path = tmp_path / name
    write_csv(path, list(rows[0]), [list(row.values()) for row in rows]) if name == "f.csv" else write_ndjson(path, rows)
    assert folder.take(project, path).taken == len(firsts)
    kept = {event["client_event_id"].replace("-", ""): event["properties"]["n"] for event in folder.events(project)}
    assert kept == firsts


def test_a_report_names_reasons_with_their_first_examples(tmp_path: Path) -> None:
    lines: list[Any] = [ROW, *[b"bad"] * 7, ROW | {"event": ""}, {"event": "x", "userId": "a"}]
    kept = Kept()
    path = write_ndjson(tmp_path / "f.ndjson", lines)
    report = take(path, kept)
    assert (report.rows, report.taken, report.rejected, report.undated) == (10, 2, 8, 1)
    assert report.as_json()["rejections"][0]["count"] == 7
    assert [example["line"] for example in report.as_json()["rejections"][0]["examples"]] == [2, 3, 4, 5, 6]
    said = "\n".join(report.lines(is_dry=False))
    assert "10 rows read, 2 taken in, 8 rejected" in said
    assert f"{path}:9: expected" in said
    assert "and 2 more" in said
    assert "1 without a timestamp" in said
    assert "put right, they go into a file of their own" in said
    assert not any("put right" in line for line in report.lines(is_dry=True)), "nothing is in yet that could come in again"


def test_a_rejected_row_is_not_counted_as_one_without_a_time(tmp_path: Path) -> None:
    undated = {"event": "x", "userId": "a"}
    lines: list[Any] = [
        ROW,
        {"event": "x"},
        *[undated] * 2,
        *[{"event": "x"}] * 60,
        *[undated] * 70,
        {"event": "x", "userId": ""},
    ]
    report = take(write_ndjson(tmp_path / "f.ndjson", lines), Kept())
    assert (report.taken, report.rejected, report.undated) == (73, 62, 72)


def test_a_strict_import_tells_what_an_earlier_run_rejected(
    folder: Folder, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    rows: list[Any] = some_rows(30)
    rows[4], rows[12], rows[29] = b"bad", {"event": ""}, b"bad"
    path = write_ndjson(tmp_path / "f.ndjson", rows)
    options = Options(project, Columns.parse([]), is_strict=True)

    def again(target: Any) -> list[int]:
        report = import_file(UserFile(path), options, target, lambda: NOW, lambda *_: None)
        return [report.rejected, *sorted(at.at for reason in report.reasons.values() for at in reason.examples)]

    with pytest.raises(Unavailable):
        again(Stopping(folder.target(project), 2, "after all"))
    assert again(folder.target(project)) == [3, 5, 13, 30]
    assert again(folder.target(project)) == [3, 5, 13, 30]
    assert folder.take(project, path).rejected == 0, "whoever isn't strict gets what this run has read"


def test_a_report_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    lines: list[Any] = [ROW | {"timestamp": "\x1b[31mred\x9b2J\n\u202e"}, b"\x1b[2J"]
    report = take(write_ndjson(tmp_path / "f.ndjson", lines), Kept())
    assert report.rejected == 2
    assert all(line.isprintable() for line in report.lines(is_dry=False))


def test_rows_that_the_target_refuses_are_counted_with_the_others(tmp_path: Path) -> None:
    class Refusing(Kept):
        def begin(self, import_id: str, chunk: Chunk) -> Callable[[], Step]:
            return lambda: lambda: Outcome(7, refused={"TIMESTAMP_IN_FUTURE": 3}, examples=())

    report = take(write_ndjson(tmp_path / "f.ndjson", [*some_rows(10), b"bad"]), Refusing())
    assert (report.taken, report.rejected, report.repeated) == (7, 4, 0)
    assert {code: reason.count for code, reason in report.reasons.items()} == {"UNREADABLE": 1, "TIMESTAMP_IN_FUTURE": 3}


def test_a_file_that_changes_while_it_is_read_stops_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    path = write_ndjson(tmp_path / "f.ndjson", some_rows(100))

    class Meddling(Kept):
        def taken_up_to(self, import_id: str) -> int:
            with path.open("ab") as file:
                file.write(b"{}\n")
            return 0

    target = Meddling()
    with pytest.raises(InvalidParameter, match="was changed while it was read"):
        take(path, target)
    assert target.chunks == []


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ndjson")
    for path, said in [
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "expected a file"),
        (tmp_path / "pipe.ndjson", "expected a file"),
        (Path("/dev/null"), "expected a file"),
        (write(tmp_path / "f.txt", b""), "say what it is with --format"),
        (write(tmp_path / "f.gz", b""), "--format"),
    ]:
        with pytest.raises(InvalidParameter, match=said):
            UserFile(path)
    assert UserFile(tmp_path / "f.txt", Format.CSV).format is Format.CSV


def test_compression_is_told_by_content(folder: Folder, project: str, tmp_path: Path) -> None:
    rows = some_rows(5)
    path = write_ndjson(tmp_path / "f.ndjson.gz", rows).rename(tmp_path / "plain.ndjson")
    write_ndjson(tmp_path / "more.ndjson", some_rows(3)).rename(tmp_path / "f.ndjson.gz")
    assert folder.take(project, path).taken == 5
    assert read(tmp_path / "f.ndjson.gz").events == some_rows(3)


def test_several_compressed_pieces_in_one_file_are_read_to_the_end(tmp_path: Path) -> None:
    rows = some_rows(20)
    for suffix in (".gz", ".zst"):
        first, second = (
            write_ndjson(tmp_path / f"{nth}{suffix}", part).read_bytes() for nth, part in enumerate((rows[:9], rows[9:]))
        )
        path = tmp_path / f"f.ndjson{suffix}"
        path.write_bytes(first + second)
        assert read(path).events == rows


def test_a_real_shop_is_read_back_equal(folder: Folder, project: str) -> None:
    report = folder.take(project, SHOP, maps=["distinct_id=userId", "ts=timestamp"])
    assert (report.rows, report.taken, report.rejected) == (31_106, 31_106, 0)
    with duckdb.connect() as connection:
        source = connection.execute(
            f"select event, epoch_ms(ts), distinct_id, session_id, platform, acquisition_channel, user_cohort, user_lifecycle from '{SHOP}'"
        ).fetchall()
    names = ["platform", "acquisition_channel", "user_cohort", "user_lifecycle"]
    found = [
        (row["event"], row["timestamp"], row["user_id"], row["session_id"], *(row["properties"].get(name) for name in names))
        for row in folder.events(project)
    ]
    assert sorted(found, key=str) == sorted(source, key=str)


def test_a_real_web_log_is_enriched_and_read_back_equal(folder: Folder, project: str, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select *, 'page_view' as event from '{LOG}') to '{path}'")
        source = connection.execute(
            f"select distinct_id, epoch_ms(ts), path, status, bytes, user_agent, referrer from '{LOG}'"
        ).fetchall()
    report = folder.take(project, path, maps=["distinct_id=anonymousId", "ts=timestamp", "path=properties.$pathname"])
    assert (report.taken, report.rejected) == (9_999, 0)
    rows = folder.events(project)
    names = ["$pathname", "status", "bytes", "user_agent", "referrer"]
    found = [(row["anonymous_id"], row["timestamp"], *(row["properties"].get(name) for name in names)) for row in rows]
    assert sorted(found, key=str) == sorted(source, key=str)
    assert sum(row["browser"] is not None for row in rows) > 5_000
    assert sum(row["is_bot"] for row in rows) > 500
    assert {row["received_at"].timestamp() * 1000 for row in rows if row["received_at"].tzinfo} <= {NOW}


@pytest.mark.parametrize("name", ["f.ndjson", "f.csv.gz"])
@pytest.mark.parametrize("damaged", ["Bär".encode("latin-1"), "Bär 😀".encode()[:-1], b"\xed\xa0\xbd"])
@pytest.mark.parametrize("block", [1, 14, 1 << 20])
def test_a_text_that_is_not_utf_8_is_refused_before_a_row_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damaged: bytes, block: int
) -> None:
    monkeypatch.setattr(files, "READ_BYTES", block)
    path = write(tmp_path / name, "event,userId\nview,Bär 😀\nview,".encode() + damaged)
    with pytest.raises(BadFile, match=r"f\.(csv\.gz|ndjson):3: expected UTF-8, got .*\\x.*iconv"):
        read(path)


def test_how_far_an_import_is_says_what_is_in_and_not_what_was_read_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 20)
    file = UserFile(write_ndjson(tmp_path / "f.ndjson", [ROW | {"properties": {"text": "x" * 60_000}}] * 120))
    seen: list[tuple[int, float]] = []

    def observe(phase: str, done: float, report: FileReport) -> None:
        if phase == "importing":
            seen.append((report.rows, done))

    import_file(file, Options("p", Columns.parse([])), Kept(), lambda: NOW, observe)
    assert [rows for rows, _ in seen] == [20, 40, 60, 80, 100, 120, 120]
    block = files.READ_BYTES / file.bytes
    assert all(rows / 120 <= done <= rows / 120 + 2 * block for rows, done in seen), seen


@pytest.mark.parametrize(("timestamp", "is_told"), [(1_700_000_000, True), (1_700_000_000_000, False), ("1971-01-01", False)])
def test_a_report_tells_of_times_that_look_like_seconds(tmp_path: Path, timestamp: int | str, is_told: bool) -> None:
    report = take(write_ndjson(tmp_path / "f.ndjson", [ROW | {"timestamp": timestamp}]), Kept())
    assert (report.taken, "as Unix seconds would be" in "\n".join(report.lines(is_dry=True))) == (1, is_told)


@pytest.mark.parametrize("name", ["f.ndjson", "f.csv", "f.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_text_in_utf_16_is_refused_by_its_name(tmp_path: Path, name: str, encoding: str) -> None:
    content = ("\ufeff" + "event,userId\n" * 3).encode(encoding)
    path = write(tmp_path / name, content)
    with pytest.raises(BadFile, match=r"f\.(csv|ndjson).* is UTF-16; expected UTF-8"):
        read(path)


def test_the_name_of_a_file_does_nothing_to_a_terminal() -> None:
    report = FileReport("a\x1b[2J\nb.csv", "", "csv", "line")
    report.reject("UNREADABLE", 1, Rejected(3, "UNREADABLE", "no record"))
    assert [line.partition(": ")[0] for line in report.lines(is_dry=False)] == [
        r"a\x1b[2J\nb.csv", "  1 rejected", r"    a\x1b[2J\nb.csv:3"
    ]  # fmt: skip
