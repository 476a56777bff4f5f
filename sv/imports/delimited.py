"""CSV: a header, then a record of as many fields. Delimited by comma, semicolon, tab or bar, whichever the header has most of.

Read strictly by RFC 4180, with quotes doubled inside quotes, line ends of any kind, UTF-8 (bytes that are none become U+FFFD, as in
ingest). A record that isn't well-formed, or has another number of fields than the header, costs itself alone. Why not by a sniffer that
looks at the records: one stray quote among them made such a one read the whole file as if it had no quotes.

A field is text. In a column that becomes a property it is a number or a boolean where every value of the column in the whole file is
written as JSON writes them (`007`, `1e5` with a column of words, or a 19-digit id stay text); a first pass over the file finds out. An
empty field is no value.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, Final

from sv.imports.files import READ_BYTES, UserFile
from sv.imports.rows import UNREADABLE, BadRow, Row, Unit
from sv.imports.tables import TableBlock, table_of
from sv.model.errors import InvalidParameter
from sv.model.limits import MAX_EVENTS_PER_REQUEST

MAX_LINE_CHARS: Final = 4 << 20
"""Of one line. A field may have 131,072 characters (the csv module's own bound), and properties at most half of that."""

DELIMITERS: Final = ",;\t|"

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?")
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Convert = Callable[[str], Any]
_CONVERTS: Final[dict[str, Convert]] = {"integer": int, "number": float, "boolean": _BOOLEANS.__getitem__}

Record = tuple[int, int, list[str]]
"""A well-formed record: its first line, its last line, its fields."""


class CsvSource:
    """Places are line numbers: a record is found at its first line and ends at its last one.

    is_text: whether a column's values must stay text, whatever they look like.
    """

    unit: Unit = "line"
    has_text_fields = True

    def __init__(self, file: UserFile, is_text: Callable[[str], bool], observe: Callable[[float], None]) -> None:
        self._file = file
        self._progress: Callable[[], float] = lambda: 0.0
        with file.open() as (content, _):
            self._delimiter, header = _read_header(file, content)
        self._header = header
        self.columns = tuple(header)
        self._converts = self._infer({place for place, name in enumerate(header) if not is_text(name)}, observe)

    def rows(self, after: int) -> Iterator[Row | BadRow]:
        for record in self._records():
            if isinstance(record, BadRow):
                if record.end > after:
                    yield record
            elif record[1] > after:
                yield self._row(*record)

    def blocks(self, after: int) -> Iterator[Row | BadRow | TableBlock]:
        table = table_of(self._header, self._converts, self._row, is_empty_none=True)
        if table is None:
            yield from self.rows(after)
            return
        for found in _together(self._records(), after):
            if isinstance(found, BadRow):
                yield found
            else:
                ats, ends, records = zip(*found, strict=True)
                yield TableBlock(table, records, ats, ends)

    def _row(self, at: int, end: int, values: Sequence[Any]) -> Row:
        fields: dict[str, Any] = {name: value for name, value in zip(self._header, values, strict=True) if value}
        for place, convert in self._converts.items():
            if values[place]:
                fields[self._header[place]] = convert(values[place])
        return Row(at, end, fields)

    def progress(self) -> float:
        return self._progress()

    def looks_like_time(self, column: str) -> bool:  # noqa: ARG002 - only the name says so, which is asked elsewhere
        return False

    def close(self) -> None:
        pass

    def _records(self) -> Iterator[Record | BadRow]:
        with self._file.open() as (content, self._progress):
            yield from _records(content, self._delimiter, len(self._header))

    def _infer(self, places: Iterable[int], observe: Callable[[float], None]) -> dict[int, Convert]:
        """How to convert the columns that hold numbers or booleans alone, by place."""
        kinds: dict[int, str | None] = dict.fromkeys(places)
        for nth, record in enumerate(self._records()):
            if nth % 10_000 == 0:
                observe(self._progress())
            if isinstance(record, BadRow):
                continue
            if not kinds:
                break
            values = record[2]
            for place, kind in list(kinds.items()):
                value = values[place]
                if value:
                    found = _kind_with(kind, value)
                    if found == "text":
                        del kinds[place]
                    elif found != kind:
                        kinds[place] = found
        return {place: _CONVERTS[kind] for place, kind in kinds.items() if kind is not None}


def _together(records: Iterable[Record | BadRow], after: int) -> Iterator[BadRow | list[Record]]:
    """The records that end after this place, those that follow each other as one list."""
    found: list[Record] = []
    size = 0
    for record in records:
        if record.end <= after if isinstance(record, BadRow) else record[1] <= after:
            continue
        if not isinstance(record, BadRow):
            found.append(record)
            size += sum(map(len, record[2]))
        if found and (isinstance(record, BadRow) or len(found) == MAX_EVENTS_PER_REQUEST or size >= READ_BYTES):
            yield found
            found, size = [], 0
        if isinstance(record, BadRow):
            yield record
    if found:
        yield found


def _kind_with(kind: str | None, value: str) -> str:
    """What a column is that was of this kind (None: without a value) and has this value too."""
    if kind in (None, "integer") and _INTEGER.fullmatch(value):
        return "integer"
    if kind in (None, "integer", "number") and _NUMBER.fullmatch(value):
        return "number"
    if kind in (None, "boolean") and value in _BOOLEANS:
        return "boolean"
    return "text"


class _Lines:
    """The lines of a text for the csv module, none longer than MAX_LINE_CHARS; remembers whether one was cut."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._is_cut = False

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE_CHARS):
            if len(line) == MAX_LINE_CHARS and not line.endswith(("\n", "\r")):
                self._is_cut = True
                while (rest := self._text.readline(MAX_LINE_CHARS)) and not rest.endswith(("\n", "\r")):
                    pass
            yield line

    def take_cut(self) -> bool:
        """Whether a line was cut since the last call."""
        is_cut, self._is_cut = self._is_cut, False
        return is_cut


def _records(content: IO[bytes], delimiter: str, width: int) -> Iterator[Record | BadRow]:
    with _text_of(content) as text:
        lines = _Lines(text)
        reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
        next(reader, None)
        end = reader.line_num
        while True:
            at = end + 1
            fault = ""
            values: list[str] | None = []
            try:
                values = next(reader, None)
            except csv.Error as error:
                fault = f"no CSV record: {error}"
            if values is None:
                return
            end = reader.line_num
            if lines.take_cut():
                fault = f"expected at most {MAX_LINE_CHARS:,} characters a line, got more"
            if fault:
                yield BadRow(at, end, UNREADABLE, fault if end == at else f"{fault} (lines {at:,} to {end:,})")
            elif len(values) == width:
                yield at, end, values
            elif values:
                yield BadRow(at, end, UNREADABLE, f"expected {width} fields, as in the header, got {len(values)}")


def columns_of_csv(file: UserFile) -> list[str]:
    """The columns' names. Raises InvalidParameter where there are none."""
    with file.open() as (content, _):
        return _read_header(file, content)[1]


def _read_header(file: UserFile, content: IO[bytes]) -> tuple[str, list[str]]:
    """The delimiter and the columns' names. Raises InvalidParameter where there is no header of different names."""
    with _text_of(content) as text:
        line = text.readline(MAX_LINE_CHARS)
    try:
        readings = {
            delimiter: [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
            for delimiter in DELIMITERS
        }
    except csv.Error as error:
        raise InvalidParameter(f"{file.name}: expected the columns' names in the first line: {error}") from None
    delimiter = max(readings, key=lambda candidate: len(readings[candidate]))
    names = readings[delimiter]
    if not any(names):
        raise InvalidParameter(f"{file.name}: expected the columns' names in the first line, got {line[:60].strip()!r}")
    if not all(names):
        raise InvalidParameter(
            f"{file.name}: the column in place {names.index('') + 1} has no name; give it one in the first line"
            " (pandas writes such a column unless told index=False)"
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidParameter(f"{file.name}: the header has {', '.join(map(repr, repeated[:5]))} more than once")
    return delimiter, names


def _text_of(content: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
