"""What is in a log's folder: names, reading a segment's bytes, and the survey that an opening begins with.

    0000002a.wal          segment 42
    spare-00000029.wal    a file of a segment's size, to become one; what is in it is of segment 41 and before
    spare-0000002b.tmp    a spare that was still being filled; worthless
    aside/                copies of damaged bytes

Answers for: which files are segments, in which order, and where each of them ends. Assumes that one process
at a time uses the folder. Never deletes anything, and never raises for what a file holds; a folder that can't
be listed does.
"""

import logging
import os
import re
from pathlib import Path

from msgspec import Struct

from sv.wal.damage import ASIDE, DamageReport
from sv.wal.disk import Disk
from sv.wal.frame import END, FRAME_BYTES, MAX_PAYLOAD_BYTES, Framer, Whole, find_framer
from sv.wal.header import HEADER_BYTES, Header, Link, decode_header

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + FRAME_BYTES + len(END)
"""The largest file that the log ever makes: one record of the largest size. It bounds what a read holds."""

_SEGMENT = re.compile(r"([0-9a-f]{8})\.wal")
_SPARE = re.compile(r"spare-([0-9a-f]{8})\.(wal|tmp)")
_MOST_RECORDS = MAX_SEGMENT_BYTES // FRAME_BYTES  # that any one segment can hold
_READ_BYTES = 1024 * 1024
_BLOCK_BYTES = 4096


def segment_path(folder: Path, number: int) -> Path:
    """Where segment `number` lies."""
    return folder / f"{number:08x}.wal"


def spare_path(folder: Path, number: int) -> Path:
    """Where the spare lies that was made under `number`, or was that segment before."""
    return folder / f"spare-{number:08x}.wal"


def spare_number(path: Path) -> int:
    """The number in a spare's name."""
    match = _SPARE.fullmatch(path.name)
    assert match is not None
    return int(match[1], 16)


def segment_numbers(folder: Path) -> list[tuple[int, Path]]:
    """The segments by their names, in order. Raises `OSError` if the folder can't be listed."""
    names = [match for name in sorted(os.listdir(folder)) if (match := _SEGMENT.fullmatch(name))]
    return [(int(match[1], 16), folder / match[0]) for match in names]


def files_below(folder: Path, number: int) -> list[Path]:
    """Segments and spares of smaller numbers, by their names, but for spares that are still being filled: with zeros.

    Raises `OSError` if the folder can't be listed.
    """
    found: list[Path] = []
    for name in sorted(os.listdir(folder)):
        match = _SEGMENT.fullmatch(name) or _SPARE.fullmatch(name)
        if match is not None and name.endswith(".wal") and int(match[1], 16) < number:
            found.append(folder / name)
    return found


class Found(Struct):
    """A segment that an earlier process left.

    Its frames lie between `HEADER_BYTES` and `end`. `is_sealed`: a later segment vouches for `end` and
    `last_seq`; otherwise both come from a scan, and bytes behind `end` may be a torn tail, to be looked at up
    to `limit`. `before_seq`: frames with this number or above were written again in a later segment. `header`
    is None where both copies are bad.
    """

    path: Path
    number: int
    size: int
    framer: Framer
    header: Header | None
    first_seq: int
    end: int = 0
    last_seq: int = 0
    limit: int = 0
    before_seq: int = 1 << 64
    is_sealed: bool = False


class Survey(Struct):
    """What lies in a folder.

    `segments` in order, `unused` the segments without a record, `spares` and `leftovers` (unfinished spares).
    `top_number` is the highest number that any name or header holds. `hidden_seqs` is how many sequence
    numbers may have been given to records that can't be read now and might be another day.
    """

    segments: list[Found]
    unused: list[Path]
    spares: list[Path]
    leftovers: list[Path]
    top_number: int = 0
    hidden_seqs: int = 0

    def next_link(self) -> Link:
        """The link backwards that the next segment is to carry."""
        if not self.segments:
            return Link()
        last = self.segments[-1]
        return Link(last.number, last.end, last.last_seq)

    def next_seq(self) -> int:
        """The first sequence number that no record in the folder has, hidden ones included."""
        last_seq = max((found.last_seq for found in self.segments), default=0)
        return last_seq + 1 + self.hidden_seqs


def survey(folder: Path, disk: Disk, damage: DamageReport) -> Survey:
    """Looks at every name in `folder`, reads the headers, and orders the segments.

    Reads the last segment whole, and any segment whose end no other one vouches for. Raises `OSError` if the
    folder can't be listed.
    """
    result = Survey([], [], [], [])
    claims: dict[int, Found] = {}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = folder / entry.name
        segment, spare = _SEGMENT.fullmatch(entry.name), _SPARE.fullmatch(entry.name)
        if entry.name == ASIDE and entry.is_dir(follow_symlinks=False):
            continue
        if not (segment or spare) or not entry.is_file(follow_symlinks=False):
            damage.foreign_files += 1
            log.warning("%s is no file of the log and is left alone", path)
            continue
        match = segment or spare
        assert match is not None
        number = int(match[1], 16)
        result.top_number = max(result.top_number, number)
        if spare:
            (result.spares if spare[2] == "wal" else result.leftovers).append(path)
            continue
        found = _examine(path, number, disk, damage, result)
        if found is not None:
            result.top_number = max(result.top_number, found.number)
            _claim(claims, found, damage)
    _link([claims[number] for number in sorted(claims)], disk, result)
    return result


def _examine(path: Path, number: int, disk: Disk, damage: DamageReport, result: Survey) -> Found | None:
    """The segment at `path`, or None if there is nothing to replay. Only a lost header costs a full read."""
    try:
        size = path.stat().st_size
        block, bad_bytes = read_segment(disk, path, HEADER_BYTES)
        head = decode_header(block)
        if head.header is None and not head.is_newer:
            data, bad_bytes = read_segment(disk, path, MAX_SEGMENT_BYTES)
            is_blank = head.is_blank and not bad_bytes
            return _examine_headless(path, number, data, is_blank, damage, result)
    except OSError as error:
        damage.unreadable_files += 1
        result.hidden_seqs += _MOST_RECORDS
        log.error("%s can't be read and is left alone: %s", path, error)
        return None
    if head.header is None:
        damage.foreign_files += 1
        result.hidden_seqs += _MOST_RECORDS
        log.error("%s was written by a newer version and is left alone", path)
        return None
    if head.bad_copies:
        damage.damaged_headers += 1
        log.warning("%s has one bad header of two; the other one serves", path)
    header = head.header
    if header.number != number:
        log.warning("%s is segment %d by its header, which is believed", path, header.number)
    return Found(path, header.number, size, Framer(header.number, header.salt), header, header.first_seq)


def _examine_headless(path: Path, number: int, data: bytes, is_blank: bool, damage: DamageReport, result: Survey) -> Found | None:
    framer = find_framer(data, number, HEADER_BYTES)
    if framer is not None:
        damage.damaged_headers += 1
        log.error("%s has no good header; its frames are found by their own marks", path)
        seqs = [piece.seq for piece in framer.scan(data, HEADER_BYTES, len(data)) if isinstance(piece, Whole)]
        return Found(path, number, len(data), framer, None, min(seqs))
    if is_blank:
        damage.unused_files += 1
        log.info("%s was named and never used", path)
        result.unused.append(path)
        return None
    damage.unreadable_files += 1
    result.hidden_seqs += _MOST_RECORDS
    log.error("%s has no good header and no whole frame, and is left alone", path)
    return None


def _claim(claims: dict[int, Found], found: Found, damage: DamageReport) -> None:
    """Of two files that say they are the same segment, the one whose name agrees is believed."""
    rival = claims.get(found.number)
    if rival is not None:
        damage.foreign_files += 1
        agrees = found.path.name == segment_path(found.path.parent, found.number).name
        loser = rival if agrees else found
        log.error("%s is a double of segment %d and is left alone", loser.path, found.number)
        if loser is found:
            return
    claims[found.number] = found


def _link(segments: list[Found], disk: Disk, result: Survey) -> None:
    """Fills in where each segment ends, from the one behind it where that says so, and drops void ones."""
    later: Found | None = None
    for found in reversed(segments):
        header = later.header if later is not None else None
        if header is not None and header.skips(found.number):
            log.info("%s was given up before it held a record", found.path)
            result.unused.append(found.path)
            continue
        if header is not None and header.previous.number == found.number:
            found.end = found.limit = header.previous.end
            found.last_seq = header.previous.last_seq
            found.is_sealed = True
        else:
            if later is not None and header is None:
                found.before_seq = later.first_seq
            _measure(found, disk)
        result.segments.append(found)
        later = found
    result.segments.reverse()


def _measure(found: Found, disk: Disk) -> None:
    """Finds the end of a segment by scanning it.

    Where not all of it can be read, its end is that of the file and its last number the highest that it could
    hold: whatever is readable another day is then still part of the log, under a number that nothing else
    has.
    """
    try:
        data, bad_bytes = read_segment(disk, found.path, MAX_SEGMENT_BYTES)
    except OSError:
        data, bad_bytes = b"", found.size
    found.limit = max(len(data), HEADER_BYTES)
    found.end, found.last_seq = HEADER_BYTES, found.first_seq - 1
    for piece in found.framer.scan(data, HEADER_BYTES, len(data)):
        if isinstance(piece, Whole) and piece.seq < found.before_seq:
            found.end, found.last_seq = piece.stop, max(found.last_seq, piece.seq)
    if bad_bytes:
        found.end = max(found.end, min(found.size, MAX_SEGMENT_BYTES))
        found.last_seq += _MOST_RECORDS


def read_segment(disk: Disk, path: Path, limit: int) -> tuple[bytes, int]:
    """The first `limit` bytes of a file, and how many of them could not be read and stand as zeros.

    Where the disk errs it goes on block by block, so that one bad block costs no more than itself. Raises
    `OSError` only if the file can't be opened.
    """
    fd = disk.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        size = min(os.fstat(fd).st_size, limit)
        pieces: list[bytes] = []
        at = bad_bytes = 0
        step = _READ_BYTES
        while at < size:
            want = min(step, size - at)
            try:
                piece = disk.pread(fd, want, at)
                if not piece:
                    break
            except OSError:
                if step > _BLOCK_BYTES:
                    step = _BLOCK_BYTES
                    continue
                piece = bytes(want)
                bad_bytes += want
            pieces.append(piece)
            at += len(piece)
            if at % _READ_BYTES == 0:
                step = _READ_BYTES
        return b"".join(pieces), bad_bytes
    finally:
        disk.close(fd)
