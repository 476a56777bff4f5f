"""NDJSON: a JSON object a line. A line is repaired as ingest repairs a body, and a line that is no object costs itself alone."""

from collections.abc import Callable, Iterator
from typing import IO, Any, Final

import msgspec

from sv.imports.blocks import LineBlock
from sv.imports.files import READ_BYTES, UserFile
from sv.imports.rows import UNREADABLE, BadRow, Row, Unit
from sv.ingest.events import DropReason
from sv.model.errors import BadFile
from sv.model.json_repair import repair
from sv.model.limits import MAX_BODY_BYTES, MAX_DEPTH

MAX_LINE_BYTES: Final = MAX_BODY_BYTES
"""A line that no ingest request could hold. What is beyond it is read over without being kept."""

_BOM: Final = b"\xef\xbb\xbf"
_FEED: Final = ord("\n")
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
        import numpy as np

        first = 1
        with self._file.open() as (content, self._progress):
            for text in _texts(content):
                if text is None:
                    if first > after:
                        yield BadRow(first, first, UNREADABLE, f"expected at most {MAX_LINE_BYTES:,} bytes, got more")
                    first += 1
                    continue
                block = LineBlock(first, text, np.flatnonzero(np.frombuffer(text, np.uint8) == _FEED), _row)
                first += block.count
                if block.end > after:
                    yield from self._blocks_of(block.part(max(after + 1 - block.first, 0), block.count))

    def _blocks_of(self, block: LineBlock) -> Iterator[Row | BadRow | LineBlock]:
        if block.first > 1:
            yield block
            return
        text = block.part(0, 1).text.strip().removeprefix(_BOM)
        self._refuse_array(text)
        row = _row(1, text)
        if row is not None:
            yield row
        if block.count > 1:
            yield block.part(1, block.count)

    def progress(self) -> float:
        return self._progress()

    def looks_like_time(self, column: str) -> bool:  # noqa: ARG002 - JSON has no type for it
        return False

    def close(self) -> None:
        pass

    def _refuse_array(self, text: bytes) -> None:
        if text.startswith(b"["):
            raise BadFile(f"{self._file.name} is a JSON array; expected an object a line, as `jq -c '.[]'` makes of it")


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


def _texts(content: IO[bytes]) -> Iterator[bytes | None]:
    """Whole lines, some at a time and without the last one's end; None for one that is too long."""
    rest = b""
    is_too_long = False
    while block := content.read(READ_BYTES):
        first, last = block.find(b"\n"), block.rfind(b"\n")
        is_too_long = is_too_long or len(rest) + (first if first >= 0 else len(block)) > MAX_LINE_BYTES
        if first < 0:
            rest = b"" if is_too_long else rest + block
            continue
        if is_too_long:
            yield None
            if last > first:
                yield block[first + 1 : last]
        else:
            yield rest + block[:last]
        rest = block[last + 1 :]
        is_too_long = False
    if rest or is_too_long:
        yield None if is_too_long else rest
