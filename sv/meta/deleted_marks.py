"""Which projects were deleted, written down beside `sv.db`: a catalog that is made anew must not bring them back.

    deleted/<project>      empty; there for good

The catalog says what holds. A mark is made before the catalog has the deletion and taken back where that fails, and all are put right by it
at each start. They are read where it is lost: then a mark alone decides, for the deletion. Somebody who may had asked for it, and it was
done, or about to be when the process ended.
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
    """The projects with a mark; what else lies there is passed over. Raises OSError."""
    try:
        return frozenset(filter(is_project_id, os.listdir(data / DELETED)))
    except FileNotFoundError:
        return frozenset()


def mark_deleted(data: Path, project_ids: Collection[str]) -> None:
    """Durably. Raises OSError."""
    folder = data / DELETED
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(data)
    for project_id in project_ids:
        os.close(os.open(folder / project_id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(folder)


def unmark_deleted(data: Path, project_ids: Collection[str]) -> None:
    """Durably take marks back, of projects that live. Raises OSError."""
    for project_id in project_ids:
        (data / DELETED / project_id).unlink(missing_ok=True)
    sync_folder(data / DELETED)


def put_marks_right(data: Path, deleted: Collection[str], live: Collection[str]) -> None:
    """Every deleted project has a mark and no living one: a deletion was cut off before its commit, or an older catalog was put back."""
    try:
        marked = marked_deleted(data)
        if stale := marked & set(live):
            unmark_deleted(data, stale)
        if missing := set(deleted) - marked:
            mark_deleted(data, missing)
    except OSError as error:
        log.error("which projects were deleted can't be marked in %s: %s", data / DELETED, error)
