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


def mark_deleted(data: Path, project_ids: Collection[str]) -> None:
    """Durably, as far as the disk takes it: where it doesn't, that is logged, and the next start tries again."""
    folder = data / DELETED
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(data)
        for project_id in project_ids:
            os.close(os.open(folder / project_id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_folder(folder)
    except OSError as error:
        log.error("that %s was deleted could not be marked in %s: %s", ", ".join(sorted(project_ids)), folder, error)


def put_marks_right(data: Path, deleted: Collection[str]) -> None:
    """Those of the deleted projects, and no others: an older catalog that was put back knows of some that live again."""
    try:
        marked = marked_deleted(data)
    except OSError as error:
        log.error("%s can't be read: %s", data / DELETED, error)
        return
    for project_id in marked - set(deleted):
        with contextlib.suppress(OSError):
            (data / DELETED / project_id).unlink()
    if missing := set(deleted) - marked:
        mark_deleted(data, missing)
