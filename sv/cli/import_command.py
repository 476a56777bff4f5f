"""Take in events from NDJSON, CSV and Parquet files, as they are or compressed (gzip, zstd, zip), and what other products export.

examples:
  sv import events.ndjson --project k3v9x0a2m7qd
  sv import 2024-*.csv.gz --project k3v9x0a2m7qd --timezone Europe/Berlin
  sv import shop.parquet --project k3v9x0a2m7qd --map distinct_id=userId --map ts=timestamp --dry-run
  sv import log.parquet --project k3v9x0a2m7qd --url https://analytics.example.com
  sv import export.zip --project k3v9x0a2m7qd --from amplitude --dry-run

Into the data folder, where no server runs on it, or into a running server with --url (SV_URL) and an API token that may write.

What the columns mean. event, timestamp, anonymousId, userId, sessionId, properties, groups and eventId are the fields of ingest, written
so or with underscores (anonymous_id); every other column becomes a property, and properties wins where both have one. A column user_agent
is a property too, and names browser, system and device. --map gives a column another meaning:
  --map ts=timestamp               it is a field of ingest
  --map path=properties.$pathname  it is a property of that name
  --map agent=user_agent           it is the User-Agent
  --map ip=                        it is left out
Times are Unix milliseconds or ISO 8601; --timezone is for those without an offset. Numbers as ids become texts. In CSV an empty field is
no value, a column of numbers alone is numbers, properties is JSON, and the first line names the columns.

What PostHog, Mixpanel, Amplitude, Plausible and Umami export is read as theirs where that is certain, which is said; --from names it
otherwise, and --from sv reads a file as it stands. docs/import-export.md says what becomes of it.

A run that was stopped goes on where it stopped when it is started again, and a file that is in is not taken in twice: a file is known by
its content, the project and what --format, --timezone and --map say. Rows that ingest would reject are counted and shown; they don't stop
the import, and are an error (exit code 1) with --strict alone.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from sv.cli.event_source import opened_server, project_of
from sv.cli.output import as_json
from sv.cli.progress import Narrator
from sv.cli.running import set_up_logging
from sv.cli.server_access import TOKEN_VARIABLE, URL_VARIABLE, no_token, url_meant
from sv.exports.journal import MANIFEST, MAX_BYTES, Journal, look_at, look_into
from sv.imports.archives import files_at
from sv.imports.columns import Columns
from sv.imports.files import Format, UserFile
from sv.imports.other_products.choosing import AUTO, SOURCES, Chosen, choose
from sv.imports.report import FileReport
from sv.imports.running import Options, Phase, import_file
from sv.imports.targets import Nowhere, Target
from sv.model.errors import InvalidParameter, SvError
from sv.server import now_ms
from sv.settings import Settings, add_flags, load
from sv.settings.memory import engine_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="NDJSON, CSV or Parquet, also compressed")
    parser.add_argument("--project", required=True, metavar="ID", help="the project that the events are of")
    parser.add_argument("--url", help=f"the address of a running server [{URL_VARIABLE}]; without one the data folder itself")
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        help=f"for --url, with the scope write; better in {TOKEN_VARIABLE}, where other users of this machine don't see it",
    )
    parser.add_argument("--format", choices=list(Format), help="what the files are, where their names don't say")
    parser.add_argument("--from", dest="source", choices=SOURCES, default=AUTO, help="whose export the files are (default: auto)")
    parser.add_argument("--timezone", default="UTC", metavar="NAME", help="of times without an offset (default: UTC)")
    parser.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", help="what a column means; see below")
    parser.add_argument(
        "--dry-run", action="store_true", help="read and check the files, take in nothing; asks neither folder nor server"
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 where a row was rejected, also by an earlier run")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data", "memory_limit", "threads", "log_level", "log_format"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    options = Options(args.project, Columns.parse(args.map), args.timezone, is_strict=args.strict)
    options.zone()
    file_format = Format(args.format) if args.format else None
    named = [file for path in args.files for file in _files_at(path, file_format)]
    files, left_out = choose(named, args.source, options.columns)
    for file in left_out:
        print(f"sv: {file.name} is left out: no reader knows such a file", file=sys.stderr)
    reports: list[FileReport] = []
    narrator = _Narrator()
    try:
        with _target(args, settings, narrator) as target:
            for chosen in files:
                with narrator.watching(chosen.file.name):
                    report = import_file(chosen.file, _options_of(chosen, options), target, now_ms, narrator.observe)
                narrator.report = None
                reports.append(report)
                if not args.json:
                    print("\n".join(report.lines(is_dry=args.dry_run)), flush=True)
            target.finish()
    except (SvError, KeyboardInterrupt) as fault:
        _tell_stop(narrator.report, reports)
        if args.json:
            error = fault.message if isinstance(fault, SvError) else "interrupted"
            print(as_json(_summary(reports, error, is_dry=args.dry_run)))
        raise
    if args.json:
        print(as_json(_summary(reports, None, is_dry=args.dry_run)))
    return 1 if args.strict and any(report.rejected for report in reports) else 0


def _files_at(path: Path, file_format: Format | None) -> list[UserFile]:
    """What is to be read, without what `sv export` notes beside its files: `folder/*` names that too, and a zip of the folder has it."""
    if path.suffix == ".json" and _is_told_journal(str(path), look_at(path)):
        return []
    found: list[UserFile] = []
    for file in files_at(path, file_format):
        events = tuple(member for member in file.members if not _is_journal_in(path, member))
        if events == file.members:
            found.append(file)
        elif events:
            found.append(UserFile(path, file.format, events))
    return found


def _is_journal_in(archive: Path, member: str) -> bool:
    if PurePosixPath(member).name != MANIFEST:
        return False
    with UserFile(archive, Format.NDJSON, (member,)).open() as (content, _):
        return _is_told_journal(f"{archive}:{member}", look_into(content.read(MAX_BYTES + 1)))


def _is_told_journal(name: str, found: Journal | None) -> bool:
    if found is None:
        return False
    unfinished = "" if found.is_finished else ". That export isn't finished: the same `sv export` goes on with it"
    print(f"sv: {name} is left out: `sv export` notes in it what it wrote{unfinished}", file=sys.stderr)
    return True


def _options_of(chosen: Chosen, options: Options) -> Options:
    reader = chosen.reader
    return replace(options, columns=chosen.columns, read_as=None if reader is None else (reader.name, reader.title))


@contextlib.contextmanager
def _target(args: argparse.Namespace, settings: Settings, narrator: "_Narrator") -> Generator[Target]:
    """Where the events go: nowhere, a running server, the data folder."""
    if args.dry_run:
        yield Nowhere()
    elif (url := url_meant(args)) is not None:
        from sv.imports.remote import RemoteTarget

        token = args.api_token or os.environ.get(TOKEN_VARIABLE)
        if not token:
            raise InvalidParameter(no_token(url, "write"))
        yield RemoteTarget(url, token, args.project, say=narrator.say)
    else:
        with opened_server(settings, "Import into") as server:
            project_of(server, args.project)
            server.meta.writer_wait_s = (
                -1
            )  # for the commit of the chunk before, which may take longer than anybody would wait elsewhere
            from sv.imports.chunks import size_at_rest
            from sv.imports.local import LocalTarget
            from sv.store.importing import ImportChunks

            chunks = ImportChunks(server.store, server.parts, server.maintenance, now_ms=server.clock, is_alone=True)
            size = size_at_rest(engine_bytes(settings.memory_limit))
            try:
                yield LocalTarget(chunks, args.project, server.maintenance.compact, size)
            finally:
                chunks.abandon()


class _Narrator(Narrator):
    """Of an import. report: that of the file which is being read, until it is finished."""

    report: FileReport | None = None

    def observe(self, phase: Phase, done: float, report: FileReport) -> None:
        self.report = report
        rows = f"{report.rows:,} rows"
        self.tell(done, 1.0, rows if phase == "importing" else phase, f"{report.name}: {phase}, {done:.0%}, {rows}")


def _tell_stop(unfinished: FileReport | None, finished: list[FileReport]) -> None:
    """What a stopped import leaves: all that was taken stays, and the same command goes on."""
    if unfinished is not None and (unfinished.taken or unfinished.skipped_to):
        print(
            f"sv: stopped within {unfinished.name}, {unfinished.taken:,} of its events taken in by this run;"
            " the same command goes on from there",
            file=sys.stderr,
        )
    elif finished:
        print("sv: stopped; the files above are in", file=sys.stderr)


def _summary(reports: list[FileReport], error: str | None, *, is_dry: bool) -> dict[str, object]:
    summary: dict[str, object] = {
        "dry_run": is_dry,
        "taken": sum(report.taken for report in reports),
        "rejected": sum(report.rejected for report in reports),
        "files": [report.as_json() for report in reports],
    }
    return summary if error is None else summary | {"error": error}
