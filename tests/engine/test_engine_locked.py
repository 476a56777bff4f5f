"""Whatever statement came to run in the engine, it reads nothing outside the folders of events, writes nothing there, loads nothing and changes
no setting: the second wall, should anybody's text ever become part of a statement (`tests/security/test_security_statements.py` is the first).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sv.engine.duck.database import Database

MIB = 1 << 20
CANARY = "canary-5f1c"
ESCAPES = [
    "select * from read_csv('{outside}/secret.txt', header = false)",
    "select * from read_csv_auto('{outside}/secret.txt')",
    "select content from read_text('{outside}/secret.txt')",
    "select content from read_blob('{outside}/secret.txt')",
    "select content from read_text('{events}/../secret.txt')",
    "select content from read_text('{events}/project=x/../../secret.txt')",
    "select content from read_text('{events}/link')",
    "select content from read_text('{events}/*')",
    "select content from read_text('{events}2/near.txt')",
    "select content from read_text('file://{outside}/secret.txt')",
    "select * from '{outside}/secret.txt'",
    "select * from '{outside}/secret.parquet'",
    "select * from read_parquet('{outside}/secret.parquet')",
    "select * from parquet_metadata('{outside}/secret.parquet')",
    "select * from read_json('{outside}/secret.txt')",
    "select * from sniff_csv('{outside}/secret.txt')",
    "select * from glob('{outside}/*')",
    "select * from glob('{events}/../*')",
    "select * from query('select content from read_text(''{outside}/secret.txt'')')",
    "select * from read_parquet('http://127.0.0.1:9/x.parquet')",
    "select * from read_parquet('s3://bucket/x.parquet')",
    "select 1; select content from read_text('{outside}/secret.txt')",
    "copy (select 1) to '{outside}/made.csv'",
    "copy (select 1) to '{events}/../made.csv'",
    "copy (select 1) to '{events}/link'",
    "copy secrets from '{outside}/secret.txt'",
    "export database '{outside}/made'",
    "import database '{outside}'",
    "attach '{outside}/made.db'",
    "attach '{outside}/sv.db' (type sqlite)",
    "create persistent secret (type s3)",
    "install httpfs",
    "install 'http://127.0.0.1:9/x.duckdb_extension'",
    "force install httpfs from community",
    "load httpfs",
    "load '{outside}/secret.txt'",
    "select getenv('HOME')",
    "select * from outside_python",
    "set memory_limit = '1TB'",
    "set global memory_limit = '1TB'",
    "reset memory_limit",
    "pragma memory_limit = '1TB'",
    "pragma enable_profiling",
    "set threads = 64",
    "set temp_directory = '{outside}'",
    "set max_temp_directory_size = '100TB'",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set allowed_paths = ['{outside}/secret.txt']",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set autoload_known_extensions = true",
    "set allow_unsigned_extensions = true",
    "set python_enable_replacements = true",
    "set home_directory = '{outside}'",
    "set secret_directory = '{outside}'",
    "set log_query_path = '{outside}/made.log'",
    "set profiling_output = '{outside}/made.json'",
    "call enable_logging(storage = 'file', storage_path = '{outside}/made')",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies beside the events: files that nobody may get at."""
    outside = tmp_path_factory.mktemp("locked")
    for name in ("events", "events2", "spill", "aside"):
        (outside / name).mkdir()
    (outside / "secret.txt").write_text(CANARY)
    (outside / "events2" / "near.txt").write_text(CANARY)
    (outside / "events" / "link").symlink_to(outside / "secret.txt")
    duckdb.execute(f"copy (select '{CANARY}' as secret) to '{outside}/secret.parquet'")
    return outside


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[Database]:
    opened = Database(
        events_folder=folder / "events",
        aside_folder=folder / "aside",
        spill_folder=folder / "spill",
        memory_bytes=128 * MIB,
        threads=2,
    )
    yield opened
    opened.close()


def configuration(database: Database) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        return cursor.execute("select name, value from duckdb_settings() order by name").fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("statement", ESCAPES)
def test_a_statement_gets_at_nothing_outside_and_leaves_everything_as_it_was(
    database: Database, folder: Path, statement: str
) -> None:
    outside_python = [CANARY]  # noqa: F841 - what the statement of that name would find, if it looked here
    before = configuration(database), contents(folder)
    with database.cursor() as cursor, pytest.raises(duckdb.Error) as refused:
        cursor.execute(statement.format(outside=folder, events=folder / "events")).fetchall()
    assert CANARY not in str(refused.value)
    assert (configuration(database), contents(folder)) == before
    with database.cursor() as cursor:
        assert cursor.execute("select 42").fetchall() == [(42,)]


def test_memory_threads_and_what_is_spilled_are_bounded(database: Database, folder: Path) -> None:
    names = ("memory_limit", "threads", "temp_directory", "lock_configuration", "enable_external_access", "allowed_directories",
             "python_enable_replacements", "autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions",
             "allow_unsigned_extensions")  # fmt: skip
    found = dict(configuration(database))
    assert {name: found[name] for name in names} == {
        "memory_limit": "128.0 MiB",
        "threads": "2",
        "temp_directory": str(folder / "spill"),
        "lock_configuration": "true",
        "enable_external_access": "false",
        "allowed_directories": found["allowed_directories"],
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_unsigned_extensions": "false",
    }
    # The engine lets its own temporary files be reached too, beside the two that were named.
    allowed = {part.strip().strip("'") for part in found["allowed_directories"].strip("[]").split(",")}
    assert allowed == {f"{folder / name}/" for name in ("events", "aside", "spill")}
    assert "KiB" in found["max_temp_directory_size"] or "iB" in found["max_temp_directory_size"]


def test_a_query_that_would_spill_more_than_its_share_is_stopped(tmp_path: Path) -> None:
    small = Database(
        events_folder=tmp_path / "events", spill_folder=tmp_path / "spill", memory_bytes=64 * MIB, threads=2, spill_bytes=8 * MIB
    )
    kept = "create temp table much as select md5(i::varchar) || md5((i + 1)::varchar) as text from range(3000000) t(i)"
    with small.cursor() as cursor, pytest.raises(duckdb.OutOfMemoryException):
        cursor.execute(kept).fetchall()
    with small.cursor() as cursor:
        assert cursor.execute("select 42").fetchall() == [(42,)]
    small.close()
    assert sum(path.stat().st_size for path in (tmp_path / "spill").rglob("*") if path.is_file()) == 0
