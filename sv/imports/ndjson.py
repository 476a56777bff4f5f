"""NDJSON: a JSON object a line. A line is repaired as ingest repairs a body, and a line that is no object costs itself alone."""

from collections.abc import Callable, Iterator
from typing import IO, Any, Final, cast

import msgspec

from sv.imports.blocks import LineBlock
from sv.imports.files import READ_BYTES, UserFile
from sv.imports.rows import UNREADABLE, BadRow, Row, Unit
from sv.ingest.body import repair
from sv.ingest.decode import DropReason
from sv.model.errors import InvalidParameter
from sv.model.limits import MAX_BODY_BYTES, MAX_DEPTH

MAX_LINE_BYTES: Final = MAX_BODY_BYTES
"""A line that no ingest request could hold. What is beyond it is read over without being kept."""

_BOM: Final = b"\xef\xbb\xbf"
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class NdjsonSource:
    """Places are line numbers. Blank lines are no rows."""

    unit: Unit = "line"
    has_text_fields = False
    columns: tuple[str, ...] | None = None

    def __init__(self, file: UserFile) -> None:
        self._file = file
        self._progress: Callable[[], float] = lambda: 0.0

    def rows(self, after: int) -> Iterator[Row | BadRow]:
        for found in self.blocks(after):
            if isinstance(found, LineBlock):
                yield from found.rows()
            else:
                yield found

    def blocks(self, after: int) -> Iterator[Row | BadRow | LineBlock]:
        """See `Source`. The first line is never in one."""
        first = 1
        with self._file.open() as (content, self._progress):
            for lines in _lines(content):
                if first + len(lines) > after + 1:
                    passed = max(after + 1 - first, 0)
                    yield from self._blocks_of(first + passed, lines[passed:])
                first += len(lines)

    def _blocks_of(self, first: int, lines: list[bytes | None]) -> Iterator[Row | BadRow | LineBlock]:
        head, rest = lines[0], cast("list[bytes]", lines[1:])  # one that is too long begins before all that was read with it
        if head is None:
            yield BadRow(first, first, UNREADABLE, f"expected at most {MAX_LINE_BYTES:,} bytes, got more")
        elif first == 1:
            text = head.strip().removeprefix(_BOM)
            self._refuse_array(text)
            row = _row(1, text)
            if row is not None:
                yield row
        else:
            first, rest = first - 1, [head, *rest]
        if rest:
            yield LineBlock(first + 1, rest, _row)

    def progress(self) -> float:
        return self._progress()

    def looks_like_time(self, column: str) -> bool:  # noqa: ARG002 - JSON has no type for it
        return False

    def close(self) -> None:
        pass

    def _refuse_array(self, text: bytes) -> None:
        if text.startswith(b"["):
            raise InvalidParameter(f"{self._file.name} is a JSON array; expected an object a line, as `jq -c '.[]'` makes of it")


def _row(number: int, line: bytes) -> Row | BadRow | None:
    text = line.strip()
    if not text:
        return None
    try:
        return Row(number, number, _decoder.decode(repair(text)))
    except RecursionError:
        return BadRow(number, number, DropReason.NESTED_TOO_DEEP, f"expected at most {MAX_DEPTH} levels, got more")
    except msgspec.ValidationError as error:
        return BadRow(number, number, DropReason.WRONG_TYPE, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BadRow(number, number, UNREADABLE, str(error))


def _lines(content: IO[bytes]) -> Iterator[list[bytes | None]]:
    """The lines, some at a time; None for one that is too long."""
    rest = b""
    is_too_long = False
    while block := content.read(READ_BYTES):
        head, *lines = block.split(b"\n")
        rest += head
        is_too_long = is_too_long or len(rest) > MAX_LINE_BYTES
        if is_too_long:
            rest = b""
        if lines:
            *whole, last = lines
            yield [None if is_too_long else rest, *whole]
            rest = last
            is_too_long = False
    if rest or is_too_long:
        yield [None if is_too_long else rest]
