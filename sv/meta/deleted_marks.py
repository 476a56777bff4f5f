"""Which projects were deleted, written down beside `sv.db`: a catalog that is made anew must not bring them back.

    deleted/<project>      empty; there for good

The catalog says what holds. Marks are put right by it at each start, and are read where it is lost.
"""

import contextlib
import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from sv.meta.db import sync_folder

log = logging.getLogger(__name__)

DELETED: Final = "deleted"


def marked_deleted(data: Path) -> frozenset[str]:
    """The projects with a mark. Raises OSError."""
    try:
        return frozenset(os.listdir(data / DELETED))
    except FileNotFoundError:
        return frozenset()


def mark_deleted(data: Path, project_id: str) -> None:
    """Durably, before the catalog has it: what is marked and never was deleted is put right by the next start. Raises OSError."""
    _mark(data, [project_id])


def unmark(data: Path, project_id: str) -> None:
    """It was not deleted after all. What can't be taken back now is by the next start."""
    with contextlib.suppress(OSError):
        (data / DELETED / project_id).unlink()
        sync_folder(data / DELETED)


def put_marks_right(data: Path, deleted: Collection[str], live: Collection[str]) -> None:
    """Every deleted project has a mark and no living one: an older catalog that was put back knows of some that live again."""
    try:
        marked = marked_deleted(data)
        for project_id in marked & set(live):
            unmark(data, project_id)
        if missing := set(deleted) - marked:
            _mark(data, missing)
    except OSError as error:
        log.error("which projects were deleted can't be marked in %s: %s", data / DELETED, error)


def _mark(data: Path, project_ids: Collection[str]) -> None:
    folder = data / DELETED
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(data)
    for project_id in project_ids:
        os.close(os.open(folder / project_id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(folder)
