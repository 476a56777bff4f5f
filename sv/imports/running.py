"""One file from the disk into a target: the next chunk is read and checked while the one before is stored."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, tzinfo
from typing import Final, Literal

import msgspec
from msgspec import Struct

from sv.imports.chunks import Chunk, cut
from sv.imports.columns import Columns
from sv.imports.delimited import CsvSource
from sv.imports.files import Format, UserFile
from sv.imports.ndjson import NdjsonSource
from sv.imports.report import FileReport
from sv.imports.rows import Source
from sv.imports.targets import Outcome, Target
from sv.model.calendar import parse_timezone
from sv.model.errors import InvalidParameter

READING_RULES: Final = 1
"""A part of every import's id. A change of what a place in a file means (not of what is accepted) takes the next number."""

Phase = Literal["checking", "importing"]
Observe = Callable[[Phase, float, FileReport], None]
"""(what is being done, how much of it from 0 to 1, the counts so far)"""


class Options(Struct, frozen=True):
    """What the user says of files. timezone: IANA name, of times without an offset. read_as: as in the report."""

    project_id: str
    columns: Columns
    timezone: str = "UTC"
    read_as: tuple[str, str] | None = None

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
    report = FileReport(file.name, "", file.format, unit, options.read_as)
    digest = file.digest(lambda part: observe("checking", part / 2, report))
    report.import_id = import_id(options, file.format, digest)
    source = _open(file, options.columns, zone, lambda part: observe("checking", 0.5 + part / 2, report))
    try:
        options.columns.check(source, file.name)
        report.skipped_to = target.taken_up_to(report.import_id)
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
    under_way: tuple[Chunk, Future[Outcome]] | None = None
    with ThreadPoolExecutor(1, "sv-import") as sending:
        for chunk in cut(source, options.columns, options.zone(), report.skipped_to, now_ms(), file.name, target.size):
            file.check_unchanged()
            if under_way is not None:
                report.add(under_way[0], under_way[1].result())
                observe("importing", source.progress(), report)
            under_way = chunk, sending.submit(target.store, report.import_id, chunk)
        if under_way is not None:
            report.add(under_way[0], under_way[1].result())
    observe("importing", 1.0, report)


def _open(file: UserFile, columns: Columns, zone: tzinfo, observe: Callable[[float], None]) -> Source:
    match file.format:
        case Format.NDJSON:
            return NdjsonSource(file)
        case Format.CSV:
            return CsvSource(file, columns.must_be_text, observe)
        case Format.PARQUET:
            from sv.imports.parquet import ParquetSource

            return ParquetSource(file, columns, zone)
