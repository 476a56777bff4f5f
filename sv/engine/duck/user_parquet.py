"""Rows of a user's Parquet file, as JSON values, on a connection of its own in the process of the command line.

What JSON has no word for becomes text or nothing: times are ISO 8601, bytes are text where they are UTF-8 and Base64 where not, a decimal
is a number, what is not finite is nothing. Lists, structs and maps come as JSON text. Assumes that whoever runs the process may read the
file. Never touches the server's database.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import duckdb
from msgspec import Struct

from sv.model.errors import BadFile, InvalidParameter

BLOCK_ROWS: Final = 2048

LARGE_ROW_BYTES: Final = 8 << 10
"""Of a row group's mean row, from which on rows are read by Arrow, some at a time: the engine has 2,048 at once, and several times over,
whatever they hold. 6,000 of 50 KB took it 900 MB."""

LARGE_BLOCK_BYTES: Final = 4 << 20
MIN_BLOCK_ROWS: Final = 64
_READ_BYTES: Final = 1 << 20
_ROWS: Final = "arrow_rows"
_ALIKE: Final = frozenset({("TIMESTAMP", "TIMESTAMP_MS"), ("TIMESTAMP", "TIMESTAMP_S"), ("VARCHAR", "ENUM")})
"""(what the engine reads a column as, what it takes Arrow's for) of the same values."""

_GLOB: Final = frozenset("*?[")
_WHOLE_NUMBERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_INSTANTS: Final = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
_NESTED: Final = ("STRUCT", "MAP", "UNION", "VARIANT", "JSON")

Role = Literal["id", "moment", "value"]
"""What a column is read for: a text that identifies, a point in time, any JSON value."""


class ParquetColumn(Struct, frozen=True):
    """name: as the file has it; inner: as the engine calls it. has_json: its values come as JSON text. is_time: it holds points in time;
    is_naive: without a time zone."""

    name: str
    inner: str
    kind: str
    has_json: bool
    is_time: bool
    is_naive: bool


_ROW_BYTES: Final = """
    select max(size) from (
      select sum(total_uncompressed_size) / nullif(any_value(row_group_num_rows), 0) as size from parquet_metadata({}) group by row_group_id
    )"""


class ParquetFile:
    """An open file. Raises InvalidParameter, here and while reading, where it can't be read; `name` is what it is called then."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._folder: TemporaryDirectory[str] | None = None
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "python_enable_replacements": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            self._connection.execute("set TimeZone = 'UTC'")
            self._path = self._plain_path(path)
            plain = _literal(self._path)
            self._source = f"read_parquet({plain}, hive_partitioning = false)"
            described = self._fetch(f"describe select * from {self._source}")
            names = zip(self._names(plain), described, strict=True)
            self.columns = tuple(_column(name or inner, inner, kind) for name, (inner, kind, *_) in names)
            self.row_count = int(self._fetch(f"select count(*) from {self._source}")[0][0])
            self._row_bytes = int(self._fetch(_ROW_BYTES.format(plain))[0][0] or 0)
        except BaseException:
            self.close()
            raise

    def blocks(self, after: int, roles: dict[str, Role]) -> Iterator[list[tuple[Any, ...]]]:
        """The rows after the first so many, in the file's order, with all columns. A moment is Unix ms where its column holds times.

        roles: of the columns that are no mere values.
        """
        selected = ", ".join(_value(column, roles.get(column.name, "value")) for column in self.columns)
        try:
            if self._row_bytes >= LARGE_ROW_BYTES:
                for block in self._large_blocks(after, selected):
                    after += len(block)
                    yield block
                if after >= self.row_count:
                    return
            result = self._connection.execute(f"select {selected} from {self._source} offset {after:d}")
            while block := result.fetchmany(BLOCK_ROWS):
                yield block
        except duckdb.Error as error:
            raise self._fault(error) from error

    def _large_blocks(self, after: int, selected: str) -> Iterator[list[tuple[Any, ...]]]:
        """Likewise, of few rows each; it ends before what Arrow can't read, or has other values of than the engine."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [column.inner for column in self.columns]
        count = max(LARGE_BLOCK_BYTES // self._row_bytes, MIN_BLOCK_ROWS)
        with (
            contextlib.suppress(pa.ArrowException, OSError),
            pq.ParquetFile(self._path, buffer_size=_READ_BYTES, pre_buffer=False) as file,
        ):
            columns = self._columns_of(file.schema_arrow.empty_table().rename_columns(names))
            groups = list(range(file.metadata.num_row_groups)) if columns else []
            while groups and (size := file.metadata.row_group(groups[0]).num_rows) <= after:
                after -= size
                del groups[0]
            for batch in file.iter_batches(count, groups) if groups else ():
                rows = batch.slice(after)
                after = max(after - batch.num_rows, 0)
                if rows.num_rows:
                    rows.validate(full=True)  # its texts too, which the engine takes for UTF-8
                    self._connection.register(_ROWS, pa.Table.from_batches([rows]).rename_columns(names))
                    yield self._connection.execute(f"select {selected} from (select {columns} from {_ROWS})").fetchall()
                    self._connection.unregister(_ROWS)

    def _columns_of(self, empty: Any) -> str:
        """What makes of such a table of Arrow's what the engine reads; nothing where it has other values."""
        try:
            self._connection.register(_ROWS, empty)
            described = self._connection.execute(f"describe select * from {_ROWS}").fetchall()
            self._connection.unregister(_ROWS)
        except duckdb.Error:
            return ""
        selected: list[str] = []
        for column, (_, kind, *_) in zip(self.columns, described, strict=True):
            name = _identifier(column.inner)
            if kind == column.kind:
                selected.append(name)
            elif (column.kind, kind.partition("(")[0]) in _ALIKE:
                selected.append(f"{name}::{column.kind} as {name}")
            else:
                return ""
        return ", ".join(selected)

    def close(self) -> None:
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _names(self, plain: str) -> list[str]:
        """The columns' own names.

        SCAR: the engine, which doesn't tell `userId` from `UserId`, calls the second one `userId_1`: such a file's users were lost.
        """
        fields = self._fetch(f"select name, coalesce(num_children, 0) from parquet_schema({plain})")
        names: list[str] = []
        inside = 0  # of a column, so many fields are still to come
        for name, children in fields[1:]:
            if inside:
                inside -= 1
            else:
                names.append(name)
            inside += children
        if len(set(names)) < len(names):
            repeated = sorted({name for name in names if names.count(name) > 1})
            raise InvalidParameter(f"{self._name}: the columns {', '.join(map(repr, repeated[:5]))} are there more than once")
        return names

    def _fetch(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement).fetchall()
        except duckdb.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: duckdb.Error) -> BadFile:
        return BadFile(f"{self._name} can't be read as Parquet: {str(error).splitlines()[0]}")

    def _plain_path(self, path: Path) -> str:
        """The file's path; a link to it where the engine would take the path itself for a pattern."""
        plain = str(path.resolve())
        if _GLOB.isdisjoint(plain):
            return plain
        self._folder = TemporaryDirectory(prefix="sv-import-")
        link = os.path.join(self._folder.name, "file.parquet")
        os.symlink(plain, link)
        return link


def _column(name: str, inner: str, kind: str) -> ParquetColumn:
    is_instant = kind.startswith(_INSTANTS)
    is_naive = not is_instant and (kind.startswith("TIMESTAMP") or kind == "DATE")
    is_list = kind.endswith("]")
    return ParquetColumn(
        name, inner, kind, is_list or kind.startswith(_NESTED), (is_instant or is_naive) and not is_list, is_naive and not is_list
    )


def _value(column: ParquetColumn, role: Role) -> str:
    """The expression that makes a JSON value of the column."""
    name = _identifier(column.inner)
    kind = column.kind
    if column.has_json:
        return f"to_json({name})::varchar"
    if column.is_time:
        if role == "moment":
            # A time that can't be told (infinity, say) must not become none, which would stand for now.
            return f"case when {name} is not null then coalesce(try({_milliseconds(name, column)}), -1) end"
        return f"regexp_replace(replace({name}::varchar, ' ', 'T'), '\\+00$', 'Z')"
    if kind in ("FLOAT", "DOUBLE"):
        other = f" when {name} is not null then -1" if role == "moment" else ""
        return f"case when isfinite({name}) then {name}{other} end"
    if kind == "BOOLEAN":
        return name
    if kind in _WHOLE_NUMBERS:
        return f"{name}::varchar" if role == "id" else name
    if kind.startswith("DECIMAL") or kind in ("HUGEINT", "UHUGEINT", "BIGNUM"):
        return f"{name}::varchar" if role == "id" else f"{name}::double"
    if kind == "BLOB":
        return f"coalesce(try(decode({name})), to_base64({name}))"
    return f"{name}::varchar"


def _milliseconds(name: str, column: ParquetColumn) -> str:
    """Down to the millisecond, as of texts: the engine's `epoch_ms` takes the nearest one."""
    if column.kind == "TIMESTAMP_NS":
        fine, size = f"epoch_ns({name})", 1_000_000
    else:
        fine, size = f"epoch_us({name}::{'timestamp' if column.is_naive else 'timestamptz'})", 1000
    return f"({fine} - ({fine} % {size} + {size}) % {size}) // {size}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
