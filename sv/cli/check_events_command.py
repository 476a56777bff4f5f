"""Hold the events that arrived against a plan of them, and fail where they depart from it: a gate for a pipeline.

examples:
  sv check-events --write                        make events.yml from what arrived
  sv check-events                                hold what arrived against events.yml
  sv check-events --schema plan.yml --strict     properties that the plan doesn't know are departures, too
  sv check-events --url http://127.0.0.1:8000 --api-token sv_dev --json
  sv check-events --data data --project k3v9x0a2m7qd --date-from -7d

It asks the server that --url (SV_URL) names, else reads the data folder or asks the server on it, else asks `sv dev` at its usual address.
Exit code 0: everything is as planned; 1: something departs, no event arrived, or it could not be checked; 2: it was asked wrongly, or
the plan is none.

Departures are events that no plan has, required properties that are missing, and values of another type. Names that begin with $ are the
clients' own and no plan's business; an event like $pageview is checked where the plan names it. Types are string, number, boolean, datetime
(a text like 2026-01-31 or 2026-01-31T12:00:00Z), array, object and null.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from sv.cli.drawing import count
from sv.cli.output import as_json
from sv.cli.plan_file import plan_text, read_plan
from sv.cli.running import set_up_logging
from sv.cli.server_access import add_server_flags, find_server, is_served, url_meant
from sv.cli.terminal import console, line, shown
from sv.exports.sources import Pairs, Source, whole_pairs
from sv.meta.errors import FolderInUse
from sv.meta.folder import look
from sv.model.data_folder import CATALOG
from sv.model.errors import BadFile, InvalidParameter, NotFound
from sv.model.event_plan import ArrivedEvent, Comparison, Departure, make_plan
from sv.settings import load_with_sources

_SIGNS = {
    "unknown event": ("+", "yellow"),
    "unexpected property": ("+", "yellow"),
    "missing property": ("-", "red"),
    "event that never came": ("-", "red"),
    "changed type": ("~", "magenta"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schema", metavar="FILE", default="events.yml", help="the plan, in YAML (default: events.yml)")
    parser.add_argument("--project", metavar="ID", help="whose events (default: the only project there is)")
    parser.add_argument("--date-from", metavar="DATE", help="only events since, as 2026-01-31, 2026-01-31T12:00Z or -7d")
    parser.add_argument("--date-to", metavar="DATE", help="only events until, likewise, the day included")
    parser.add_argument("--strict", action="store_true", help="properties that the plan doesn't know are departures, too")
    parser.add_argument("--complete", action="store_true", help="planned events that never came are departures, too")
    parser.add_argument("--write", action="store_true", help="make the plan from what arrived, instead of checking it")
    parser.add_argument("--force", action="store_true", help="with --write: replace the file that is there")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_server_flags(parser, "read", also=["memory_limit", "threads", "log_level", "log_format"])


def run(args: argparse.Namespace) -> int:
    path = Path(args.schema)
    if args.write:
        if path.exists() and not args.force:
            raise InvalidParameter(f"{path} is there already; --force replaces it, with what was written into it by hand")
        return _write(args, path)
    comparison = Comparison(read_plan(path), is_strict=args.strict)
    with _source(args) as source:
        for event in _events(source, _pairs(args)):
            comparison.add(event)
    departures = comparison.departures(is_complete=args.complete)
    is_empty = comparison.events == 0
    if args.json:
        told = {"events": comparison.events, "departures": msgspec.to_builtins(departures), "has_more": comparison.is_cut}
        print(as_json(told))
    elif departures or not is_empty:
        _tell(path, comparison, departures)
    if is_empty:
        print("sv: no event arrived, so nothing was checked", file=sys.stderr)
    return 1 if departures or is_empty else 0


def _write(args: argparse.Namespace, path: Path) -> int:
    with _source(args) as source:
        plan = make_plan(_events(source, _pairs(args)))
    if not plan.events:
        raise NotFound("no event arrived that a plan could be made from")
    try:
        path.write_text(plan_text(plan), encoding="utf-8")
    except OSError as error:
        raise BadFile(f"{path} can't be written: {error.strerror} (--schema)") from error
    if args.json:
        print(as_json({"file": str(path), "events": sorted(plan.events)}))
    else:
        print(f"{path}: {count(len(plan.events), 'event')}. Read it, mend it, and keep it beside your code.")
    return 0


def _pairs(args: argparse.Namespace) -> Pairs:
    given = {name: getattr(args, name) for name in ("date_from", "date_to")}
    return [*((name, value) for name, value in given.items() if value is not None), ("format", "ndjson")]


@contextlib.contextmanager
def _source(args: argparse.Namespace) -> Generator[Source]:
    """Where the events are: a folder at rest, where one is meant and nothing runs on it; else a server."""
    loaded = load_with_sources(args, os.environ)
    settings = loaded.settings
    is_folder_meant = loaded.sources["data"] != "default" or look(settings.data, CATALOG) is not None
    if url_meant(args) is None and is_folder_meant:
        from sv.cli.event_source import local_source

        set_up_logging(settings)
        with contextlib.ExitStack() as opened:
            found: Source | None = None
            try:
                found, _ = opened.enter_context(local_source(settings, args.project, "Read from"))
            except FolderInUse:
                if not is_served(settings.data):
                    raise
            if found is not None:
                yield found
                return
    server = find_server(args)
    from sv.exports.remote import RemoteSource

    project_id = server.project(args.project).rpartition("/")[2]
    yield RemoteSource(server.url, server.token, project_id, say=lambda text: print(f"sv: {text}", file=sys.stderr))


def _events(source: Source, pairs: Pairs) -> Iterator[ArrivedEvent]:
    """All of one moment, one after the other."""
    decode = msgspec.json.Decoder(ArrivedEvent).decode
    rest = b""
    with contextlib.closing(source.read(whole_pairs(pairs, source.plan(pairs)))) as blocks:
        for block in blocks:
            *lines, rest = (rest + block).split(b"\n")
            for each in lines:
                yield decode(each)


def _tell(path: Path, comparison: Comparison, departures: list[Departure]) -> None:
    out = console()
    event = None
    for each in departures:
        sign, style = _SIGNS[each.wrong]
        if each.event != event and each.property is not None:
            out.print(line((shown(each.event), "bold")))
        event = each.event
        name = shown(each.event if each.property is None else f"  {each.property}")
        indent = "" if each.property is None else "  "
        out.print(line(indent, (f"{sign} {name.strip()}", style), f"  {_said(each)}"))
    more = f" (only the first {len(departures):,} kinds are shown)" if comparison.is_cut else ""
    if departures:
        told = line(
            (count(len(departures), "departure"), "bold red"), f" from {path} in {count(comparison.events, 'event')}{more}"
        )
    else:
        told = line(("as planned", "bold green"), f": {count(comparison.events, 'event')} held against {path}")
    out.print(told)


def _said(each: Departure) -> str:
    example = f", such as {shown(each.example)}" if each.example else ""
    if each.wrong == "event that never came":
        return "is planned and never came"
    where = f"{each.count:,} of {count(each.of, 'event')}{example}"
    if each.wrong == "unknown event":
        return f"is not planned: {count(each.count, 'event')}{example}"
    if each.wrong == "missing property":
        return f"is required ({each.expected}) and missing: {where}"
    if each.wrong == "unexpected property":
        return f"is not planned ({each.got}): {where}"
    return f"expected {each.expected}, got {each.got}: {where}"
