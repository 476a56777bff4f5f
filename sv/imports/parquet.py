"""Parquet: rows by their number, values as `engine.duck.user_parquet` gives them. A null is no value."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sv.imports.columns import Columns
from sv.imports.files import UserFile
from sv.imports.moments import in_zone
from sv.imports.rows import UNREADABLE, BadRow, Row, Unit
from sv.imports.tables import TableBlock, table_of
from sv.model.errors import BadFile
from sv.model.json_repair import repair

if TYPE_CHECKING:
    from sv.engine.duck.user_parquet import Role


class ParquetSource:
    """Places are row numbers. zone: of times without one."""

    unit: Unit = "row"
    has_text_fields = True

    def __init__(self, file: UserFile, columns: Columns, zone: tzinfo) -> None:
        from sv.engine.duck.user_parquet import ParquetFile

        self._zone = zone
        self._read_rows = 0
        with ExitStack() as closing:
            path = file.path if file.compression is None else _unpacked(file, closing)
            self._parquet = ParquetFile(path, file.name)
            closing.callback(self._parquet.close)
            self._closing = closing.pop_all()
        self.columns = tuple(column.name for column in self._parquet.columns)
        self._fields = {name: columns.of(name).field for name in self.columns}
        self._roles: dict[str, Role] = {name: _ROLES[field] for name, field in self._fields.items() if field in _ROLES}
        self._json_places = [place for place, column in enumerate(self._parquet.columns) if column.has_json]
        self._naive = [
            column.name for column in self._parquet.columns if column.is_naive and self._roles.get(column.name) == "moment"
        ]

    def rows(self, after: int) -> Iterator[Row | BadRow]:
        for first, records in self._blocks(after):
            for number, values in enumerate(records, first):
                yield self._row(number, number, values)

    def blocks(self, after: int) -> Iterator[Row | BadRow | TableBlock]:
        others = {name for name, field in self._fields.items() if field is None}
        table = table_of(self.columns, {}, self._row, in_zone if self._naive else None, is_empty_none=False)
        if table is None or any(column.has_json and column.name in others for column in self._parquet.columns):
            yield from self.rows(after)
            return
        for first, records in self._blocks(after):
            places = range(first, first + len(records))
            yield TableBlock(table, records, places, places)

    def _blocks(self, after: int) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """The number of the first row of some, and what is in them."""
        self._read_rows = after
        for records in self._parquet.blocks(after, self._roles):
            first = self._read_rows + 1
            self._read_rows += len(records)
            yield first, records

    def _row(self, at: int, end: int, values: Sequence[Any]) -> Row | BadRow:
        fields = {name: value for name, value in zip(self.columns, values, strict=True) if value is not None}
        fault = self._decode(fields, self._json_places)
        if fault is not None:
            return BadRow(at, end, UNREADABLE, fault)
        for name in self._naive:
            if name in fields:
                fields[name] = in_zone(fields[name], self._zone)
        return Row(at, end, fields)

    def _decode(self, fields: dict[str, Any], places: list[int]) -> str | None:
        """Decode the columns that come as JSON text; what is wrong with one that can't be."""
        for place in places:
            name = self.columns[place]
            if name in fields:
                try:
                    fields[name] = _from_json(fields[name])
                except (ValueError, RecursionError) as error:
                    return f"{name}: {error}"
        return None

    def progress(self) -> float:
        return self._read_rows / self._parquet.row_count if self._parquet.row_count else 1.0

    def looks_like_time(self, column: str) -> bool:
        return any(known.is_time for known in self._parquet.columns if known.name == column)

    def close(self) -> None:
        self._closing.close()


_MAGIC: Final = b"PAR1"

_ROLES: "Final[dict[str | None, Role]]" = {
    "timestamp": "moment",
    "anonymousId": "id",
    "userId": "id",
    "sessionId": "id",
    "eventId": "id",
}


def _unpacked(file: UserFile, closing: ExitStack) -> Path:
    """A copy without the compression around it: Parquet is read from its end."""
    path = Path(closing.enter_context(TemporaryDirectory(prefix="sv-import-"))) / "file.parquet"
    with file.open() as (content, _), path.open("wb") as copy:
        head = content.read(len(_MAGIC))
        if head != _MAGIC:
            raise BadFile(f"{file.name}: what is compressed in it is no Parquet file")
        copy.write(head)
        shutil.copyfileobj(content, copy)
    return path


def _from_json(text: str) -> Any:
    """A list, a struct or a map. What is not finite inside becomes null."""
    repaired = repair(text.encode())
    try:
        return msgspec.json.decode(repaired)
    except msgspec.DecodeError:
        return json.loads(repaired, parse_constant=lambda _: None)
