"""Ask a running server how events developed over time, and draw it.

examples:
  sv trends purchase
  sv trends purchase sign_up --interval week --date-from -180d
  sv trends purchase --math sum --math-property amount
  sv trends '$pageview' --math unique_persons --breakdown '$browser'
  sv trends purchase --where plan=pro --json

One series is a bar for each bucket, several are a row of small columns each. The server is the one that --url (SV_URL) names, with the
token of --api-token (SV_API_TOKEN); else the one on the data folder; else `sv dev` at its usual address.
"""

import argparse
import json
from typing import Any

from sv.cli.drawing import number, spark
from sv.cli.event_names import EventNames, tell_bots
from sv.cli.output import as_json
from sv.cli.questions import add_insight_flags, insight_fields, named_properties
from sv.cli.server_access import find_server
from sv.cli.terminal import bar_table, console, line, shown

MAX_BARS = 62
"""Of one series; longer ones are small columns."""

MATHS = (
    "total", "unique_persons", "unique_sessions", "per_session", "sum", "avg", "min", "max", "median", "p90", "p95", "p99",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="+", metavar="EVENT", help="names of events or smart events, up to ten")
    parser.add_argument("--math", choices=MATHS, default="total", help="what is counted (default: total)")
    parser.add_argument("--math-property", metavar="PROPERTY", help="a number, for sum, avg and the like")
    parser.add_argument("--interval", choices=("hour", "day", "week", "month"), default="day", help="of a bucket (default: day)")
    add_insight_flags(parser)


def run(args: argparse.Namespace) -> int:
    server = find_server(args)
    further = {"math_property": args.math_property} if args.math_property is not None else {}
    project = server.project(args.project)
    names = EventNames(server, project)
    asked = [{**field, "math": args.math, **further} for field in names.fields(args.events, "name")]
    body = {"events": asked, "interval": args.interval, **insight_fields(args)}
    found = server.post(f"{project}/insights/trends", body)
    if args.json:
        print(as_json(found))
        return 0
    _draw(found)
    counted = _counted(found)
    is_unknown = names.tell_unknown([name for name in args.events if name not in counted])
    names.tell_unknown_properties([*further.values(), *named_properties(args)])
    is_empty = not (is_unknown or args.include_bots or counted)
    if is_empty and _counted(server.post(f"{project}/insights/trends", body | {"include_bots": True})):
        tell_bots()
    return 0


def _counted(found: dict[str, Any]) -> set[str]:
    """Names of which there is a figure other than 0."""
    return {str(series["event"]) for series in found["series"] if any(series["values"])}


def _draw(found: dict[str, Any]) -> None:
    out = console()
    series = found["series"]
    if len(series) == 1 and len(found["labels"]) <= MAX_BARS:
        out.print(_bars(out.width, found, series[0]))
        told = f"{shown(_name(series[0], is_broken_down=found['breakdown'] is not None))}: {number(series[0]['total'])}"
    else:
        each = _columns(out, found)
        told = f"{len(series):,} series, " + (f"each column the mean of {each}" if each > 1 else "a column each")
    dates = f"{found['date_from'][:16]} to {found['date_to'][:16]} UTC"
    out.print(line((told, "bold"), f" by {found['interval']}, {dates}, {found['elapsed_ms']:.0f} ms"))


def _bars(width: int, found: dict[str, Any], series: dict[str, Any]) -> Any:
    top = max((value or 0 for value in series["values"]), default=0)
    labels = zip(_local(found), series["values"], strict=True)
    return bar_table(width, "lbr", [[label, (max(value or 0, 0), top or 1), number(value)] for label, value in labels])


def _columns(out: Any, found: dict[str, Any]) -> int:
    """A row a series. Returns how many buckets a column stands for."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.columns[0].no_wrap = False  # so that a narrow terminal cuts names, and no figures
    width = min(120, max(20, out.width - 50))
    each = 1
    for series in found["series"]:
        drawn, each = spark(series["values"], width)
        table.add_row(
            Text(shown(_name(series, is_broken_down=found["breakdown"] is not None), 32), no_wrap=True, overflow="ellipsis"),
            line((drawn, "cyan")),
            number(series["total"]),
        )
    out.print(table)
    return each


def _local(found: dict[str, Any]) -> list[str]:
    """The buckets' starts in the answer's timezone."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(found["timezone"])
    form = "%a %Y-%m-%d %H:%M" if found["interval"] == "hour" else "%a %Y-%m-%d" if found["interval"] == "day" else "%Y-%m-%d"
    return [datetime.fromisoformat(label).astimezone(zone).strftime(form) for label in found["labels"]]


def _name(series: dict[str, Any], *, is_broken_down: bool) -> str:
    name = str(series["event"])
    if series["math"] != "total":
        name += f" {series['math']}" + (f" of {series['math_property']}" if series["math_property"] else "")
    if not is_broken_down:
        return name
    value = series["breakdown_value"]
    return f"{name} {value if isinstance(value, str) else json.dumps(value)}"
