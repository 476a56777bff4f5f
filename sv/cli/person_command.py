"""Erase a person from a data folder, or write down all that is kept of one: events, sessions, traits and recordings' chunks, as lines of
JSON on the standard output. No server may run on the folder; a running one is asked by
`POST /api/v1/projects/ID/persons/DISTINCT_ID/erase` and `GET /api/v1/projects/ID/persons/DISTINCT_ID/export`.

examples:
  sv person erase ann@example.com --project k3v9x0a2m7qd
  sv person erase ann@example.com --project k3v9x0a2m7qd --data /var/lib/sv --json
  sv person export ann@example.com --project k3v9x0a2m7qd > ann.ndjson
"""

import argparse
import asyncio
import json
import os
import sys
from typing import Final
from urllib.parse import quote

from sv.cli.event_source import project_of
from sv.cli.folder_access import check_folder, open_or_tell, this_person
from sv.cli.running import set_up_logging
from sv.meta.projects import Project
from sv.privacy.answers import job_json
from sv.server import Server
from sv.settings import add_flags, load

_SETTINGS: Final = ("data", "memory_limit", "threads", "event_id_window_seconds", "log_level", "log_format")
_OF_RECORDINGS: Final = ("s3_bucket", "s3_endpoint", "s3_region", "s3_addressing", "s3_access_key", "s3_secret_key")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    erase = actions.add_parser("erase", help="erase a person, and what other jobs wait")
    export = actions.add_parser("export", help="write all that is kept of a person")
    for action in (erase, export):
        action.add_argument("distinct_id", help="the person's distinct id")
        action.add_argument("--project", required=True, help="the project's id")
    erase.add_argument("--json", action="store_true", help="answer in JSON")
    for action in (erase, export):
        add_flags(action, [*_SETTINGS, *_OF_RECORDINGS])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    check_folder(settings.data)
    server = Server(settings)
    open_or_tell(server, lambda url: f"Ask that server: {_request(url, args)}")
    try:
        project = project_of(server, args.project)
        if args.action == "export":
            asyncio.run(_export(server, project, args.distinct_id))
            return 0
        return _erase(server, project, args.distinct_id, is_json=args.json)
    finally:
        server.close()


def _request(url: str, args: argparse.Namespace) -> str:
    """What asks a running server for the same."""
    method = "-X POST " if args.action == "erase" else ""
    person = f"/api/v1/projects/{quote(args.project, safe='')}/persons/{quote(args.distinct_id, safe='')}"
    return f"curl {method}-H 'Authorization: Bearer TOKEN' {url}{person}/{args.action} (TOKEN: an API token of scope admin)"


def _erase(server: Server, project: Project, distinct_id: str, *, is_json: bool) -> int:
    job = server.jobs.queue_erasure(this_person(), project.id, distinct_id)
    server.jobs.run_all()
    job = server.jobs.get(project.id, job.id)
    if is_json:
        print(json.dumps(job_json(job)))
        return 0
    print(f"erased {job.events_removed} events")
    for path in job.left_behind:
        print(f"could not be read or deleted: {path}")
    return 0


async def _export(server: Server, project: Project, distinct_id: str) -> None:
    from sv.insights.export import PersonExport

    services = server.load_services()
    export = PersonExport(services.runner, services.persons, services.sessions, services.recordings, services.recording_threads)
    exported = await export.find(project, distinct_id)
    server.jobs.trail.exported(this_person(), project.id, exported.distinct_id)
    async for lines in export.lines(project, exported):
        sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()
