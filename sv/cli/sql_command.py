"""Ask one select statement, in DuckDB's SQL, of a project's events.

examples:
  sv sql "select event, count(*) as n from events group by all order by n desc"
  sv sql "select properties->>'$.plan' as plan, count(distinct person) from events group by 1" --json
  sv sql "select date_trunc('day', timestamp) as day, count(*) from events group by 1 order by 1" --csv > days.csv
  sv sql "from events where user_id = 'ann' order by timestamp" --limit 20
  sv sql "select count(*) from events" --data data --project k3v9x0a2m7qd

`events` has a row an event, with the columns of the event files: id, event, timestamp, received_at, distinct_id, anonymous_id, user_id,
session_id, properties (JSON), browser, os, country and more (`from events limit 1` shows them). Times are UTC.

The server is the one that --url (SV_URL) names, with the token of --api-token (SV_API_TOKEN); else the one on the data folder, or that
folder itself where no server runs on it; else `sv dev` at its usual address. A statement may select, and nothing else: it reads no file and
no setting, is stopped after SV_QUERY_TIMEOUT_SECONDS, and has a fourth of the engine's memory.
"""

import argparse
import csv
import json
import os
import sys
from typing import Any

from sv.cli.output import as_json
from sv.cli.running import set_up_logging
from sv.cli.server_access import add_server_flags, find_server, is_served, url_meant
from sv.cli.standard_streams import text_given
from sv.cli.terminal import console, line, shown
from sv.meta.errors import FolderInUse
from sv.meta.folder import look
from sv.model.data_folder import CATALOG
from sv.model.sql import SQL_ROWS_DEFAULT, parse_sql_query
from sv.settings import Settings, load_with_sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("statement", help="one select; - reads it from standard input")
    parser.add_argument("--project", metavar="ID", help="whose events (default: the only project there is)")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=SQL_ROWS_DEFAULT, help="rows at most, up to 10,000 (default: 1,000)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="answer in JSON, as the API does")
    form.add_argument("--csv", action="store_true", help="answer in CSV")
    settings = ["memory_limit", "threads", "query_timeout_seconds", "log_level", "log_format"]
    add_server_flags(parser, "read", also=settings)


def run(args: argparse.Namespace) -> int:
    statement = text_given(sys.stdin.buffer.read()) if args.statement == "-" else args.statement
    found = _ask(args, {"query": statement, "limit": args.limit})
    if args.json:
        print(as_json(found))
    elif args.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        seen = _whole if sys.stdout.isatty() else str
        writer.writerow(seen(column["name"]) for column in found["columns"])
        writer.writerows([seen(_text(value, "")) for value in row] for row in found["rows"])
    else:
        _draw(found)
    if found["has_more"]:
        print(f"sv: only the first {args.limit:,} rows; --limit shows more", file=sys.stderr)
    return 0


def _ask(args: argparse.Namespace, body: dict[str, Any]) -> dict[str, Any]:
    """Of a folder at rest, where one is meant and nothing runs on it; else of a server."""
    loaded = load_with_sources(args, os.environ)
    is_folder_meant = loaded.sources["data"] != "default" or look(loaded.settings.data, CATALOG) is not None
    if url_meant(args) is None and is_folder_meant:
        try:
            return _ask_folder(args, loaded.settings, body)
        except FolderInUse:
            if not is_served(loaded.settings.data):
                raise
    server = find_server(args)
    return server.post(f"{server.project(args.project)}/sql", body)


def _ask_folder(args: argparse.Namespace, settings: Settings, body: dict[str, Any]) -> dict[str, Any]:
    import asyncio

    from sv.cli.event_source import opened_server, project_of
    from sv.insights.sql import sql
    from sv.model.limits import MAX_TIMESTAMP_MS

    query = parse_sql_query(body)
    set_up_logging(settings)
    with opened_server(settings, "Read from") as server:
        project = project_of(server, args.project)
        runner = server.load_services().runner
        return asyncio.run(runner.run(project.id, (0, MAX_TIMESTAMP_MS), lambda context: sql(context, query)))


def _draw(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    numbers = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
    for column in found["columns"]:
        is_number = any(word in column["type"] for word in numbers) and not column["type"].endswith("]")
        table.add_column(Text(shown(column["name"]), "bold"), justify="right" if is_number else "left", overflow="fold")
    for row in found["rows"]:
        table.add_row(*(Text(shown(_text(value, "null"), 1000), "" if value is not None else "dim") for value in row))
    out.print(table, soft_wrap=False)
    rows = len(found["rows"])
    out.print(line((f"{rows:,} row{'' if rows == 1 else 's'}", "dim")))


def _whole(text: str) -> str:
    return shown(text, len(text))


def _text(value: Any, null: str) -> str:
    if value is None:
        return null
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
