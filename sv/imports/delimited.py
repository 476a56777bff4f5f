"""CSV: a header, then a record of as many fields. Delimited by comma, semicolon, tab or bar, whichever the header has most of.

Read strictly by RFC 4180, with quotes doubled inside quotes, line ends of any kind. A record that isn't well-formed, or has another number
of fields than the header, costs itself alone. Why not by a sniffer that looks at the records: one stray quote among them made such a one
read the whole file as if it had no quotes.

A field is text. In a column that becomes a property it is a number or a boolean where every value of the column in the whole file is
written as JSON writes them (`007`, `1e5` with a column of words, or a 19-digit id stay text); a first pass over the file finds out. An
empty field is no value.
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import length_hint
from typing import IO, Any, Final

from msgspec import Struct

from sv.imports.files import READ_BYTES, UserFile
from sv.imports.rows import UNREADABLE, BadRow, Row, Unit
from sv.imports.tables import TableBlock, table_of
from sv.model.errors import BadFile

MAX_LINE_CHARS: Final = 4 << 20
"""Of one line. A field may have 131,072 characters (the csv module's own bound), and properties at most half of that."""

DELIMITERS: Final = ",;\t|"

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?")
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Convert = Callable[[str], Any]
_CONVERTS: Final[dict[str, Convert]] = {"integer": int, "number": float, "boolean": _BOOLEANS.__getitem__}


class Records(Struct, frozen=True, gc=False):
    """Well-formed records that follow each other: their fields, and the first and the last line of each."""

    values: Sequence[list[str]]
    ats: Sequence[int]
    ends: Sequence[int]

    def after(self, place: int) -> "Records":
        """Those that end after this line."""
        first = bisect_right(self.ends, place)
        return Records(self.values[first:], self.ats[first:], self.ends[first:]) if first else self

    def only(self, places: Sequence[int]) -> "Records":
        """Those in these places."""
        ats, ends = ([column[place] for place in places] for column in (self.ats, self.ends))
        return Records([self.values[place] for place in places], ats, ends)


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
        for found in self._found(after):
            if isinstance(found, BadRow):
                yield found
            else:
                yield from map(self._row, found.ats, found.ends, found.values)

    def blocks(self, after: int) -> Iterator[Row | BadRow | TableBlock]:
        table = table_of(self._header, self._converts, self._row, is_empty_none=True)
        if table is None:
            yield from self.rows(after)
            return
        for found in self._found(after):
            yield found if isinstance(found, BadRow) else TableBlock(table, found.values, found.ats, found.ends)

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

    def _found(self, after: int = 0) -> Iterator[Records | BadRow]:
        """Yields the records of the file that end after this line."""
        with self._file.open() as (content, self._progress):
            for found in _records(content, self._delimiter, len(self._header)):
                if isinstance(found, BadRow):
                    if found.end > after:
                        yield found
                elif found.ends[-1] > after:
                    yield found.after(after)

    def _infer(self, places: Iterable[int], observe: Callable[[float], None]) -> dict[int, Convert]:
        """How to convert each column that holds only numbers, or only booleans, by its place."""
        kinds: dict[int, str | None] = dict.fromkeys(places)
        for found in self._found() if kinds else ():
            if isinstance(found, BadRow):
                continue
            observe(self._progress())
            for place, kind in list(kinds.items()):
                kinds[place] = kind = _kind_of({values[place] for values in found.values}, kind)
                if kind == "text":
                    del kinds[place]
            if not kinds:
                break
        return {place: _CONVERTS[kind] for place, kind in kinds.items() if kind is not None}


def _kind_of(values: Iterable[str], kind: str | None) -> str | None:
    """What a column is that was of this kind (None: without a value) and has these values too."""
    for value in filter(None, values):
        kind = _kind_with(kind, value)
        if kind == "text":
            break
    return kind


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
    """Gives the lines of a text to the csv module, none longer than MAX_LINE_CHARS.

    ahead: the lines that were read together with the one given last. cut: the numbers of lines that were longer.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.ahead: Iterator[str] = iter(())
        self.cut: list[int] = []

    def __iter__(self) -> Iterator[str]:
        count = 0
        rest = ""  # of a line whose end was not read yet; that of "\r" may be "\r\n"
        while True:
            block = self._text.read(READ_BYTES)
            lines = io.StringIO(rest + block, newline="").readlines()
            rest = lines.pop() if block and not lines[-1].endswith("\n") else ""
            if len(rest) > MAX_LINE_CHARS + 2:
                rest = rest[: MAX_LINE_CHARS + 1] + rest[-1]
            if lines and len(lines[0].rstrip("\r\n")) > MAX_LINE_CHARS:  # no other one can be: what is read at a time is less
                self.cut.append(count + 1)
                lines[0] = lines[0][:MAX_LINE_CHARS] + "\n"
            count += len(lines)
            self.ahead = iter(lines)
            yield from self.ahead
            if not block:
                return


def _records(content: IO[bytes], delimiter: str, width: int) -> Iterator[Records | BadRow]:
    """Of about READ_BYTES of the text at a time. Why not one by one: with half a million records that took a seventh longer, all in all."""
    with _text_of(content) as text:
        lines = _Lines(text)
        reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
        next(reader, None)
        is_over = False
        while not is_over:
            before = reader.line_num
            found: list[list[str]] = []
            fault = ""
            try:
                for values in reader:
                    found.append(values)
                    if not length_hint(lines.ahead):
                        break
                else:
                    is_over = True
            except csv.Error as error:
                fault = f"no CSV record: {error}"
            last = reader.line_num
            records = Records(found, *_places(found, before, None if fault else last))
            yield from _judged(records, width, lines.cut)
            if fault:
                at = (records.ends[-1] if found else before) + 1
                yield BadRow(at, last, UNREADABLE, _at_lines(_cut_fault(at, last, lines.cut) or fault, at, last))


def _places(found: Sequence[list[str]], before: int, last: int | None) -> tuple[Sequence[int], Sequence[int]]:
    """The first and the last line of records that begin behind one line and, where that is told, end with another."""
    if last is not None and last - before == len(found):
        lines = range(before + 1, last + 1)
        return lines, lines
    ends = list(accumulate(map(_line_count, found), initial=before))
    return [end + 1 for end in ends[:-1]], ends[1:]


def _line_count(values: Iterable[str]) -> int:
    """The lines of a record whose fields these are: line ends within quotes are in them as they were."""
    return 1 + sum(value.count("\n") + value.count("\r") - value.count("\r\n") for value in values)


def _judged(records: Records, width: int, cut: Sequence[int]) -> Iterator[Records | BadRow]:
    """cut: as of _Lines."""
    is_cut = bool(cut and records.values) and cut[-1] >= records.ats[0]
    if not is_cut and set(map(len, records.values)) == {width}:
        yield records
        return
    good: list[int] = []
    for nth, (values, at, end) in enumerate(zip(records.values, records.ats, records.ends, strict=True)):
        fault = _at_lines(_cut_fault(at, end, cut), at, end)
        if not fault and values and len(values) != width:
            fault = f"expected {width} fields, as in the header, got {len(values)}"
        if fault:
            if good:
                yield records.only(good)
            good = []
            yield BadRow(at, end, UNREADABLE, fault)
        elif values:
            good.append(nth)
    if good:
        yield records.only(good)


def _cut_fault(at: int, end: int, cut: Sequence[int]) -> str:
    is_cut = any(at <= line <= end for line in reversed(cut))
    return f"expected at most {MAX_LINE_CHARS:,} characters a line, got more" if is_cut else ""


def _at_lines(fault: str, at: int, end: int) -> str:
    return f"{fault} (lines {at:,} to {end:,})" if fault and end > at else fault


def columns_of_csv(file: UserFile) -> list[str]:
    """The columns' names. Raises BadFile where there are none."""
    with file.open() as (content, _):
        return _read_header(file, content)[1]


def _read_header(file: UserFile, content: IO[bytes]) -> tuple[str, list[str]]:
    """The delimiter and the columns' names. Raises BadFile where there is no header of different names."""
    with _text_of(content) as text:
        line = text.readline(MAX_LINE_CHARS)
    try:
        readings = {
            delimiter: [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
            for delimiter in DELIMITERS
        }
    except csv.Error as error:
        raise BadFile(f"{file.name}: expected the columns' names in the first line: {error}") from None
    delimiter = max(readings, key=lambda candidate: len(readings[candidate]))
    names = readings[delimiter]
    if not any(names):
        raise BadFile(f"{file.name}: expected the columns' names in the first line, got {line[:60].strip()!r}")
    if not all(names):
        raise BadFile(
            f"{file.name}: the column in place {names.index('') + 1} has no name; give it one in the first line"
            " (pandas writes such a column unless told index=False)"
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadFile(f"{file.name}: the header has {', '.join(map(repr, repeated[:5]))} more than once")
    return delimiter, names


def _text_of(content: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
