"""Show which events a running server rejected lately, and why: counts and a few samples of each code, without a value that was sent.

examples:
  sv rejections --project k3v9x0a2m7qd
  sv rejections --url https://analytics.example.com --json

It asks the server on the data folder, or the one that --url names; SV_API_TOKEN holds an API token with the scope read. Without --project
it shows every project that the token may read. What was rejected is in the server's memory, since its start.
"""

import argparse
import urllib.parse
from typing import Any

from sv.cli.output import as_json
from sv.cli.server_access import RunningServer, add_server_flags, find_server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", metavar="ID", help="of this project alone")
    add_server_flags(parser, "read")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    server = find_server(args)
    ids = [args.project] if args.project else _projects(server)
    found = {each: server.get(f"/projects/{urllib.parse.quote(each, safe='')}/rejections") for each in ids}
    if args.json:
        print(as_json([{"project_id": project_id, **report} for project_id, report in found.items()]))
        return 0
    for project_id, report in found.items():
        print("\n".join(_lines(project_id, report)))
    return 0


def _projects(server: RunningServer) -> list[str]:
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = server.get("/projects", limit=1000, cursor=cursor or None)
        ids += [project["id"] for project in page["data"]]
        cursor = page["meta"]["next_cursor"]
    return ids


def _lines(project_id: str, report: dict[str, Any]) -> list[str]:
    lines = [f"{project_id}: {report['rejected']:,} events rejected since {report['since']}"]
    for reason in report["reasons"]:
        lines.append(f"  {reason['code']}  {reason['count']:,} times, last at {reason['last_at']}")
        lines += [f"    {_sample(sample)}" for sample in reason["samples"]]
    return lines


def _sample(sample: dict[str, Any]) -> str:
    field = f" ({sample['field']})" if sample["field"] else ""
    got = "nothing" if sample["got"] is None else sample["got"]
    return f"{sample['at']}  event {sample['index'] + 1} of {sample['events']}: expected {sample['expected']}, got {got}{field}"
