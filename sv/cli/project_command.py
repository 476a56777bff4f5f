"""Make, list, change and delete projects.

examples:
  sv project list
  sv project create "My shop" --timezone Europe/Berlin
  sv project rename k3v9x0a2m7qd "Our shop"
  sv project settings k3v9x0a2m7qd                                   show them
  sv project settings k3v9x0a2m7qd --set event_retention_days=400    change them; =null for none
  sv project rotate-token k3v9x0a2m7qd --overlap-hours 24            a new project token; the old one works for another day
  sv project delete k3v9x0a2m7qd --yes                               for good, with its events

A deleted project is gone at once. Its events leave the disk within seconds where a server runs on the folder, else at its next start.
"""

import argparse
from typing import Any

import msgspec

from sv.cli.folder_access import add_common_flags, opened_people, print_json, this_person
from sv.meta.projects import Project
from sv.model.errors import InvalidParameter
from sv.model.limits import HOUR_MS, MAX_OVERLAP_HOURS
from sv.model.project_settings import SETTINGS_FIELDS, read_project_settings, show_project_settings
from sv.people.bodies import ProjectChange
from sv.people.people import People
from sv.people.projects import change_project, create_project, delete_project, rotate_project_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a project; shows its project token")
    create.add_argument("name")
    create.add_argument("--timezone", default="UTC", help="IANA name; days of reports begin there (default: UTC)")
    listing = actions.add_parser("list", help="list projects")
    rename = actions.add_parser("rename", help="give a project another name")
    rename.add_argument("project_id")
    rename.add_argument("name")
    settings = actions.add_parser("settings", help="show or change a project's settings")
    settings.add_argument("project_id")
    settings.add_argument("--timezone", help="IANA name; days of reports begin there")
    settings.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help=f"of {', '.join(SETTINGS_FIELDS)}; repeatable"
    )
    rotate = actions.add_parser("rotate-token", aliases=["rotate"], help="give a project a new project token")
    rotate.add_argument("project_id")
    rotate.add_argument("--overlap-hours", type=float, default=0.0, help="how long the old token stays good (default: 0)")
    delete = actions.add_parser("delete", help="delete a project for good, with its events")
    delete.add_argument("project_id")
    delete.add_argument("--yes", action="store_true", help="yes, with all its events")
    add_common_flags((create, listing, rename, settings, rotate, delete))


def run(args: argparse.Namespace) -> int:
    with opened_people(args) as people:
        rows = _rows(people, args)
    if args.json:
        print_json(rows)
        return 0
    for row in rows:
        if args.action == "settings":
            print("\n".join([f"timezone = {row['timezone']}", *row["lines"]]))
        else:
            tokens = row.get("project_tokens") or [row[key] for key in ("project_token",) if key in row]
            print(f"{row['id']}  {row['name']}  {row['timezone']}  {' '.join(tokens)}".rstrip())
    return 0


def _rows(people: People, args: argparse.Namespace) -> list[dict[str, Any]]:
    actor = this_person()
    match args.action:
        case "create":
            made = create_project(people, actor, ProjectChange(name=args.name, timezone=args.timezone))
            return [_row(made.project) | {"project_token": made.project_token}]
        case "rename":
            return [_row(change_project(people, actor, args.project_id, ProjectChange(name=args.name)))]
        case "settings":
            change = ProjectChange(timezone=args.timezone, settings=_change(args.set) if args.set else None)
            project = change_project(people, actor, args.project_id, change)
            settings = read_project_settings(project.settings)
            shown: dict[str, Any] = {"settings": msgspec.to_builtins(settings)}
            return [_row(project) | (shown if args.json else {"lines": show_project_settings(settings)})]
        case "rotate" | "rotate-token":
            if not 0 <= args.overlap_hours <= MAX_OVERLAP_HOURS:
                raise InvalidParameter(f"expected 0 to {MAX_OVERLAP_HOURS}, got {args.overlap_hours:g} (--overlap-hours)")
            made = rotate_project_token(people, actor, args.project_id, int(args.overlap_hours * HOUR_MS))
            return [_row(made.project) | {"project_token": made.project_token}]
        case "delete":
            project = people.projects.get(args.project_id)
            if not args.yes:
                raise InvalidParameter(f"this deletes {project.name!r} with all its events; say so with --yes")
            delete_project(people, actor, project.id)
            return [_row(project)]
        case _:
            live = people.project_tokens.all_project_tokens(people.now_ms()).projects
            return [
                _row(project) | {"project_tokens": [token for token, owner in live.items() if owner == project.id]}
                for project in people.projects.list_all()
            ]


def _row(project: Project) -> dict[str, Any]:
    return {"id": project.id, "name": project.name, "timezone": project.timezone}


def _change(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` as the JSON object of a change; what is no JSON is a text."""
    change: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InvalidParameter(f"expected NAME=VALUE, got {pair!r} (--set)")
        try:
            change[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            change[name] = text
    return change
