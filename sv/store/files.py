"""Where event files lie in the data folder, and how one comes to be there for good.

    events/project=<id>/day=<YYYY-MM-DD>/flush-<log position>-<n>.parquet     written by a flush
    events/project=<id>/day=<YYYY-MM-DD>/merge-<random>.parquet               written by compaction
    events/project=<id>/day=mixed/…                                           many days with few rows each
    aside/…                                                                   damaged files, and those nobody can account for (`aside.py`)

Days are UTC. A file appears under its name whole or not at all: it is written beside it as `.tmp`, synced, renamed, and its folder is
synced: without the folder's sync a power cut may take the name away again, and the file with it.
"""

import contextlib
import errno
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, TypeVar

from sv.meta.errors import FolderDamaged
from sv.meta.folder import look, not_seen, refuse_backup
from sv.model.data_folder import CATALOG

log = logging.getLogger(__name__)

EVENTS: Final = "events"
ASIDE: Final = "aside"
SPILL: Final = "spill"
MIXED: Final = "mixed"
_MAGIC: Final = b"PAR1"
_FLUSH_NAME: Final = re.compile(r"flush-([0-9a-f]{16})-[0-9]+")

Facts = TypeVar("Facts")


def part_path(project_id: str, day: str | None, name: str) -> str:
    """A part's path relative to the data folder; `day` None is a file of many days."""
    return f"{EVENTS}/project={project_id}/day={day or MIXED}/{name}.parquet"


def write_durably(path: Path, write: Callable[[Path], Facts]) -> Facts:
    """Let `write` make the file under a temporary name, then make it durable under its own. Returns what `write` returned.

    Raises what `write` raises and OSError; then nothing is left but what was there before.
    """
    _make_folder_durably(path.parent)
    temporary = path.with_name(path.name + ".tmp")
    try:
        facts = write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return facts


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder_durably(folder: Path) -> None:
    missing = [folder] if not folder.is_dir() else []
    while missing and not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for made in reversed(missing):
        made.mkdir(mode=0o700, exist_ok=True)
        sync_folder(made.parent)


def has_catalog(data_folder: Path) -> bool:
    """Whether there is an `sv.db` with anything in it: one without a byte would be taken for a new one. Raises FolderUnusable."""
    found = look(data_folder, CATALOG)
    return found is not None and found.st_size > 0


def refuse_lost_catalog(data_folder: Path, *, is_blank: bool = False) -> None:
    """Raises FolderDamaged where there are event files but no catalog that lists them: a new catalog would have them set aside. Raises
    FolderUnusable where that can't be told, and for a backup, which has no catalog to be opened either.

    is_blank: whether there is one with nothing in it, as a young one is without SQLite's log, in which all of it was.
    """
    has_none = is_blank or not has_catalog(data_folder)
    if has_none:
        refuse_backup(data_folder)
    try:
        is_lost = has_none and bool(event_files(data_folder))
    except OSError as error:
        raise not_seen(data_folder, error) from error
    if is_lost:
        what = f"nothing in {CATALOG}" if is_blank else f"no {CATALOG}"
        raise FolderDamaged(
            f"{data_folder} has event files and {what}, which lists them. Make a new folder of the last backup (`sv restore`), have"
            f" {CATALOG} made anew (`sv check --repair`), or choose another folder"
        )


def looks_whole(path: Path, expected_bytes: int) -> bool:
    """Whether the file has the size that the catalog says and Parquet's marks at both ends, which is what can be told at the start without
    decoding it. Raises OSError where that can't be told: a file that we may not open isn't damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size != expected_bytes or expected_bytes < 2 * len(_MAGIC):
                return False
            ends = os.pread(descriptor, 4, 0), os.pread(descriptor, 4, expected_bytes - 4)
            return ends == (_MAGIC, _MAGIC)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.EIO:
            return False
        raise


def event_files(data_folder: Path) -> list[str]:
    """All event files, relative to the data folder, by name. Raises OSError for folders that we may not look into."""
    return sorted(name for name in files_of_days(data_folder, EVENTS, passes_over=False) if name.endswith(".parquet"))


def files_of_days(data_folder: Path, top: str, *, passes_over: bool = True) -> Iterator[str]:
    """The files in `top`/project=…/day=…/, relative to the data folder. passes_over: folders that we may not look into count as empty.

    SCAR: not by `glob`, which took most of each start: with 140,000 files and as many folders, ten seconds of processor time.
    """
    for project in _names(data_folder / top, "project=", passes_over):
        for day in _names(data_folder / top / project, "day=", passes_over):
            for name in _names(f"{data_folder}/{top}/{project}/{day}", "", passes_over):
                yield f"{top}/{project}/{day}/{name}"


def _names(folder: Path | str, begin: str, passes_over: bool) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.startswith(begin)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        if passes_over:
            return []
        raise


def set_aside(data_folder: Path, path: Path, reason: str, *, is_damaged: bool = True) -> None:
    """Move a file that can't be used to `aside/`, for a person to look at. A file that isn't there is only logged."""
    target_folder = data_folder / ASIDE
    target_folder.mkdir(mode=0o700, exist_ok=True)
    name = str(path.relative_to(data_folder)).replace("/", "__")
    if not path.exists():
        log.error("a file of events is missing: %s (%s)", path, reason)
        return
    target = target_folder / name
    nth = 1
    while target.exists():
        target = target_folder / f"{name}.{nth}"
        nth += 1
    shutil.move(path, target)
    kind = "a damaged file of events" if is_damaged else "a file of events"
    log.log(
        logging.ERROR if is_damaged else logging.WARNING, "set aside %s: %s (%s); it is kept as %s", kind, path, reason, target
    )


def delete_file(path: Path) -> OSError | None:
    """Delete a file, and the folders of its day and project where they are empty afterwards. Returns None where the file is gone, else the
    reason why it isn't."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error
    for folder in (path.parent, path.parent.parent):
        try:
            folder.rmdir()
        except OSError:
            break
    return None


def delete_files(data_folder: Path, paths: Collection[str], told: set[str]) -> set[str]:
    """Delete these files, given relative to the data folder, and return those that are gone. Those that can't be deleted are logged in one
    line, once each: `told` holds the ones logged before, and is the caller's to keep."""
    stay = {path: error for path in paths if (error := delete_file(data_folder / path)) is not None}
    if stay.keys() - told:
        path, error = next(iter((path, error) for path, error in stay.items() if path not in told))
        more = f" and {len(stay) - 1:,} more" if len(stay) > 1 else ""
        log.warning("can't delete %s%s yet, and will try again: %s", path, more, error.strerror)
    gone = set(paths) - stay.keys()
    told.update(stay)
    told.difference_update(gone)
    return gone


def delete_durably(data_folder: Path, paths: Collection[str], told: set[str]) -> set[str]:
    """As `delete_files`, and what is returned stays deleted even if the power is cut."""
    gone = delete_files(data_folder, paths, told)
    folders: dict[Path, list[str]] = {}
    for path in gone:
        folder = (data_folder / path).parent
        while not folder.is_dir():  # its last file was this one
            folder = folder.parent
        folders.setdefault(folder, []).append(path)
    for folder, names in folders.items():
        try:
            sync_folder(folder)
        except OSError as error:
            log.warning("can't sync %s after deleting files of it: %s", folder, error)
            gone.difference_update(names)
    return gone


def flushed_up_to(path: Path) -> int:
    """The log position up to which the flush went that wrote the file; -1 for a file that no flush wrote."""
    flush = _FLUSH_NAME.fullmatch(path.stem)
    return -1 if flush is None else int(flush[1], 16)


_UNKNOWN: Final = "no catalog row names it"
_CUT_OFF: Final = "of an import that was cut off; the same import, run again, brings its events, and then it may be deleted"


def sweep_unknown_files(data_folder: Path, known: Collection[str], logged: range) -> int:
    """Clear away event files that no catalog row names, so that other tools that read the folder see each event once too. Returns how many.

    known: paths of all parts, relative to the data folder. logged: the log positions beyond those parts that the log gave back, all of
    them. A file of a flush that was never committed is deleted where its name says that its events are of these. Any other file is moved
    aside: the catalog may be an older one out of a backup, and the file the only place that has its events. What the catalog itself took
    out, or knows to be unfinished, is gone by now or among the known (`recovery.py`).

    SCAR: a log from which nothing is missing may be one that was lost, and began anew behind an older catalog.
    """
    count = 0
    for name in files_of_days(data_folder, EVENTS):
        if name in known or not name.endswith(".parquet"):
            continue
        count += 1
        path = data_folder / name
        if flushed_up_to(path) in logged:
            path.unlink(missing_ok=True)
        else:
            set_aside(data_folder, path, _CUT_OFF if path.stem.startswith("import-") else _UNKNOWN, is_damaged=False)
    return count


def sweep_temporary_files(data_folder: Path) -> int:
    """Delete what a killed flush, merge or erasure left half written, and what killed queries spilled. Returns how many."""
    count = 0
    halves = [data_folder / name for name in files_of_days(data_folder, EVENTS) if name.endswith(".tmp")]
    halves += (data_folder / ASIDE).glob("*.tmp")
    for path in [*halves, *(data_folder / SPILL).glob("*")]:
        path.unlink(missing_ok=True)
        count += 1
    return count
