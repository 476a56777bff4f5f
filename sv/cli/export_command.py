"""Write events to files as NDJSON, CSV or Parquet, compressed as the names say (.gz, .zst).

examples:
  sv export --project k3v9x0a2m7qd --output events.ndjson.gz
  sv export --project k3v9x0a2m7qd --output 2026.parquet --date-from 2026-01-01 --date-to 2026-12-31
  sv export --project k3v9x0a2m7qd --output backup/ --format csv --compress zstd
  sv export --project k3v9x0a2m7qd --output - --event purchase | jq .properties
  sv export --project k3v9x0a2m7qd --output events.csv --url https://analytics.example.com

Of the data folder, where no server runs on it, or of a running server with --url (SV_URL) and an API token that may read.

A file has the fields of ingest (event, timestamp, anonymousId, userId, sessionId, groups, eventId, properties), and `sv import`
takes it in again. --output is a file, a folder (an existing one, or a name with a / at its end: a file for each day, or for some
neighbouring days), or - for the standard output. Everything is of one moment: events that come in later are left out.

A run that was stopped goes on where it stopped when it is started again: a file after the last days that were written whole (FILE.part and
FILE.part.json until it is done), a folder after its last file (export.json says what is there). One Parquet file is begun anew, and so
is the standard output.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from sv.cli.drawing import count
from sv.cli.event_source import local_source
from sv.cli.progress import Narrator
from sv.cli.running import set_up_logging
from sv.cli.server_access import TOKEN_VARIABLE, URL_VARIABLE, no_token, url_meant
from sv.exports.running import Asked, Exported, export_to_file, export_to_folder, export_to_stream
from sv.exports.sources import Pairs, Source
from sv.exports.targets import Compression, kind_of
from sv.model.errors import BadFile, InvalidParameter
from sv.model.exports import ExportFormat
from sv.settings import Settings, add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", required=True, metavar="ID", help="the project whose events they are")
    parser.add_argument("--output", required=True, metavar="FILE|DIR|-", help="where to; - is the standard output")
    parser.add_argument(
        "--format", choices=[each.value for each in ExportFormat], help="where the name doesn't say (default: ndjson)"
    )
    parser.add_argument(
        "--compress", choices=[each.value for each in Compression], help="where the name doesn't say (default: none)"
    )
    parser.add_argument("--date-from", metavar="DATE", help="2026-01-31, 2026-01-31T12:00Z or -7d; absent: from the first event")
    parser.add_argument("--date-to", metavar="DATE", help="likewise, the day included; absent: up to the last event")
    parser.add_argument("--event", metavar="NAME", help="only events of this name")
    parser.add_argument("--filters", metavar="JSON", help='only these, as in the API: [{"property", "operator", "value"}]')
    parser.add_argument("--url", help=f"the address of a running server [{URL_VARIABLE}]; without one the data folder itself")
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        help=f"for --url, with the scope read; better in {TOKEN_VARIABLE}, where other users of this machine don't see it",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data", "memory_limit", "threads", "log_level", "log_format"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    is_stream = args.output == "-"
    if is_stream and args.json:
        raise InvalidParameter("the standard output is the export's; name a file, or leave out --json (--output)")
    is_folder = not is_stream and (args.output.endswith(os.sep) or Path(args.output).is_dir())
    kind = kind_of("" if is_folder else args.output, args.format, args.compress)
    asked = Asked(args.project, tuple(_pairs(args)), kind)
    narrator = Narrator()

    def observe(done: int, events: int) -> None:
        text = f"{done:,} of {events:,} events"
        narrator.tell(done, max(events, 1), text, f"{args.output}: {text}")

    with _source(args, settings, narrator) as source, narrator.watching(args.output, "counting"):
        try:
            if is_stream:
                exported = export_to_stream(source, asked, sys.stdout.buffer, observe)
            elif is_folder:
                exported = export_to_folder(source, asked, Path(args.output), observe)
            else:
                exported = export_to_file(source, asked, Path(args.output), observe)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise BadFile(f"{args.output} can't be written: {error.strerror or error} (--output)") from error
    if args.json:
        print(json.dumps(exported.as_json(), ensure_ascii=False))
    else:
        print(_told(args.output, exported), file=sys.stderr if is_stream else sys.stdout)
    return 0


def _pairs(args: argparse.Namespace) -> Pairs:
    given: dict[str, Any] = {name: getattr(args, name) for name in ("date_from", "date_to", "event", "filters")}
    return [(name, value) for name, value in given.items() if value is not None]


def _told(output: str, exported: Exported) -> str:
    speed = f", {(exported.events - exported.resumed) / exported.seconds:,.0f} events/s" if exported.seconds else ""
    before = f", {exported.resumed:,} of them by an earlier run" if exported.resumed else ""
    files = f" in {len(exported.files):,} files" if len(exported.files) > 1 else ""
    return f"{output}: {count(exported.events, 'event')}{before}, {count(exported.bytes, 'byte')}{files} ({exported.seconds:.1f} s{speed})"


@contextlib.contextmanager
def _source(args: argparse.Namespace, settings: Settings, narrator: Narrator) -> Generator[Source]:
    """Where the events are: in a running server, or in the data folder."""
    if (url := url_meant(args)) is not None:
        from sv.exports.remote import RemoteSource

        token = args.api_token or os.environ.get(TOKEN_VARIABLE)
        if not token:
            raise InvalidParameter(no_token(url, "read"))
        yield RemoteSource(url, token, args.project, say=narrator.say)
        return
    with local_source(settings, args.project, "Export from") as (source, _):
        yield source
