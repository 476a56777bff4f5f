"""A user's statement gets at the project's events and at nothing else: what isn't a select of known parts is refused, and were it run all the
same, there is nothing in its reach."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sv.engine.duck.schema import COLUMNS
from sv.engine.duck.user_sql.sql_child import Job, open_locked
from sv.engine.duck.user_sql.sql_functions import OPERATORS, SCALARS, TABLES
from sv.engine.duck.user_sql.sql_gate import Refused, checked
from sv.engine.duck.user_sql.sql_run import run_sql
from sv.engine.port import Limits
from sv.model.errors import Unavailable
from sv.model.snapshot import Snapshot
from sv.model.sql import SqlQuery

JOB = Job("", [], 0, 10, 1 << 20, 128 << 20, 1, 10.0)

REFUSED = {
    "several statements": "select 1; select 2",
    "nothing": "",
    "a comment": "-- nothing",
    "a change in a part": "with x as (insert into buffered select * from events returning 1) select * from x",
    "a deletion in a part": "with x as (delete from buffered returning 1) select * from x",
    "insert": "insert into buffered select * from events",
    "create": "create table t as select 1",
    "copy out": "copy events to '/tmp/x.csv'",
    "copy in": "copy buffered from '/etc/passwd'",
    "attach": "attach '/tmp/x.db'",
    "set": "set memory_limit = '1TB'",
    "reset": "reset lock_configuration",
    "pragma": "pragma database_list",
    "call": "call pragma_version()",
    "install": "install httpfs",
    "load": "load httpfs",
    "export": "export database '/tmp/x'",
    "explain": "explain analyze select 1",
    "prepare": "prepare p as select 1",
    "show": "show all tables",
    "describe": "describe events",
    "show within": "select * from (show databases)",
    "a file": "from '/etc/passwd'",
    "a file in quotes": "select * from \"x.parquet\"",
    "a file that a part is named as": "with \"/etc/passwd\" as (select 1) select * from \"/etc/passwd\"",
    "the engine's tables": "select * from duckdb_settings",
    "a part named as the engine's tables": "with duckdb_tables as (select 1) select * from duckdb_tables",
    "another table": "select * from buffered",
    "a schema": "select * from main.events",
    "the catalog": "select * from information_schema.tables",
    "sqlite's": "select * from sqlite_master",
    "read_csv": "select * from read_csv('/etc/passwd')",
    "read_text": "select * from read_text('/proc/self/environ')",
    "read_blob": "select content from read_blob('/etc/passwd')",
    "read_parquet": "select * from read_parquet('*/*.parquet')",
    "parquet_scan": "select * from parquet_scan('x')",
    "parquet_metadata": "select * from parquet_metadata('x')",
    "glob": "select * from glob('/*')",
    "sniff_csv": "select * from sniff_csv('/etc/passwd')",
    "a query as text": "select * from query('select 1')",
    "a table by its name": "select * from query_table('buffered')",
    "a statement as JSON": "select * from json_execute_serialized_sql('{}')",
    "a pointer": "select * from arrow_scan(1, 2, 3)",
    "secrets": "select * from duckdb_secrets()",
    "settings": "select * from duckdb_settings()",
    "which secret": "select * from which_secret('s3://x', 's3')",
    "logs": "select * from duckdb_logs()",
    "the environment": "select getenv('HOME')",
    "a setting": "select current_setting('allowed_paths')",
    "a variable": "select getvariable('x')",
    "waiting": "select sleep_ms(100000)",
    "waiting, as Postgres": "select pg_sleep(1000)",
    "writing a log": "select write_log('x')",
    "a sequence": "select nextval('s')",
    "the statement's text": "select current_query()",
    "parsing": "select json_serialize_sql('select 1')",
    "states of aggregates": "select finalize('x')",
    "in a condition": "select 1 from events where getenv('A') = 'b'",
    "in a window": "select sum(length(current_setting('threads'))) over () from events",
    "in an order": "select 1 order by getenv('A')",
    "in a limit": "select 1 limit length(getenv('A'))",
    "in a join": "select 1 from events join read_csv('x') on true",
    "in a lambda": "select list_transform([1], lambda x: getenv('A'))",
    "in a subquery": "select (select content from read_text('/etc/passwd'))",
    "in a table function": "select * from range(length(getenv('A')))",
    "in a recursion": "with recursive t as (select 1 as i union all select length(getenv('A')) from t) from t",
    "in a union": "select 1 union all select * from read_csv('x')",
    "in an unpivot": "unpivot (select * from read_csv('x')) on *",
    "in values": "values (getenv('A'))",
    "a filter of an aggregate": "select count(*) filter (where getenv('A') is null) from events",
    "a parameter": "select $x",
    "a quoted name in other letters": "select * from \"Read_Csv\"('x')",
    "deep nesting": "select " + "(" * 5000 + "1" + ")" * 5000,
}  # fmt: skip

ACCEPTED = [
    "select 1",
    "SELECT count(*), COUNT(DISTINCT person) FROM EVENTS",
    "from events",
    "from events select event where timestamp > now() - interval 7 day",
    "select properties->>'$.plan' as plan, properties->'$.a' from events",
    "with a as (select * from events), b as (select * from a) select * from a join b using (id)",
    "with recursive t as (select 1 as i union all select i + 1 from t where i < 10) select sum(i) from t",
    "select row_number() over (partition by person order by timestamp) as n from events qualify n = 1",
    "select * from range(3) r(i), unnest([1, 2]) u(v)",
    "select event, count(*) filter (where is_bot) from events group by all having count(*) > 1 order by all limit 5 offset 1",
    "select list(distinct event order by event)[1:2], quantile_cont(epoch_ms(timestamp), 0.5) from events",
    "select case when event like 'a%' then 1 else 2 end, event ilike '%x', event similar to 'x', event ~ 'x' from events",
    "select regexp_extract(current_url, 'a(b)', 1), strftime(timestamp, '%Y'), date_trunc('week', timestamp) from events",
    "select * exclude (properties) from events tablesample 10%",
    "select columns('.*_id') from events",
    "select try_cast('x' as int), coalesce(null, 1), nullif(1, 1), 5 between 1 and 2, 1 in (1, 2), exists (from events)",
    "unpivot (select 1 as a, 2 as b) on a, b",
    "values (1), (2)",
    "select list_transform([1, 2], lambda x: x + 1), {'a': 1}.a, map {'k': 1}['k']",
    "select 1 -- with a comment",
    "select 'a'; ",
]


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_locked(JOB, b"") as connection:
        yield connection


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_what_is_no_select_of_known_parts_is_refused(database: duckdb.DuckDBPyConnection, statement: str) -> None:
    with pytest.raises(Refused):
        checked(database, statement)


@pytest.mark.parametrize("statement", ACCEPTED)
def test_a_select_of_known_parts_runs_as_it_is_written_anew(database: duckdb.DuckDBPyConnection, statement: str) -> None:
    database.execute(f"select * from ({checked(database, statement)}) limit 1").fetchall()


def test_every_function_of_the_list_is_one_of_the_engine_s_and_none_waits_or_writes(database: duckdb.DuckDBPyConnection) -> None:
    with duckdb.connect() as plain:
        told = plain.execute("select lower(function_name), stability, function_type from duckdb_functions()").fetchall()
    known = {name for name, _, _ in told}
    windows = {
        "row_number",
        "rank",
        "dense_rank",
        "percent_rank",
        "cume_dist",
        "ntile",
        "lag",
        "lead",
        "first_value",
        "last_value",
        "nth_value",
        "fill",
    }
    made_by_the_parser = {"grouping", "grouping_id", "pg_typeof", "unnest", "current_date", "current_localtime"}
    listed = {name.lower() for name in SCALARS | OPERATORS | TABLES}
    assert listed - known - windows - made_by_the_parser == set()
    chance = {"random", "uuid", "gen_random_uuid"}
    assert {name for name, stability, _ in told if stability == "VOLATILE"} & listed == chance
    assert {name for name, _, kind in told if kind in ("table", "table_macro", "pragma")} & listed <= TABLES | {
        "repeat",
        "generate_series",
        "histogram",
        "json",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{secret}')",
        "select * from read_text('{secret}')",
        "from '{secret}'",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{folder}/out.csv'",
        "attach '{folder}/x.db'",
        "set enable_external_access = true",
        "set allowed_paths = ['{secret}']",
        "reset memory_limit",
        "set temp_directory = '{folder}'",
        "install httpfs",
        "load httpfs",
        "create secret (type s3)",
        "export database '{folder}/all'",
    ],
)
def test_behind_the_first_wall_nothing_outside_is_in_reach(
    statement: str, tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(duckdb.Error):
        database.execute(statement.format(secret=secret, folder=tmp_path)).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_behind_the_first_wall_another_project_s_files_are_out_of_reach(tmp_path: Path) -> None:
    with duckdb.connect() as plain:
        for name in ("mine", "theirs"):
            plain.execute(f"copy (select '{name}' as event) to '{tmp_path}/{name}.parquet'")
    job = Job("", [], 0, 10, 1 << 20, 128 << 20, 1, 10.0)
    with open_locked(job, b"") as nothing, pytest.raises(duckdb.Error):
        nothing.execute(f"from read_parquet('{tmp_path}/mine.parquet')").fetchall()


def test_what_a_statement_may_have_does_not_hang_on_how_many_events_wait_to_be_in_files() -> None:
    columns = ", ".join(
        """'{"n": "' || repeat('x', 400) || i || '"}' as properties""" if name == "properties" else f'null::{kind} as "{name}"'
        for name, kind in COLUMNS.items()
    )
    sink = pa.BufferOutputStream()
    with duckdb.connect() as connection:
        table = connection.sql(f"select {columns} from range(250000) r(i)").to_arrow_table()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrived = sink.getvalue().to_pybytes()
    memory_bytes = 64 << 20
    assert len(arrived) > memory_bytes
    with open_locked(Job("", [], len(arrived), 10, 1 << 20, memory_bytes, 1, 10.0), arrived) as connection:
        assert connection.sql("select count(*), count(properties) from events").fetchall() == [(250_000, 250_000)]
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.sql("select list(repeat('x', 1000) || i) from range(200000) r(i)").fetchall()


def test_a_system_that_lets_no_process_begin_is_no_fault_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **_named: Any) -> Any:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(subprocess, "Popen", refuse)
    statements: Any = None  # nothing waits to be in files, so it is asked nothing
    with pytest.raises(Unavailable, match=os.strerror(errno.EAGAIN)):
        run_sql(statements, Snapshot("dev", (), ()), tmp_path, SqlQuery("select 1", 10), 1 << 30, 1, Limits(10.0))
