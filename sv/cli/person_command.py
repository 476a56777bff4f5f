"""Erase a person from a data folder: events, traits, sessions and recordings, in files, lists and the log. No server may run on the folder;
a running one is asked by `POST /api/v1/projects/ID/persons/DISTINCT_ID/erase`.

examples:
  sv person erase ann@example.com --project k3v9x0a2m7qd
  sv person erase ann@example.com --project k3v9x0a2m7qd --data /var/lib/sv --json
"""

import argparse
import json
import os

from sv.cli.running import set_up_logging
from sv.privacy.answers import job_json
from sv.server import Server
from sv.settings import add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    erase = actions.add_parser("erase", help="erase a person, and what other jobs wait")
    erase.add_argument("distinct_id", help="the person's distinct id")
    erase.add_argument("--project", required=True, help="the project's id")
    erase.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(erase)


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    server = Server(settings)
    server.open()
    try:
        project = server.projects.get(args.project)
        job = server.jobs.queue_erasure(project.id, args.distinct_id)
        server.jobs.run_all()
        job = server.jobs.get(project.id, job.id)
    finally:
        server.close()
    if args.json:
        print(json.dumps(job_json(job)))
        return 0
    print(f"erased {job.events_removed} events")
    for path in job.left_behind:
        print(f"could not be read or deleted: {path}")
    return 0
