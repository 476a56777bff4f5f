"""One export, piece by piece, into a stream, a file or a folder.

    stream   everything in one go; nothing to go on with
    file     FILE.part grows piece by piece, FILE.part.json says how far it is good; at the end FILE.part becomes FILE
    folder   a file a piece, named by its days; export.json says which ones are there

A Parquet file is one piece, since its end describes all of it: into a file it is begun anew, into a folder it goes on.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from msgspec import Struct

from sv.engine.prefetch import Prefetch
from sv.exports.journal import MANIFEST, VERSION, Journal, describe, load, save
from sv.exports.sources import Pairs, Plan, PlannedPiece, Source, piece_pairs, whole_pairs
from sv.exports.targets import Kind, PieceWriter, alone, rename, sync
from sv.model.errors import BadFile, InvalidParameter, Unavailable
from sv.model.exports import ExportFormat

PIECE_TRIES: Final = 4
"""Of a piece whose answer breaks off: a server that is being restarted is back by then."""

Observe = Callable[[int, int], None]
"""(events of the pieces that are written, events of all)"""


class Asked(Struct, frozen=True):
    """What the user asks for. pairs: as the API's query string, the format left out."""

    project: str
    pairs: tuple[tuple[str, str], ...]
    kind: Kind

    def with_format(self) -> Pairs:
        return [*self.pairs, ("format", self.kind.format.value)]


class Exported(Struct):
    """The outcome. events: as counted by the plan. resumed: events that an earlier run had written."""

    files: list[str]
    events: int = 0
    resumed: int = 0
    bytes: int = 0
    received_before: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "events": self.events,
            "already_written": self.resumed,
            "bytes": self.bytes,
            "received_before": self.received_before,
            "seconds": round(self.seconds, 3),
        }


def export_to_stream(source: Source, asked: Asked, stream: IO[bytes], observe: Observe) -> Exported:
    """Everything in one go, of one moment."""
    started = time.monotonic()
    plan = source.plan(asked.pairs)
    observe(0, plan.events)
    counted = _Counted(stream)
    writer = PieceWriter(counted, asked.kind.compression)
    with closing(source.read(whole_pairs(asked.with_format(), plan))) as blocks:
        for block in blocks:
            writer.write(block)
    writer.finish()
    stream.flush()
    observe(plan.events, plan.events)
    return Exported([], plan.events, 0, counted.bytes, plan.received_before, time.monotonic() - started)


class _Counted:
    """A stream, and how much was written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.bytes += len(data)
        return len(data)


def export_to_file(source: Source, asked: Asked, path: Path, observe: Observe) -> Exported:
    """Into one file. Raises InvalidParameter where it is there already, SvError and OSError; then the next run goes on."""
    started = time.monotonic()
    part = path.with_name(path.name + ".part")
    with alone(part):
        if path.exists():
            raise InvalidParameter(f"{path} is there already; delete it, or name another --output")
        journal_path = path.with_name(path.name + ".part.json")
        journal = _begin(source, asked, journal_path)
        resumed = _events(journal.plan.pieces[: journal.done])
        size = _write_part(source, asked, part, journal, journal_path, observe)
        rename(part, path)
        journal_path.unlink()
    plan = journal.plan
    observe(plan.events, plan.events)
    return Exported([str(path)], plan.events, resumed, size, plan.received_before, time.monotonic() - started)


def _write_part(source: Source, asked: Asked, part: Path, journal: Journal, journal_path: Path, observe: Observe) -> int:
    """Write what is missing of the file. Returns its bytes."""
    with part.open("r+b") as file:
        if os.fstat(file.fileno()).st_size < journal.bytes:
            raise BadFile(f"{part} is shorter than {journal_path} says; delete both to begin anew")
        file.truncate(journal.bytes)
        file.seek(journal.bytes)
        if asked.kind.format is ExportFormat.PARQUET:
            _write(lambda: source.read(whole_pairs(asked.with_format(), journal.plan)), asked.kind, file, 0, skip_header=False)
        else:
            _append_pieces(source, asked, file, journal, journal_path, observe)
        sync(file)
        return file.tell()


def _append_pieces(source: Source, asked: Asked, file: IO[bytes], journal: Journal, journal_path: Path, observe: Observe) -> None:
    plan = journal.plan
    with closing(_readings(source, asked, plan)) as readings:
        while journal.done < max(len(plan.pieces), 1):  # nothing to export still has a CSV's header
            observe(_events(plan.pieces[: journal.done]), plan.events)
            read = partial(readings.read, journal.done)
            _write(read, asked.kind, file, journal.bytes, skip_header=journal.done > 0)
            sync(file)
            journal.done += 1
            journal.bytes = file.tell()
            save(journal_path, journal)


def _readings(source: Source, asked: Asked, plan: Plan) -> Prefetch[bytes]:
    """A reading for each piece of the plan; a single empty one where the plan has none."""

    def begin(number: int) -> Generator[bytes]:
        pairs = asked.with_format()
        return source.read(piece_pairs(pairs, plan, plan.pieces[number]) if plan.pieces else whole_pairs(pairs, plan))

    return Prefetch(begin, len(plan.pieces), is_wanted=source.reads_ahead)


def export_to_folder(source: Source, asked: Asked, folder: Path, observe: Observe) -> Exported:
    """A file a piece. Raises InvalidParameter where all of it is there already, SvError and OSError; then the next run goes on.

    SCAR: one that was done counted as done again, without what had come since: a nightly one had its first night's events for ever.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        journal = _begin(source, asked, folder / MANIFEST)
        if journal.is_finished:
            raise InvalidParameter(
                f"{folder} has this export already, of {journal.plan.received_before}; empty it, or name another --output"
            )
        plan = journal.plan
        resumed = _events(plan.pieces[: journal.done])
        _write_files(source, asked, folder, journal, observe)
        journal.is_finished = True
        save(folder / MANIFEST, journal)
    observe(plan.events, plan.events)
    files = [folder / name for name in journal.files]
    size = sum(file.stat().st_size for file in files if file.exists())
    return Exported([str(file) for file in files], plan.events, resumed, size, plan.received_before, time.monotonic() - started)


def _write_files(source: Source, asked: Asked, folder: Path, journal: Journal, observe: Observe) -> None:
    """Write a file for each piece that is missing."""
    plan = journal.plan
    with closing(_readings(source, asked, plan)) as readings:
        while journal.done < len(plan.pieces):
            observe(_events(plan.pieces[: journal.done]), plan.events)
            piece = plan.pieces[journal.done]
            path = folder / f"{_name(piece)}{asked.kind.suffix}"
            part = path.with_name(path.name + ".part")
            with part.open("wb") as file:
                _write(partial(readings.read, journal.done), asked.kind, file, 0, skip_header=False)
                sync(file)
            rename(part, path)
            journal.done += 1
            journal.files[path.name] = piece.events
            save(folder / MANIFEST, journal)


def _begin(source: Source, asked: Asked, journal_path: Path) -> Journal:
    """The journal of an earlier run, or a new one with a plan made now."""
    known_by = describe(asked.pairs, asked.kind.suffix)
    journal = load(journal_path, asked.project, known_by)
    if journal is None:
        journal = Journal(VERSION, asked.project, known_by, source.plan(asked.pairs))
        save(journal_path, journal)
    return journal


def _write(read: Callable[[], Generator[bytes]], kind: Kind, file: IO[bytes], begin: int, *, skip_header: bool) -> None:
    """Write one piece, beginning at `begin` bytes. An answer that breaks off is asked for again."""
    for attempt in range(1, PIECE_TRIES + 1):
        file.seek(begin)
        file.truncate()
        writer = PieceWriter(file, kind.compression)
        try:
            with closing(read()) as blocks:
                for block in _without_header(blocks) if skip_header and kind.format is ExportFormat.CSV else blocks:
                    writer.write(block)
        except Unavailable:
            if attempt == PIECE_TRIES:
                raise
            continue
        writer.finish()
        return


def _without_header(blocks: Iterable[bytes]) -> Iterable[bytes]:
    """The blocks of a CSV file without its first line, which names the columns."""
    head: bytes | None = b""
    for block in blocks:
        if head is None:
            yield block
            continue
        head += block
        _, newline, rest = head.partition(b"\n")
        if newline:
            head = None
            yield rest


def _events(pieces: Iterable[PlannedPiece]) -> int:
    return sum(piece.events for piece in pieces)


def _name(piece: PlannedPiece) -> str:
    """The file's name, made of the piece's first and last UTC day, which no other piece shares."""
    first = piece.date_from[:10]
    last = (datetime.fromisoformat(piece.date_to) - timedelta(milliseconds=1)).date().isoformat()
    return f"events-{first}" if first == last else f"events-{first}-to-{last}"
