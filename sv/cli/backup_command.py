"""Copy the data folder into another one, beside a running server or at rest. Again into the same one copies only what is new.

examples:
  sv backup /mnt/backup/sv
  sv backup /mnt/backup/sv --data /var/lib/sv --json

All that was acknowledged before it began is in the copy. The folder holds one copy, which is replaced in one step when the next one is
whole; one that is cut off leaves it as it was. `sv restore` makes a data folder of it. A bucket of recordings isn't copied, nor are the key
files, which are made anew. Exit code 1 as well where the copy was taken and the folder lacks files or log records of its own.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from sv.backup.taking import take
from sv.cli.drawing import count
from sv.cli.progress import watching_bytes
from sv.server import now_ms
from sv.settings import add_flags, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="TARGET", help="the folder of the copy; made if need be")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    with watching_bytes("copying event files") as progress:
        taken = take(settings.data, args.target, now_ms, progress)
    manifest = taken.manifest
    if args.json:
        answer = {
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            "copied_files": taken.copied_files,
            "copied_bytes": taken.copied_bytes,
            "began_ms": manifest.began_ms,
            "missing_files": list(taken.missing),
            "unreadable_files": list(taken.unreadable),
            "missing_records": taken.missing_records,
        }
        print(json.dumps(answer))
    else:
        new = f"{count(taken.copied_files, 'file')} of {count(taken.copied_bytes, 'byte')} new"
        print(f"{args.target}: {count(len(manifest.files), 'file')}, {count(manifest.bytes, 'byte')}; {new}")
    for path in taken.missing:
        print(f"sv: {settings.data / path} is in the catalog and isn't there, so it isn't in the copy either", file=sys.stderr)
    for path in taken.unreadable:
        print(f"sv: {settings.data / path} can't be read from its disk, so it isn't in the copy", file=sys.stderr)
    if taken.missing_records:
        print(
            f"sv: the log of {settings.data} lacks {count(taken.missing_records, 'record')}, and so does its copy",
            file=sys.stderr,
        )
    return 1 if taken.missing or taken.unreadable or taken.missing_records else 0
