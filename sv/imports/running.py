"""One file from the disk into a target: a chunk is read and checked while those before it are taken in, step by step."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import UTC, tzinfo
from typing import Final, Literal, Self

import msgspec
from msgspec import Struct

from sv.imports.chunks import Chunk, cut
from sv.imports.columns import Columns
from sv.imports.delimited import CsvSource
from sv.imports.files import Format, UserFile
from sv.imports.ndjson import NdjsonSource
from sv.imports.report import FileReport
from sv.imports.rows import Source
from sv.imports.targets import Outcome, Step, Target
from sv.model.calendar import parse_timezone
from sv.model.errors import InvalidParameter

READING_RULES: Final = 1
"""A part of every import's id. A change of what a place in a file means (not of what is accepted) takes the next number."""

AHEAD: Final = 3
"""Chunks that are under way at most while the next one is read: one at each step of a target."""

Phase = Literal["checking", "importing"]
Observe = Callable[[Phase, float, FileReport], None]
"""(what is being done, how much of it from 0 to 1, the counts so far)"""


class Options(Struct, frozen=True):
    """What the user says of files. timezone: IANA name, of times without an offset. read_as: as in the report. is_strict: rejected rows
    matter, also those that an earlier run has read."""

    project_id: str
    columns: Columns
    timezone: str = "UTC"
    read_as: tuple[str, str] | None = None
    is_strict: bool = False

    def zone(self) -> tzinfo:
        """Raises InvalidParameter."""
        found = parse_timezone(self.timezone, "--timezone", _bad_timezone)
        return UTC if found.key == "UTC" else found


def _bad_timezone(field: str, message: str) -> InvalidParameter:
    return InvalidParameter(f"{message} ({field})")


def import_id(options: Options, file_format: Format, digest: str) -> str:
    """What a file is known by: 32 hexadecimal digits of project, content, and all that changes what its rows mean."""
    known = [READING_RULES, options.project_id, digest, file_format, options.timezone, options.columns.describe()]
    return hashlib.sha256(msgspec.json.encode(known)).hexdigest()[:32]


def import_file(file: UserFile, options: Options, target: Target, now_ms: Callable[[], int], observe: Observe) -> FileReport:
    """Take a file in from where an earlier run stopped. Raises SvError; what was stored by then stays, and the next run goes on there."""
    started = time.monotonic()
    zone = options.zone()
    unit: Literal["line", "row"] = "row" if file.format is Format.PARQUET else "line"
    report = FileReport(file.name, "", file.format, unit, options.read_as, members=len(file.members))
    digest = file.digest(lambda part: observe("checking", part / 2, report))
    report.import_id = import_id(options, file.format, digest)
    source = _open(file, options.columns, zone, lambda part: observe("checking", 0.5 + part / 2, report))
    try:
        options.columns.check(source, file.name)
        report.skipped_to = target.taken_up_to(report.import_id)
        if options.is_strict and report.skipped_to:
            _recount(file, source, options, report, now_ms, observe)
        _send(file, source, options, target, report, now_ms, observe)
    finally:
        source.close()
        report.seconds = time.monotonic() - started
    return report


def _send(
    file: UserFile,
    source: Source,
    options: Options,
    target: Target,
    report: FileReport,
    now_ms: Callable[[], int],
    observe: Observe,
) -> None:
    sending = _Sending(target, report.import_id)
    read: deque[float] = deque()  # how much of the file each chunk under way brought it to: what is read ahead is not in yet
    try:
        with sending:
            for chunk in cut(source, options.columns, options.zone(), report.skipped_to, now_ms(), file.name, target.size):
                file.check_unchanged()
                for sent, outcome in sending.make_room():
                    report.add(sent, outcome)
                    observe("importing", read.popleft(), report)
                read.append(source.progress())
                sending.send(chunk)
            for sent, outcome in sending.make_room(AHEAD):
                report.add(sent, outcome)
                observe("importing", read.popleft(), report)
    finally:  # also of an import that is stopped, what was taken in by then
        for sent, outcome in sending.taken():
            report.add(sent, outcome)
    observe("importing", 1.0, report)


def _recount(
    file: UserFile, source: Source, options: Options, report: FileReport, now_ms: Callable[[], int], observe: Observe
) -> None:
    """Count the rejections among the rows that are skipped."""
    for chunk in cut(source, options.columns, options.zone(), 0, now_ms(), file.name):
        for rejected in chunk.rejections:
            if rejected.at <= report.skipped_to:
                report.reject(rejected.code, 1, rejected)
        observe("checking", source.progress(), report)
        if chunk.number >= report.skipped_to:
            return


class _Sending:
    """Chunks on their way into a target, in their order. Each may be at another step, and none is committed after one that failed."""

    def __init__(self, target: Target, import_id: str) -> None:
        self._target = target
        self._import_id = import_id
        self._under_way: deque[tuple[Chunk, Future[Outcome]]] = deque()
        self._has_failed = False
        self._steps = [ThreadPoolExecutor(1, f"sv-import-{nth}") for nth in range(AHEAD)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._has_failed = True  # of what is under way, where something is, nothing more is begun
        for step in self._steps:
            step.shutdown(cancel_futures=True)

    def send(self, chunk: Chunk) -> None:
        """Begin to send a chunk. Returns at once; to be called only where there is room."""
        first, second, third = self._steps
        begun = first.submit(self._target.begin, self._import_id, chunk)
        taken = third.submit(self._take, second.submit(lambda: begun.result()()))
        self._under_way.append((chunk.without_events(), taken))

    def make_room(self, places: int = 1) -> Iterator[tuple[Chunk, Outcome]]:
        """Wait until so many more may be sent. Yields the outcomes of chunks that are done, without their events. Raises what a chunk
        failed with."""
        while len(self._under_way) > AHEAD - places:
            sent, outcome = self._under_way.popleft()
            yield sent, outcome.result()

    def taken(self) -> Iterator[tuple[Chunk, Outcome]]:
        """The outcomes that nobody has asked for yet, up to the first chunk that was not taken in. For the end."""
        for sent, outcome in self._under_way:
            if outcome.cancelled() or outcome.exception() is not None:
                return
            yield sent, outcome.result()

    def _take(self, last: Future[Step]) -> Outcome:
        if self._has_failed:
            raise CancelledError
        try:
            return last.result()()
        except BaseException:
            self._has_failed = True
            raise


def _open(file: UserFile, columns: Columns, zone: tzinfo, observe: Callable[[float], None]) -> Source:
    match file.format:
        case Format.NDJSON:
            return NdjsonSource(file)
        case Format.CSV:
            return CsvSource(file, columns.must_be_text, observe)
        case Format.PARQUET:
            from sv.imports.parquet import ParquetSource

            return ParquetSource(file, columns, zone)
