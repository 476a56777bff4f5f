"""The schema's versions: which one a file has, and how it gets to ours.

Answers for files of any age: older ones are brought up to date, newer and foreign ones refused before anything is
written. `migrations/NNNN_name.sql` are numbered from 0001 without gaps, each applied in one transaction together
with `pragma user_version`, so that a crash leaves a file at one version or the next. A migration that has been
released is never edited: tests keep files of every released version.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from sv.meta.errors import FolderDamaged, FolderFromNewerVersion

SCHEMA_VERSION: Final = 18
"""The number of the last migration. Stated here so that opening an up-to-date file reads no other."""

APPLICATION_ID: Final = 0x5356_6D31
"""`SVm1` in the file's header, which tells our files from other people's."""

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql", re.ASCII)


class Migration(Struct, frozen=True):
    number: int
    name: str
    sql: str


def packaged_migrations() -> list[Migration]:
    """The migrations that came with this release, in order."""
    from importlib.resources import files  # here, since most starts have nothing to migrate

    found: list[Migration] = []
    for file in (files("sv.meta") / "migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def read_version(connection: apsw.Connection, path: Path, newest: int = SCHEMA_VERSION) -> int:
    """The file's version, 0 for an empty one; reads only.

    Raises FolderFromNewerVersion where it is above `newest`, FolderDamaged for a database that isn't ours.
    """
    application_id = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application_id != APPLICATION_ID:
        if application_id or version or connection.execute("select 1 from sqlite_schema limit 1").fetchall():
            raise FolderDamaged(f"{path} is not Session Vision's metadata. Move it away, or choose another folder")
        return 0
    if version > newest:
        raise FolderFromNewerVersion(
            f"{path} was written by a newer release (schema {version}, this release knows {newest})."
            " Install that release again, or restore a backup from before the upgrade; nothing was changed"
        )
    return version


def migrate(connection: apsw.Connection, version: int, migrations: Sequence[Migration]) -> None:
    """Apply what is above `version`, each migration in its own transaction. The last one's commit syncs them all: a crash before it leaves
    the file at some version on the way, whole, and the next start goes on from there.

    Raises ValueError for numbers with gaps, and what SQLite raises; the file is then at the last version reached.
    """
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError(f"expected migrations numbered 1, 2, 3, …, got {[each.name for each in migrations]}")
    # SQLite can't rebuild a table that others refer to while it enforces references, and can't switch that inside
    # a transaction. So they are off here, and looked over before each commit.
    connection.execute("pragma foreign_keys = off")
    try:
        for migration in migrations[version:]:
            is_last = migration.number == len(migrations)
            connection.execute(f"pragma synchronous = {'full' if is_last else 'normal'}")
            _apply(connection, migration)
    finally:
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")


def _apply(connection: apsw.Connection, migration: Migration) -> None:
    connection.execute("begin immediate")
    try:
        connection.execute(migration.sql).fetchall()
        dangling = connection.execute("pragma foreign_key_check").fetchall()
        if dangling:
            raise apsw.ConstraintError(f"{migration.name} leaves dangling references: {dangling[:3]}")
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {migration.number}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _pragma(connection: apsw.Connection, name: str) -> int:
    value = connection.execute(f"pragma {name}").fetchall()[0][0]
    assert isinstance(value, int)
    return value
