"""The folder `aside/`: which project each file belongs to, according to its name, and removing what is kept there of deleted projects.

    events__project=<id>__day=<day>__<name>.parquet   an event file; .1, .2 … follow where there was one of that name
    batch-<log position>-<project>.json                a batch that the engine could not take
    sv.db.<n>, anything else                           a catalog that a repair replaced, or a file that people put there: nobody knows whose

A file whose name only begins like one of the first two counts as its project's as well: somebody has renamed it. The server never reads
these files; they are for people. Never moves anything there (`sv.store.files` and the event store do).
"""

import logging
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.store.files import ASIDE, sync_folder
from sv.store.ports import DeletedProjects

log = logging.getLogger(__name__)

MAX_TOLD: Final = 1000
"""Of warnings that are remembered."""

_FILE: Final = re.compile(r"events__project=(.+?)__day=([^_]+)__.+\.parquet(?:\.[0-9]+)?")
_BATCH: Final = re.compile(r"batch-[0-9a-f]{16}-(.+)\.json")
_BEGUN: Final = re.compile(r"events__project=(.+?)__day=|batch-[0-9a-f]{16}-([a-z0-9_-]+)")


class KeptAside(Struct, frozen=True):
    """project_id: None where the name doesn't tell. day: of an event file, `mixed` for one with many days; None for other files."""

    path: Path
    project_id: str | None = None
    day: str | None = None


def kept_aside(data_folder: Path) -> list[KeptAside]:
    """All files there, by name, except those that are being written. Raises OSError."""
    folder = data_folder / ASIDE
    return [_named(path) for path in sorted(folder.iterdir()) if path.suffix != ".tmp"] if folder.is_dir() else []


def nobodys(data_folder: Path) -> list[str]:
    """The files that may hold something of any project, relative to the data folder. Raises OSError."""
    return [f"{ASIDE}/{kept.path.name}" for kept in kept_aside(data_folder) if kept.project_id is None]


def remove_aside(data_folder: Path, kept: Collection[KeptAside]) -> None:
    """Delete these for good. Raises OSError."""
    for each in kept:
        each.path.unlink(missing_ok=True)
    if kept:
        sync_folder(data_folder / ASIDE)


def remove_aside_of_deleted(data_folder: Path, deleted: DeletedProjects, told: set[str]) -> None:
    """Delete the files of deleted projects there, whether or not they can be read. Raises Unavailable.

    Logs how many were deleted, and which can't be; one that can't doesn't keep the others from being deleted. told: what was logged before,
    so that it isn't logged again.
    """

    def tell(message: str) -> None:
        if message not in told and len(told) < MAX_TOLD:
            told.add(message)
            log.warning("%s", message)

    try:
        kept = [each for each in kept_aside(data_folder) if each.project_id is not None]
    except OSError as error:
        tell(f"what was set aside of deleted projects stays for now: {error}")
        return
    project_ids = deleted.ids() if kept else frozenset[str]()
    gone = Counter[str]()
    for each in kept:
        if each.project_id in project_ids:
            try:
                remove_aside(data_folder, [each])
                gone[str(each.project_id)] += 1
            except OSError as error:
                tell(f"project {each.project_id} was deleted, and what was set aside of it stays for now: {error}")
    for project_id, count in sorted(gone.items()):
        log.info("project %s was deleted: %d files of it that were set aside are gone", project_id, count)


def tell_nobodys(data_folder: Path) -> None:
    """Log which files may hold something of a project that was deleted."""
    try:
        others = nobodys(data_folder)
    except OSError as error:
        log.warning("can't tell whether something of deleted projects was set aside: %s", error)
        return
    if others:
        log.warning("%s may hold events of deleted projects: nobody can tell to which project it belongs", ", ".join(others))


def _named(path: Path) -> KeptAside:
    if file := _FILE.fullmatch(path.name):
        return KeptAside(path, file[1], file[2])
    if batch := _BATCH.fullmatch(path.name):
        return KeptAside(path, batch[1])
    begun = _BEGUN.match(path.name)
    return KeptAside(path, (begun[1] or begun[2]) if begun else None)
