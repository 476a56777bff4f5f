"""SQL over HTTP and by `sv sql`: the project's events and nothing else, within bounds of rows, bytes, memory and time."""

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from http_rig import NOON, Api, event, iso, running

from tests import forked


def ask(api: Api, query: str, **more: Any) -> Any:
    return api.http.post(api.path("sql"), json={"query": query, **more})


def rows(api: Api, query: str, **more: Any) -> Any:
    answer = ask(api, query, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def refusal(api: Api, query: str, **more: Any) -> str:
    answer = ask(api, query, **more)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR"), answer.text
    (detail,) = answer.json()["details"]
    assert detail["field"] == "query"
    return str(detail["message"])


def test_a_statement_sees_what_was_just_acknowledged_and_what_is_in_files(api: Api, tmp_path: Path) -> None:
    with (
        running("dev", "--data", str(tmp_path / "data"), "--flush-events", "2", "--flush-seconds", "3600") as server,
        Api(server) as own,
    ):
        own.send(event("a", properties={"n": 1, "deep": {"x": [None]}}), event("b", "bob"))
        while not list((tmp_path / "data" / "events").rglob("*.parquet")):
            time.sleep(0.02)  # the flush that two events ask for, on its own thread
        own.send(event("c", "cid", NOON + 1))
        asked = "select event, distinct_id, timestamp, properties, properties->>'$.n' as n from events order by event"
        assert rows(own, asked) == [
            ["a", "ann", iso(NOON), {"n": 1, "deep": {"x": [None]}}, "1"],
            ["b", "bob", iso(NOON), {}, None],
            ["c", "cid", iso(NOON + 1), {}, None],
        ]
    known = {"PATH": "", "SV_API_TOKEN": ""}
    words = [sys.executable, "-m", "sv", "sql", "select count(*) as n from events", "--data", str(tmp_path / "data")]
    rested = forked.run([*words, "--csv"], env=known, text=True)
    assert (rested.returncode, rested.stdout) == (0, "n\n3\n"), rested.stderr
    wrong = forked.run([*words[:4], "select getenv('A')", *words[5:]], env=known, text=True)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'getenv' is not among the functions" in wrong.stderr


def test_values_are_of_json_s_types_and_columns_say_the_engine_s(full: Api) -> None:
    answer = ask(
        full,
        "select 1 as i, 1.5 as d, 'x' as s, true as b, null as n, [1, null] as l, {'a': 1} as o, 'nan'::double as nan, "
        "timestamp '2026-01-31 12:00:00.5' as t, timestamptz '2026-01-31 12:00:00+01' as z, date '2026-01-31' as day, interval 90 minute as v, "
        "'0190b1c0-0000-7000-8000-000000000000'::uuid as u, 170141183460469231731687303715884105727::hugeint as h, 1 as i",
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["rows"] == [
        [1, 1.5, "x", True, None, [1, None], {"a": 1}, None, "2026-01-31T12:00:00.500Z", "2026-01-31T11:00:00.000Z", "2026-01-31", "01:30:00",
         "0190b1c0-0000-7000-8000-000000000000", 1.7014118346046923e38, 1]
    ]  # fmt: skip
    assert [column["name"] for column in found["columns"]][:4] == ["i", "d", "s", "b"]
    assert [column["type"] for column in found["columns"]][:6] == [
        "INTEGER",
        "DECIMAL(2,1)",
        "VARCHAR",
        "BOOLEAN",
        '"NULL"',
        "INTEGER[]",
    ]


def test_rows_come_in_the_statement_s_order_up_to_the_limit(full: Api) -> None:
    answer = ask(full, "select i from range(100000) r(i) order by i desc", limit=3).json()
    assert (answer["rows"], answer["has_more"]) == ([[99999], [99998], [99997]], True)
    assert ask(full, "select i from range(3) r(i)", limit=3).json()["has_more"] is False
    assert len(rows(full, "from range(5000)")) == 1000


def test_another_project_s_events_are_not_seen(api: Api) -> None:
    api.send(event("mine"))
    made = api.http.post("/api/v1/projects", json={"name": f"other {uuid4().hex}"}).json()
    with Api(api.server, made["id"], project_token=made["project_token"]) as other:
        other.send(event("theirs"))
        assert rows(other, "select event from events") == [["theirs"]]
    assert rows(api, "select event from events") == [["mine"]]
    token = api.http.post("/api/v1/api_tokens", json={"name": "t", "project_id": made["id"], "scopes": ["read"]}).json()["token"]
    with Api(api.server, "dev", token) as stranger:
        assert ask(stranger, "select 1").status_code == 403


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select * from read_csv('/etc/passwd')", "expected a select from events"),
        ("select 1; select 2", "expected one select statement, got 2"),
        ("drop view events", "expected one select statement"),
        ("select nothing from events", '"nothing" not found'),
        ("select nothing from events", "if it is a property: properties->>'$.nothing'"),
        ('select e."$b\'x" from events e', "properties->>'$.\"$b''x\"'"),
        ("selct", "syntax error"),
        ("select 'x'::int", "Could not convert"),
        ("select error('x')", "is not among the functions"),
    ],
)
def test_what_may_not_run_or_fails_says_why(full: Api, query: str, told: str) -> None:
    assert told in refusal(full, query)


def test_an_answer_or_a_value_beyond_its_bounds_is_refused_and_the_server_goes_on(full: Api) -> None:
    assert "16,777,216 bytes" in refusal(full, "select repeat('x', 10000) from range(10000)", limit=10000)
    for greedy in ("select repeat('x', 2000000000)", "select string_agg(repeat('x', 1000000), '') from range(100000)"):
        answer = ask(full, greedy)
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert "more memory than it may use" in answer.json()["error"]
    full.failures.clear()
    assert rows(full, "select 1") == [[1]]


DEEP = "[" * 990 + "]" * 990


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (f"select json('{DEEP}')", DEEP),
        ("select json('[123456789012345678901234567890]')", "[123456789012345678901234567890]"),
        ("select [170141183460469231731687303715884105727::hugeint]", "[170141183460469231731687303715884105727]"),
        ("select json('[[[1]]]')", [[[1]]]),
    ],
)
def test_what_an_answer_can_t_hold_as_json_is_in_it_as_text(full: Api, query: str, value: Any) -> None:
    assert rows(full, query) == [[value]]


@pytest.mark.parametrize("spoilt", ["the end", "the footer's length", "everything", "a page", "the footer"])
def test_a_damaged_file_is_set_aside_and_no_path_is_told(tmp_path: Path, spoilt: str) -> None:
    given = ("dev", "--data", str(tmp_path / "data"), "--flush-events", "2", "--flush-seconds", "3600")
    with running(*given) as server, Api(server) as own:
        own.send(event("a", properties={"text": "x" * 5000}), event("b", "bob"))
        while not (files := list((tmp_path / "data" / "events").rglob("*.parquet"))):
            time.sleep(0.02)
        own.listed()
        data = bytearray(files[0].read_bytes())
        match spoilt:
            case "the end":
                data[-4:] = b"none"
            case "the footer's length":
                data[-8:-4] = b"\xff\xff\xff\x00"
            case "everything":
                data = bytearray()
            case "a page":
                data[4:1000] = b"\xff" * 996
            case _:
                data[-60:-12] = b"\xff" * 48
        files[0].write_bytes(data)
        for _ in range(2):
            answer = ask(own, "select count(*), max(length(properties::varchar)), max(event) from events")
            assert str(tmp_path) not in answer.text
            assert answer.status_code != 422, answer.text
        assert answer.json()["rows"] == [[0, None, None]]
        assert list((tmp_path / "data" / "aside").iterdir())
        server.take_faults()


def test_an_endless_statement_ends_with_its_time_and_leaves_no_process() -> None:
    with running("dev", "--query-timeout-seconds", "1") as server, Api(server) as api:
        answer = ask(api, "with recursive t as (select 1 as i union all select i + 1 from t) select count(*) from t where i < 0")
        assert (answer.status_code, "longer than 1 s" in answer.json()["error"]) == (503, True)
        api.failures.clear()
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s and any(_is_statement(pid) for pid in children.read_text().split()):
            time.sleep(0.02)
        assert not any(_is_statement(pid) for pid in children.read_text().split())


def _is_statement(pid: str) -> bool:
    try:
        return b"sql_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_the_command_draws_a_table_of_what_terminals_do_not_act_on(api: Api) -> None:
    api.send(event("a\x1b[31m", properties={"n": 1}), event("b"))
    words = [sys.executable, "-m", "sv", "sql", "--project", "dev", "--url", api.server.url]
    known = {"PATH": "", "SV_API_TOKEN": "sv_dev"}
    drawn = forked.run([*words, "select event, properties from events order by 1"], env=known, text=True)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    lines = [line.rstrip() for line in drawn.stdout.splitlines()]
    assert (lines[0].split(), lines[2].split(), lines[3].split()) == (
        ["event", "properties"],
        ["a\\x1b[31m", '{"n":', "1}"],
        ["b", "{}"],
    )
    assert lines[-1] == "2 rows"
    cut = forked.run([*words, "-", "--limit", "1", "--json"], stdin="from range(3)", env=known, text=True)
    assert json.loads(cut.stdout)["rows"] == [[0]]
    assert cut.stderr == "sv: only the first 1 rows; --limit shows more\n"


def test_the_sample_shop_is_thirty_thousand_events_of_two_thousand_persons_over_sixty_days(tmp_path: Path) -> None:
    with running("dev", "--sample", "--data", str(tmp_path / "data")) as server, Api(server) as own:
        until = time.monotonic() + 60
        found = rows(own, "select count(*), count(distinct person), date_diff('day', min(timestamp), max(timestamp)) from events")
        while found[0][0] < 30_000 and time.monotonic() < until:
            time.sleep(0.2)
            found = rows(
                own, "select count(*), count(distinct person), date_diff('day', min(timestamp), max(timestamp)) from events"
            )
        assert found[0][:2] == [30_000, 2_000]
        assert found[0][2] in (59, 60)
