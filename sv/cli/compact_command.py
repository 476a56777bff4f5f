"""Merge event files now: what the background does by and by. The server must not run on the folder.

examples:
  sv compact
  sv compact --data /var/lib/sv --json
"""

import argparse
import json
import os

from sv.cli.opened import check_folder
from sv.cli.running import set_up_logging
from sv.server import Server
from sv.settings import add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data", "memory_limit", "threads", "event_id_window_seconds", "log_level", "log_format"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    check_folder(settings.data)
    server = Server(settings)
    server.open()
    try:
        server.maintenance.flush()
        before = len(server.catalog.parts())
        merges = server.maintenance.compact(everything=True)
        after = len(server.catalog.parts())
    finally:
        server.close()
    if args.json:
        print(json.dumps({"merges": merges, "files_before": before, "files_after": after}))
    else:
        print(f"{before} files became {after}")
    return 0
