"""Make, list and change projects.

examples:
  sv project list
  sv project create "My shop" --timezone Europe/Berlin
  sv project rename k3v9x0a2m7qd "Our shop"
  sv project rotate k3v9x0a2m7qd --overlap-hours 24    a new project token; the old one works for another day
"""

import argparse
import json
from typing import Any

from sv.auth.tokens import make_project_token
from sv.cli.opened import opened_meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Project, Projects
from sv.model.limits import HOUR_MS
from sv.server import now_ms
from sv.settings import add_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a project; shows its project token")
    create.add_argument("name")
    create.add_argument("--timezone", default="UTC", help="IANA name; days of reports begin there (default: UTC)")
    listing = actions.add_parser("list", help="list projects")
    rename = actions.add_parser("rename", help="give a project another name")
    rename.add_argument("project_id")
    rename.add_argument("name")
    rotate = actions.add_parser("rotate", help="give a project a new project token")
    rotate.add_argument("project_id")
    rotate.add_argument("--overlap-hours", type=float, default=0.0, help="how long the old token stays good (default: 0)")
    for action in (create, listing, rename, rotate):
        action.add_argument("--json", action="store_true", help="answer in JSON")
        add_flags(action, ["data"])


def run(args: argparse.Namespace) -> int:
    with opened_meta(args) as meta:
        tokens = ProjectTokens(meta)
        projects = Projects(meta, tokens)
        now = now_ms()
        match args.action:
            case "create":
                token = make_project_token()
                project = projects.create(args.name, token=token, now_ms=now, timezone=args.timezone)
                _show([_row(project) | {"project_token": token}], as_json=args.json)
            case "rename":
                _show([_row(projects.update(args.project_id, name=args.name))], as_json=args.json)
            case "rotate":
                token = make_project_token()
                tokens.rotate(args.project_id, token, now, overlap_ms=int(args.overlap_hours * HOUR_MS))
                _show([_row(projects.get(args.project_id)) | {"project_token": token}], as_json=args.json)
            case _:
                live = tokens.all_project_tokens(now).projects
                rows = [
                    _row(project) | {"project_tokens": [token for token, owner in live.items() if owner == project.id]}
                    for project in projects.list_all()
                ]
                _show(rows, as_json=args.json)
    return 0


def _row(project: Project) -> dict[str, Any]:
    return {"id": project.id, "name": project.name, "timezone": project.timezone}


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        tokens = row.get("project_tokens") or [row[key] for key in ("project_token",) if key in row]
        print(f"{row['id']}  {row['name']}  {row['timezone']}  {' '.join(tokens)}".rstrip())
