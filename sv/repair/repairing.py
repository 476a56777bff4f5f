"""A catalog made anew, where it is missing or can't be read, from the event files themselves and the log. Deletes nothing.

Assumes the lock on the folder. What event files know comes back: events, persons' numbers, projects' ids, the folder's salt. What only
`sv.db` knew doesn't: tokens, users, names and settings of projects, smart events, saved insights, dashboards, rows of recordings, imports,
jobs, the audit trail, the books' history. Lists are made anew by the server.

A project that is marked as deleted comes back as a deleted one, whose events the next start removes.

Which files count: of two that have an event in common, the younger one was made of the older one (by a merge, or without an erased person)
and has all of it that is to stay. A file that can't be read is set aside.

Where the log goes on: behind the last flush whose files are there. A flush may have been cut off before its commit: its files are some of
those it would have written. Where the log still has all of its records, and nothing was made of its files yet, they are set aside and its
events come from the log.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from sv.auth.tokens import make_project_token
from sv.meta.db import Meta
from sv.meta.deleted_marks import marked_deleted
from sv.meta.errors import FolderDamaged
from sv.meta.instance import has_instance, load_instance
from sv.meta.parts import Parts
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.meta.rebuilding import add_persons, list_parts
from sv.model.batch import decode_batch
from sv.model.data_folder import CATALOG
from sv.model.errors import Unavailable
from sv.model.redaction import os_message
from sv.repair.checking import Report
from sv.store.files import ASIDE, MIXED, event_files, has_catalog, set_aside, sync_folder
from sv.store.parts import new_part
from sv.store.ports import FileFacts
from sv.wal.copying import missing_seqs, payloads

log = logging.getLogger(__name__)

REBUILT: Final = f"{CATALOG}.rebuilt"
_PATH: Final = re.compile(r"events/project=([^/]+)/day=([^/]+)/([^/]+)\.parquet")
_FLUSH: Final = re.compile(r"flush-([0-9a-f]{16})-[0-9]+")


class Contents(FileFacts, Protocol):
    """What a file says of itself (`sv.engine.duck.inventory`)."""

    @property
    def imported_rows(self) -> int: ...
    @property
    def min_seq(self) -> int: ...
    @property
    def max_seq(self) -> int: ...
    @property
    def salt(self) -> int: ...


class Files(Protocol):
    """Reads event files."""

    def contents(self, path: str) -> Contents | None: ...
    def persons(self, path: str) -> Iterator[list[tuple[str, int]]]: ...
    def sharing(self, paths: Sequence[str]) -> list[tuple[str, ...]]: ...


class Repaired(Struct, frozen=True):
    """tokens: a new project token for each project that there are events of, in files or in the log. deleted: those of which there are
    events though they were deleted. aside: files set aside, with the reason."""

    files: int
    rows: int
    tokens: dict[str, str]
    deleted: tuple[str, ...]
    aside: tuple[tuple[str, str], ...]


class _File(Struct, frozen=True):
    path: str
    project_id: str
    day: str | None
    flushed_seq: int
    contents: Contents


def needs_repair(data: Path) -> bool:
    """Whether the catalog is missing, though there are event files, or can't be read.

    Raises what `Meta.open` does but FolderDamaged.
    """
    if not has_catalog(data):
        return True
    try:
        with Meta.open(data / CATALOG) as meta:
            return bool(meta.check()) or not has_instance(meta)
    except FolderDamaged:
        return True


def repair(data: Path, files: Files, now_ms: int, progress: Callable[[int, int], None]) -> Repaired:
    """Make the catalog anew; the one that was there is set aside. Raises Unavailable; then calling it again begins anew."""
    aside: list[tuple[str, str]] = []
    try:
        marked = marked_deleted(data)
    except OSError as error:
        raise Unavailable(f"which projects were deleted can't be read: {os_message(error)}") from error

    def put_aside(path: str, reason: str) -> None:
        set_aside(data, data / path, reason)
        aside.append((path, reason))

    found = list(_read_all(data, files, put_aside, progress))
    kept: list[_File] = []
    for project_id in sorted({file.project_id for file in found}):
        own = {file.path: file for file in found if file.project_id == project_id}
        for path in _outdated(data, files.sharing(list(own))):
            put_aside(path, "a younger file has its events")
            del own[path]
        kept += own.values()
    covered_seq, uncommitted = _settle(kept, data / "log")
    for file in uncommitted:
        put_aside(file.path, "its flush may not have been committed; the log has its events")
    kept = [file for file in kept if file not in uncommitted]
    logged = _logged_projects(data / "log", covered_seq)
    projects = {file.project_id for file in kept} | logged
    tokens = {project_id: make_project_token() for project_id in sorted(projects | marked)}
    _write_catalog(data, files, kept, tokens, marked, covered_seq, now_ms)
    _put_in_place(data)
    shown = {project_id: token for project_id, token in tokens.items() if project_id not in marked}
    return Repaired(len(kept), sum(file.contents.rows for file in kept), shown, tuple(sorted(projects & marked)), tuple(aside))


def put_damaged_aside(data: Path, report: Report) -> int:
    """Set aside the files that a sound catalog lists and that are damaged or not there, as queries do. Returns how many."""
    bad = {finding.path: finding.what for finding in report.findings if finding.kind in ("damaged", "missing")}
    if not bad:
        return 0
    with Meta.open(data / CATALOG) as meta:
        parts = Parts(meta)
        for part in parts.live_parts():
            if part.path in bad:
                set_aside(data, data / part.path, bad[part.path])
                parts.set_aside(part.part_id)
                parts.forget_dropped([part.part_id])
    return len(bad)


def _read_all(
    data: Path, files: Files, put_aside: Callable[[str, str], None], progress: Callable[[int, int], None]
) -> Iterator[_File]:
    names = event_files(data)
    total, done = sum((data / name).stat().st_size for name in names), 0
    for name in names:
        size = (data / name).stat().st_size
        match = _PATH.fullmatch(name)
        assert match is not None
        contents = files.contents(name)
        if contents is None:
            put_aside(name, "it can't be read")
        else:
            flush = _FLUSH.fullmatch(match[3])
            day = None if match[2] == MIXED else match[2]
            yield _File(name, match[1], day, int(flush[1], 16) if flush else 0, contents)
        done += size
        progress(done, total)


def _outdated(data: Path, sharing: Sequence[tuple[str, ...]]) -> list[str]:
    age = {path: (data / path).stat().st_mtime_ns for paths in sharing for path in paths}
    youngest = [max(paths, key=lambda path: (age[path], path)) for paths in sharing]
    return sorted({path for paths, kept in zip(sharing, youngest, strict=True) for path in paths if path != kept})


def _settle(files: Sequence[_File], log_folder: Path) -> tuple[int, list[_File]]:
    """Up to where the log is in files, and the files of a last flush that may have been cut off."""
    last = max((file.flushed_seq for file in files), default=0)
    flushed = [file for file in files if last and file.flushed_seq == last]
    others = max((file.contents.max_seq for file in files if file not in flushed), default=0)
    others = max(others, *(file.flushed_seq for file in files if file not in flushed), 0)
    if not flushed or others >= min(file.contents.min_seq for file in flushed):
        return max(last, others), []
    if log_folder.is_dir() and not missing_seqs(log_folder, others, last):
        return others, flushed
    return last, []


def _logged_projects(log_folder: Path, covered_seq: int) -> set[str]:
    """Whose events are still in the log: without their projects the next start would take them for deleted ones' and drop them."""
    found: set[str] = set()
    if log_folder.is_dir():
        for payload in payloads(log_folder, covered_seq):
            with contextlib.suppress(ValueError):  # no batch: a start passes over it, and says so
                found.add(decode_batch(payload).project_id)
    return found


def _write_catalog(
    data: Path, files: Files, kept: Sequence[_File], tokens: dict[str, str], deleted: Set[str], covered_seq: int, now_ms: int
) -> None:
    """tokens: of each project, deleted ones too."""
    for path in data.glob(f"{REBUILT}*"):
        path.unlink()
    salts = [file.contents.salt for file in kept]
    with Meta.open(data / REBUILT) as meta:
        if salts:
            salt = max(set(salts), key=salts.count)
            load_instance(meta, now_ms, random_bits=lambda _: salt)
        else:
            load_instance(meta, now_ms)
        projects = Projects(meta, ProjectTokens(meta))
        for project_id, token in tokens.items():
            projects.create(project_id, token=token, now_ms=now_ms, project_id=project_id)
        for file in kept:
            for persons in files.persons(file.path):
                add_persons(meta, file.project_id, persons)
        parts = [
            new_part(file.project_id, file.path, file.day, file.contents, now_ms, level=0 if file.flushed_seq else 1)
            for file in kept
        ]
        list_parts(meta, parts, covered_seq, sum(file.contents.imported_rows for file in kept))
        for project_id in deleted:
            projects.delete(project_id, now_ms)


def _put_in_place(data: Path) -> None:
    """The old one aside with its log, then the new one. Killed in between there is none, which a start refuses and a repair mends."""
    (data / ASIDE).mkdir(mode=0o700, exist_ok=True)
    nth = 1
    while (data / ASIDE / f"{CATALOG}.{nth}").exists():
        nth += 1
    for suffix in ("-shm", "-wal", ""):
        old = data / (CATALOG + suffix)
        if old.exists():
            old.rename(data / ASIDE / f"{CATALOG}.{nth}{suffix}")
    sync_folder(data / ASIDE)
    (data / REBUILT).rename(data / CATALOG)
    sync_folder(data)
    log.warning("the catalog was rebuilt from event files")
