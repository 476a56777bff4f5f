"""Look a data folder over: whether the catalog can be read, each event file that it lists is whole, and the log has what is in no file.

examples:
  sv check --data /var/lib/sv
  sv check --data /var/lib/sv --repair
  sv check --data /var/lib/sv --json

No server may run on the folder; a copy that `sv restore` made can be looked over just as well. Nothing is changed without --repair.

--repair makes a missing or unreadable sv.db anew out of the event files and the log, and sets files aside that can't be read; nothing is
deleted. Events, persons and the projects' ids come back. Tokens, users, names and settings of projects, smart events, saved insights,
dashboards, what is known of recordings, and which files were imported were in sv.db alone: `sv restore` of a backup has those. Each project
gets a new project token.

Exit codes: 0 nothing is wrong, or it was repaired; 1 something is wrong, or it couldn't be looked at; 2 it was asked wrongly.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv.cli.cutting_off import ending_soon
from sv.cli.drawing import count
from sv.cli.progress import watching_bytes
from sv.cli.running import set_up_logging
from sv.meta.errors import FolderUnusable
from sv.meta.folder import look, refuse_backup
from sv.meta.lock import FolderLock
from sv.model.data_folder import CATALOG
from sv.model.redaction import os_message
from sv.repair.checking import Report, check
from sv.repair.repairing import Repaired, needs_repair, put_damaged_aside, repair
from sv.server import now_ms
from sv.settings import Settings, add_flags, load
from sv.settings.memory import engine_bytes
from sv.store.disk_watch import shown_bytes

if TYPE_CHECKING:
    from sv.engine.duck.inventory import Inventory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repair", action="store_true", help="make a missing or unreadable sv.db anew")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_flags(parser, ["data", "memory_limit", "threads", "log_level", "log_format"])


def run(args: argparse.Namespace) -> int:
    settings = load(args, os.environ)
    set_up_logging(settings)
    data = settings.data
    if look(data, CATALOG) is None:
        refuse_backup(data)
    if not any(look(data, name) for name in (CATALOG, "events", "log")):
        raise FolderUnusable(f"{data} is no data folder: it has neither sv.db nor events nor a log. Name another one with --data")
    repaired = None
    with (
        _naming_what_may_not_be_read(data),
        FolderLock.acquire(data, now_ms=now_ms()),
        _inventory(settings) as files,
        watching_bytes("reading event files") as progress,
    ):
        if args.repair and needs_repair(data):
            repaired = repair(data, files, now_ms(), progress)
        report = check(data, files, progress)
        if args.repair and put_damaged_aside(data, report):
            report = check(data, files, progress)
    answer = _as_json(report, repaired)
    print(json.dumps(answer, ensure_ascii=False) if args.json else _told(report, repaired))
    if repaired is not None and not args.json:
        print("sv: tokens, users and what people saved are not in event files; a backup has them", file=sys.stderr)
    return 1 if report.findings else 0


@contextlib.contextmanager
def _naming_what_may_not_be_read(data: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise FolderUnusable(
            f"{data} can't be looked over by user {os.geteuid()}: {os_message(error)}. Be the user that the server runs as"
        ) from error


@contextlib.contextmanager
def _inventory(settings: Settings) -> "Generator[Inventory]":
    from sv.engine.duck.inventory import Inventory

    inventory = Inventory(settings.data, engine_bytes(settings.memory_limit), settings.threads)
    try:
        with ending_soon(inventory.interrupt):
            yield inventory
    finally:
        inventory.close()


def _as_json(report: Report, repaired: Repaired | None) -> dict[str, Any]:
    findings = [{"kind": finding.kind, "path": finding.path, "what": finding.what} for finding in report.findings]
    answer: dict[str, Any] = {"files": report.files, "rows": report.rows, "log_records": report.log_records, "findings": findings}
    answer["aside"] = {"files": report.aside_files, "bytes": report.aside_bytes}
    if repaired is not None:
        aside = [{"path": path, "reason": reason} for path, reason in repaired.aside]
        answer["repaired"] = {
            "files": repaired.files,
            "rows": repaired.rows,
            "project_tokens": repaired.tokens,
            "deleted_projects": list(repaired.deleted),
            "set_aside": aside,
        }
    return answer


def _told(report: Report, repaired: Repaired | None) -> str:
    lines: list[str] = []
    if repaired is not None:
        lines.append(
            f"sv.db was made anew of {count(repaired.files, 'event file')} with {count(repaired.rows, 'event')}; the old one is in aside/"
        )
        lines += [f"set aside: {path}: {reason}" for path, reason in repaired.aside]
        lines += [f"new project token of {project_id}: {token}" for project_id, token in repaired.tokens.items()]
        lines += [f"{project_id} was deleted: the next start of the server removes its events" for project_id in repaired.deleted]
    lines += [f"{finding.kind}: {finding.path}: {finding.what}" for finding in report.findings]
    records = count(report.log_records, "record")
    lines.append(f"{count(report.files, 'event file')}, {count(report.rows, 'event')}, {records} in the log alone")
    if report.aside_files:
        lie = "lies" if report.aside_files == 1 else "lie"
        aside = f"{count(report.aside_files, 'file')} ({shown_bytes(report.aside_bytes)}) {lie}"
        lines.append(f"{aside} in aside/ and log/aside/, where nothing reads them")
    are = "is" if len(report.findings) == 1 else "are"
    lines.append("nothing is wrong" if not report.findings else f"{count(len(report.findings), 'thing')} {are} wrong")
    return "\n".join(lines)
