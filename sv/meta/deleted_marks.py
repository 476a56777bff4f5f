"""Marks of deleted projects, beside `sv.db`, so that a catalog that is rebuilt doesn't bring them back.

    deleted/<project>    empty; there for good

Normally the catalog decides. A mark is made before the catalog has the deletion, and taken back where the deletion fails; at each start all
marks are corrected by the catalog. They are only read when the catalog is lost. Then a mark alone counts as a deletion: somebody with the
right to do so had asked for it, and it was done, or about to be when the process ended.
"""

import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from sv.meta.db import sync_folder
from sv.meta.projects import is_project_id

log = logging.getLogger(__name__)

DELETED: Final = "deleted"


def marked_deleted(data: Path) -> frozenset[str]:
    """The projects with a mark; other files there are ignored. Raises OSError."""
    try:
        return frozenset(filter(is_project_id, os.listdir(data / DELETED)))
    except FileNotFoundError:
        return frozenset()


def mark_deleted(data: Path, project_ids: Collection[str]) -> None:
    """Mark these projects, durably. Raises OSError."""
    folder = data / DELETED
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(data)
    for project_id in project_ids:
        os.close(os.open(folder / project_id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(folder)


def unmark_deleted(data: Path, project_ids: Collection[str]) -> None:
    """Remove the marks of projects that live, durably. Raises OSError."""
    for project_id in project_ids:
        (data / DELETED / project_id).unlink(missing_ok=True)
    sync_folder(data / DELETED)


def put_marks_right(data: Path, deleted: Collection[str], live: Collection[str]) -> None:
    """Give every deleted project a mark, and take those of living projects away. They differ after a deletion that was cut off before its
    commit, or when an older catalog was put back."""
    try:
        marked = marked_deleted(data)
        if stale := marked & set(live):
            unmark_deleted(data, stale)
        if missing := set(deleted) - marked:
            mark_deleted(data, missing)
    except OSError as error:
        log.error("can't mark in %s which projects were deleted: %s", data / DELETED, error)
