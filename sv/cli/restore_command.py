"""Make a data folder of a copy that `sv backup` took. The folder must be empty or not be there yet; every file is checked.

examples:
  sv restore /mnt/backup/sv --data /var/lib/sv
  sv restore /mnt/backup/sv --data /var/lib/sv --json

Run it as the user that the server runs as. A file that isn't as it was when the copy was taken stops it, and no server starts on what is
there by then; --without-damaged leaves such files out instead, which is then said, with exit code 1.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from sv.backup.restoring import restore
from sv.cli.drawing import count
from sv.cli.progress import watching_bytes
from sv.server import now_ms
from sv.settings import add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SOURCE", help="the folder of the copy")
    parser.add_argument("--without-damaged", action="store_true", help="leave out files that are not as they were")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    with watching_bytes("restoring") as progress:
        restored = restore(args.source, settings.data, now_ms(), progress, without_damaged=args.without_damaged)
    damaged = set(restored.damaged)
    there = [kept.size for kept in restored.manifest.files if kept.path not in damaged]
    if args.json:
        answer = {"files": len(there), "bytes": sum(there), "began_ms": restored.manifest.began_ms}
        print(json.dumps(answer | {"damaged_files": list(restored.damaged)}))
    else:
        print(f"{settings.data}: {count(len(there), 'file')}, {count(sum(there), 'byte')}")
    for path in restored.damaged:
        print(f"sv: left out {path}, which is not as it was when the copy was taken", file=sys.stderr)
    return 1 if restored.damaged else 0
