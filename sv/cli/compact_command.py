"""Merge event files now, and make the key files of which questions are answered: what the background does by and by. The server must not
run on the folder.

Gives the disk back what is free in sv.db, too, since persons were erased, events expired or projects deleted. Meanwhile that takes room for
the rest of sv.db twice; without it the event files are merged all the same.

examples:
  sv compact
  sv compact --data /var/lib/sv --json
"""

import argparse
import json
import os
from pathlib import Path

from sv.cli.cutting_off import ending_soon
from sv.cli.drawing import count
from sv.cli.folder_access import check_folder
from sv.cli.running import set_up_logging
from sv.model.data_folder import CATALOG
from sv.model.errors import Unavailable
from sv.server import Server
from sv.settings import add_flags, load
from sv.store.disk_watch import shown_bytes
from sv.store.files import SPILL


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
        with ending_soon(server.store.interrupt_all):
            server.maintenance.flush()
            before = len(server.catalog.parts())
            merges = server.maintenance.compact(everything=True)
            server.maintenance.index()  # since those of what was merged are gone, and the next start would have to
        after = len(server.catalog.parts())
        catalog = settings.data / CATALOG
        server.meta.empty_log()
        held = catalog.stat().st_size
        fault = _shrink(server, settings.data / SPILL)
    finally:
        server.close()
    freed = held - catalog.stat().st_size
    if args.json:
        print(json.dumps({"merges": merges, "files_before": before, "files_after": after, "catalog_bytes_freed": freed}))
    else:
        print(f"{count(before, 'event file')} became {after:,}")
        if freed:
            print(f"{CATALOG} is {shown_bytes(freed)} smaller")
    if fault is not None:
        raise Unavailable(
            f"the event files are merged and nothing is lost, but {CATALOG} could not be written anew: {fault.message}"
        )
    return 0


def _shrink(server: Server, scratch: Path) -> Unavailable | None:
    """What kept it from being done, which takes nothing back of what was."""
    try:
        server.meta.shrink(scratch)
    except Unavailable as fault:
        return fault
    return None
