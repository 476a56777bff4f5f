"""A copy of the log beside the process that writes it: whole records, up to a moment.

Answers for: no copied segment holds half a record that was being written, and which records a copied folder has. Never writes to the
folder that it reads. A segment that was let go of meanwhile is left out: its records are durable elsewhere (WAL-5).
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.wal.damage import DamageReport
from sv.wal.disk import OS_DISK
from sv.wal.folder import MAX_SEGMENT_BYTES, read_segment, segment_numbers, survey
from sv.wal.frame import END, Framer, Gap
from sv.wal.header import HEADER_BYTES, decode_header

READS: Final = 5
"""Of a segment, while it is written: each one finds what the one before saw begun."""


def copy_segments(folder: Path, from_number: int, put: Callable[[str, bytes], None]) -> int:
    """Hand each segment's name and bytes to `put`, from `from_number` on, in order. Returns the highest number there was, or `from_number`.

    Raises OSError where the folder or a file can't be read.
    """
    highest = from_number
    for number, path in segment_numbers(folder):
        if number < from_number:
            continue
        with contextlib.suppress(FileNotFoundError):
            data = _read_whole_records(path)
            if data is not None:
                put(path.name, data)
        highest = max(highest, number)
    return highest


def missing_seqs(folder: Path, after_seq: int, up_to_seq: int) -> int:
    """How many records above `after_seq` a folder that nobody writes lacks, up to its last one or `up_to_seq`, whichever is higher."""
    missing, expected = 0, after_seq + 1
    for found in survey(folder, OS_DISK, DamageReport()).segments:
        if found.header is not None:
            missing += max(found.header.previous.last_seq + 1 - expected, 0)
            expected = max(expected, found.header.previous.last_seq + 1)
        if found.last_seq >= expected:
            # Numbers between two processes' runs were never given: the folder was opened with a floor above them.
            expected = found.last_seq + 1
    return missing + max(up_to_seq + 1 - expected, 0)


def _read_whole_records(path: Path) -> bytes | None:
    """The segment without what is being written behind its last whole record; None for one that was let go of while it was read.

    TRICKY: a read that a write overtakes can hold a hole, with newer records behind it. Read again, the hole is filled; damage stays.
    """
    hole = -1
    data = b""
    for _ in range(READS):
        read = _read(path)
        if read is None:
            return None
        data = read
        header = decode_header(data[:HEADER_BYTES]).header
        if header is None:
            return data
        gaps = [
            piece for piece in Framer(header.number, header.salt).scan(data, HEADER_BYTES, len(data)) if isinstance(piece, Gap)
        ]
        holes = [gap.start for gap in gaps if not gap.is_tail]
        if not holes or holes[0] == hole:
            tail = next((gap.start for gap in gaps if gap.is_tail), len(data))
            return data[:tail] + END
        hole = holes[0]
    return data


def _read(path: Path) -> bytes | None:
    with path.open("rb") as file:
        data = file.read(MAX_SEGMENT_BYTES)
        # A file that is used again is renamed before anything in it changes (WAL-3).
        return data if os.path.samestat(os.fstat(file.fileno()), path.stat()) else None


class LogState(Struct, frozen=True):
    """records: whole ones above a position. damaged_ranges: bytes between them that are none. missing_records: given, and not there."""

    records: int = 0
    damaged_ranges: int = 0
    missing_records: int = 0


def read_state(folder: Path, after_seq: int) -> LogState:
    """What a log at rest holds above a position. Changes nothing. Raises OSError where the folder can't be listed."""
    records = damaged = missing = 0
    expected = after_seq + 1
    for found in survey(folder, OS_DISK, DamageReport()).segments:
        if found.header is not None:
            missing += max(found.header.previous.last_seq + 1 - expected, 0)
            expected = max(expected, found.header.previous.last_seq + 1, found.first_seq)
        data, _ = read_segment(OS_DISK, found.path, MAX_SEGMENT_BYTES)
        for piece in found.framer.scan(data, HEADER_BYTES, min(found.limit, len(data))):
            if isinstance(piece, Gap):
                damaged += found.is_sealed or not piece.is_tail
            elif expected <= piece.seq < found.before_seq:
                missing += piece.seq - expected
                records += 1
                expected = piece.seq + 1
    return LogState(records, damaged, missing)


def payloads(folder: Path, after_seq: int) -> Iterator[bytes]:
    """The whole records above a position of a log at rest, in order, each once. Changes nothing.

    Raises OSError where the folder can't be listed or a segment can't be read.
    """
    expected = after_seq + 1
    for found in survey(folder, OS_DISK, DamageReport()).segments:
        data, _ = read_segment(OS_DISK, found.path, MAX_SEGMENT_BYTES)
        for piece in found.framer.scan(data, HEADER_BYTES, min(found.limit, len(data))):
            if not isinstance(piece, Gap) and expected <= piece.seq < found.before_seq:
                expected = piece.seq + 1
                yield data[piece.start : piece.stop]
