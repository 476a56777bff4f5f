"""Ask a running server for a funnel, and draw it: how many persons went through the steps in order.

examples:
  sv funnel "view > cart > buy"
  sv funnel "view > cart > buy" --window 1d --date-from -90d --breakdown '$device_type'
  sv funnel view cart buy --where plan=pro --json
  SV_URL=https://analytics.example.com SV_API_TOKEN=sv_... sv funnel "sign_up > paid" --project k3v9x0a2m7qd

The server is the one that --url (SV_URL) names, with the token of --api-token (SV_API_TOKEN); else the one on the data folder; else
`sv dev` at its usual address. A step whose name has a > in it is given as an argument of its own, beside others.
"""

import argparse
import json
from typing import Any

from sv.cli.drawing import duration, number, percent
from sv.cli.event_names import EventNames, tell_bots
from sv.cli.output import as_json
from sv.cli.questions import add_insight_flags, insight_fields, named_properties
from sv.cli.server_access import find_server
from sv.cli.terminal import bar_table, console, line, shown
from sv.model.errors import InvalidParameter

MODES = ("strict_deduplication", "strict_order", "strict_increase", "strict_once", "allow_reentry")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "steps",
        nargs="+",
        metavar="STEP",
        help="names of events or smart events, in one argument with > between them or each in its own",
    )
    parser.add_argument(
        "--window", metavar="DURATION", default="7d", help="from the first step to the last, as 30m, 12h or 7d (default: 7d)"
    )
    parser.add_argument(
        "--mode", action="append", choices=MODES, default=[], help="as ClickHouse's windowFunnel; may be repeated"
    )
    parser.add_argument("--by", choices=("person", "session"), default="person", help="what is counted (default: person)")
    add_insight_flags(parser)


def run(args: argparse.Namespace) -> int:
    steps = _steps(args.steps)
    server = find_server(args)
    project = server.project(args.project)
    names = EventNames(server, project)
    body: dict[str, Any] = {"steps": names.fields(steps, "event"), "conversion_window": args.window}
    body |= {"aggregate_by": args.by} | ({"modes": args.mode} if args.mode else {}) | insight_fields(args)
    found = server.post(f"{project}/insights/funnel", body)
    if args.json:
        print(as_json(found))
        return 0
    _draw(found, "sessions" if args.by == "session" else "persons")
    is_unknown = names.tell_unknown([name for name, step in zip(steps, found["steps"], strict=True) if not step["count"]])
    names.tell_unknown_properties(named_properties(args))
    is_empty = not (is_unknown or args.include_bots or found["steps"][0]["count"])
    if is_empty and server.post(f"{project}/insights/funnel", body | {"include_bots": True})["steps"][0]["count"]:
        tell_bots()
    return 0


def _steps(given: list[str]) -> list[str]:
    steps = [each.strip() for each in (given[0].split(">") if len(given) == 1 else given)]
    if len(steps) < 2 or not all(steps):
        raise InvalidParameter(f'expected steps such as "view > cart > buy", got {" ".join(given)[:100]!r}')
    return steps


def _draw(found: dict[str, Any], counted: str) -> None:
    out = console()
    for each in found.get("breakdowns", [found]):
        if "breakdowns" in found:
            name = json.dumps(each["breakdown_value"], ensure_ascii=False)
            out.print(line((f"{shown(found['breakdown'])} = {shown(name)}", "bold")))
        out.print(_table(out.width, each["steps"], counted))
    if "breakdowns" in found:
        out.print(line(("all", "bold")))
        out.print(_table(out.width, found["steps"], counted))
    dates = f"{found['date_from'][:16]} to {found['date_to'][:16]} UTC"
    rate = (percent(found["conversion_rate"]), "bold green")
    out.print(line(rate, f" converted within {found['conversion_window']}, {dates}, {found['elapsed_ms']:.0f} ms"))


def _table(width: int, steps: list[dict[str, Any]], counted: str) -> Any:
    rows: list[list[str | tuple[float, float]]] = []
    first = steps[0]["count"]
    for each in steps:
        further = ""
        if each["step"] > 1:
            further = f"{percent(each['step_conversion_rate'])} of step {each['step'] - 1}"
            further += f", median {duration(each['median_seconds'])}" if each["count"] else ""
        bar = (each["count"], max(first, 1))
        unit = counted.removesuffix("s") if each["count"] == 1 else counted
        count = f"{number(each['count'])}{f' {unit}' if each['step'] == 1 else ''}"
        rows.append([str(each["step"]), shown(str(each["event"]), 40), bar, count, percent(each["conversion_rate"]), further])
    return bar_table(width, "rlbrrl", rows)
