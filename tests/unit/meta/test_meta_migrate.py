"""Schema versions: from nothing, from any older one, and none half done."""

from pathlib import Path

import apsw
import pytest

from sv.meta.db import Meta
from sv.meta.migrate import SCHEMA_VERSION, Migration, migrate, packaged_migrations, read_version

FIRST = Migration(1, "0001_a.sql", "create table a (x integer primary key); insert into a values (1);")
SECOND = Migration(2, "0002_b.sql", "create table b (x references a (x)); insert into b values (1);")


def tables(connection: apsw.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("select name from sqlite_schema where type = 'table'")}


@pytest.fixture
def connection() -> apsw.Connection:
    return apsw.Connection(":memory:")


def version(connection: apsw.Connection) -> int:
    return read_version(connection, Path("sv.db"), newest=9)


def test_the_migrations_that_come_with_the_release_are_numbered_up_to_the_schema_version() -> None:
    assert [each.number for each in packaged_migrations()] == list(range(1, SCHEMA_VERSION + 1))


def test_a_file_from_scratch_has_the_newest_version_and_sound_references(path: Path) -> None:
    with Meta.open(path) as meta:
        assert meta.rows("pragma user_version") == [(SCHEMA_VERSION,)]
        assert meta.rows("pragma foreign_key_check") == []


def test_references_are_enforced_in_a_file_just_made_and_in_one_reopened(path: Path) -> None:
    for _ in range(2):
        with Meta.open(path) as meta, pytest.raises(apsw.ConstraintError), meta.transaction() as writer:
            writer.execute("insert into project_tokens (token, project_id, created_ms) values ('t', 'nobody', 0)")


def test_each_migration_is_applied_once_and_in_order(connection: apsw.Connection) -> None:
    migrate(connection, 0, [FIRST])
    assert (version(connection), tables(connection)) == (1, {"a"})
    migrate(connection, 1, [FIRST, SECOND])
    assert (version(connection), tables(connection)) == (2, {"a", "b"})
    migrate(connection, 2, [FIRST, SECOND])
    assert version(connection) == 2


def test_of_several_migrations_only_the_last_waits_for_the_disk(connection: apsw.Connection) -> None:
    waits: list[int] = []

    def note(_: object, sql: str, __: object) -> bool:
        if sql == "commit":
            waits.append(connection.pragma("synchronous"))
        return True

    connection.exec_trace = note
    migrate(connection, 0, [FIRST, SECOND, Migration(3, "0003_c.sql", "create table c (x)")])
    connection.exec_trace = None
    assert waits == [1, 1, 2]
    assert connection.pragma("synchronous") == 2


def test_a_migration_that_fails_halfway_leaves_the_version_before_it(connection: apsw.Connection) -> None:
    broken = Migration(2, "0002_b.sql", "create table b (x); insert into nowhere values (1);")
    with pytest.raises(apsw.SQLError):
        migrate(connection, 0, [FIRST, broken])
    assert (version(connection), tables(connection)) == (1, {"a"})
    migrate(connection, 1, [FIRST, SECOND])
    assert version(connection) == 2


def test_a_migration_that_leaves_dangling_references_is_rolled_back(connection: apsw.Connection) -> None:
    dangling = Migration(2, "0002_b.sql", "create table b (x references a (x)); insert into b values (7);")
    with pytest.raises(apsw.ConstraintError, match="0002_b"):
        migrate(connection, 0, [FIRST, dangling])
    assert (version(connection), tables(connection)) == (1, {"a"})


def test_a_migration_can_rebuild_a_table_that_others_refer_to(connection: apsw.Connection) -> None:
    rebuild = Migration(
        3,
        "0003_c.sql",
        "create table c (x integer primary key, y); insert into c select x, 7 from a; drop table a; alter table c rename to a;",
    )
    migrate(connection, 0, [FIRST, SECOND, rebuild])
    assert connection.execute("select a.y from a join b using (x)").fetchall() == [(7,)]


def test_migrations_with_a_gap_are_refused_before_any_is_applied(connection: apsw.Connection) -> None:
    with pytest.raises(ValueError, match="0003"):
        migrate(connection, 0, [FIRST, Migration(3, "0003_c.sql", "create table c (x)")])
    assert tables(connection) == set()


def test_jobs_of_an_earlier_version_are_kept_and_their_numbers_are_not_given_again(connection: apsw.Connection) -> None:
    before = [each for each in packaged_migrations() if each.number < 10]
    migrate(connection, 0, before)
    insert = "insert into jobs (id, project_id, kind, state, subject, created_ms) values (?, 'p', ?, 'done', 'ann', 1)"
    for job_id in ("a", "b"):
        connection.execute(insert, (job_id, "erase_person"))
    migrate(connection, 9, packaged_migrations())
    assert list(connection.execute("select n, id, subject from jobs")) == [(1, "a", "ann"), (2, "b", "ann")]
    connection.execute(insert, ("c", "expire_events"))
    assert list(connection.execute("select n from jobs where id = 'c'")) == [(3,)]
