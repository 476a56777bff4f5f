"""Checks whether a data folder at rest is whole: the catalog, the event files that it lists, and the log.

Assumes the lock on the folder. Reads every event file from end to end. Changes nothing, except that a catalog of an older release is
migrated, as by every command that opens one.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from sv.meta.db import Meta
from sv.meta.errors import FolderDamaged
from sv.meta.instance import has_instance
from sv.meta.parts import Parts
from sv.model.data_folder import CATALOG
from sv.model.part import Part
from sv.store.files import ASIDE, event_files, flushed_up_to, has_catalog, refuse_lost_catalog
from sv.wal.copying import LogState, read_state


class Rows(Protocol):
    """What this module asks of an event file that can be read."""

    @property
    def rows(self) -> int: ...


class Files(Protocol):
    """Reads event files (`sv.engine.duck.inventory`)."""

    def contents(self, path: str) -> Rows | None: ...


class Finding(Struct, frozen=True):
    """Something that is wrong. kind: catalog, missing, damaged, unlisted or log."""

    kind: str
    path: str
    what: str


class Report(Struct, frozen=True):
    """aside_files, aside_bytes: of what lies in `aside/` and `log/aside/`, which no server reads."""

    files: int
    rows: int
    log_records: int
    findings: tuple[Finding, ...]
    aside_files: int
    aside_bytes: int


def check(data: Path, files: Files, progress: Callable[[int, int], None]) -> Report:
    """Look at everything. progress: is told (bytes of event files read, bytes in all)."""
    findings: list[Finding] = []
    parts: list[Part] = []
    known: set[str] = set()
    covered_seq = 0
    try:
        if not has_catalog(data):
            raise FolderDamaged(f"there is no {CATALOG}, which lists the event files, or nothing in it")
        with Meta.open(data / CATALOG) as meta:
            refuse_lost_catalog(data, is_blank=not has_instance(meta))
            findings += [Finding("catalog", CATALOG, line) for line in meta.check()]
            rows = Parts(meta)
            parts, covered_seq = rows.live_parts(), rows.covered_seq()
            known = {part.path for part in (*parts, *rows.dropped_parts())} | _superfluous(rows, parts)
    except FolderDamaged as error:
        findings.append(Finding("catalog", CATALOG, error.message))
    is_listed = not findings
    total, done = sum(part.bytes for part in parts), 0
    for part in parts:
        findings += _look_at(data, files, part)
        done += part.bytes
        progress(done, total)
    log = read_state(data / "log", covered_seq) if (data / "log").is_dir() else LogState()
    if is_listed:
        findings += _unlisted(data, known, range(covered_seq + 1, covered_seq + 1 + (0 if log.missing_records else log.records)))
    if log.damaged_ranges:
        findings.append(Finding("log", "log", f"{log.damaged_ranges} places are damaged"))
    if log.missing_records and is_listed:
        findings.append(Finding("log", "log", f"{log.missing_records} records are missing that are in no event file"))
    aside = [path.stat().st_size for name in (ASIDE, f"log/{ASIDE}") for path in (data / name).rglob("*") if path.is_file()]
    return Report(len(parts), sum(part.rows for part in parts), log.records, tuple(findings), len(aside), sum(aside))


def _superfluous(rows: Parts, parts: Sequence[Part]) -> set[str]:
    """Files of merges and the like that were cut off: what they were made of is there, and the next start deletes them."""
    live = {part.part_id for part in parts}
    return {path for path, made_of in rows.unfinished().items() if made_of <= live}


def _look_at(data: Path, files: Files, part: Part) -> Iterator[Finding]:
    if not (data / part.path).exists():
        yield Finding("missing", part.path, f"{part.rows:,} events are lost with it, unless a backup has it")
        return
    contents = files.contents(part.path)
    if contents is None:
        yield Finding("damaged", part.path, f"it can't be read; the catalog knows {part.rows:,} events in it")
    elif contents.rows != part.rows:
        yield Finding("damaged", part.path, f"it has {contents.rows:,} events, and the catalog knows {part.rows:,}")


def _unlisted(data: Path, known: set[str], logged: range) -> Iterator[Finding]:
    """logged: the positions of all that the log has beyond the event files. A flush of them was cut off; the next start does it again."""
    for name in event_files(data):
        if name not in known and flushed_up_to(data / name) not in logged:
            yield Finding("unlisted", name, "the catalog doesn't list it; the next start sets it aside")
