"""Steps: the calls that background work makes to the disk and to the catalog, and a strike at one of them."""

import errno
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from folder_rig import Folder

from sv.model.errors import Unavailable
from tests import chance

MOST_STEPS = 200
SEED = chance.seed("SV_CRASH_SEED")
"""Chooses at which of the steps a test strikes that has not the time for each of them."""


class Killed(SystemExit):
    """Stands for the end of the process: nothing catches it, and a thread of its own that meets it ends without a word."""


class Steps:
    """Counts the calls that a flush or a merge makes to the disk and to the catalog; at number `last` it strikes.

    strikes: "before" fails the call and does nothing, "after" fails it when it has been done, "kill" ends the process instead.
    """

    def __init__(self, last: int, strikes: str) -> None:
        self._last = last
        self._strikes = strikes
        self.taken: list[str] = []

    @property
    def has_struck(self) -> bool:
        return len(self.taken) >= self._last

    def around(
        self, name: str, call: Callable[..., Any], error: Exception, *, is_undone_by_error: bool = False
    ) -> Callable[..., Any]:
        """is_undone_by_error: the call is a transaction, of which nothing stays when it fails."""

        def step(*args: Any, **options: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return call(*args, **options)  # the log's own threads have tests of their own
            if self.has_struck and self._strikes == "kill":
                raise Killed
            self.taken.append(name)
            if len(self.taken) != self._last:
                return call(*args, **options)
            if self._strikes == "after" and not is_undone_by_error:
                call(*args, **options)
            if self._strikes == "kill":
                raise Killed
            raise error

        return step


def watch(steps: Steps, folder: Folder, patch: pytest.MonkeyPatch) -> None:
    """Have every call that changes something on disk, or the catalog, count as a step."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    refused = Unavailable("the disk refuses")
    for name in ("fsync", "rename", "mkdir", "unlink", "rmdir"):
        patch.setattr(os, name, steps.around(name, getattr(os, name), full))
    tables = folder.server.store.tables
    for name in ("write_buffer_days", "merge_files", "write_without"):
        patch.setattr(tables, name, steps.around(name, getattr(tables, name), refused))
    rows = folder.server.parts
    for name in ("commit_flush", "replace_parts", "set_aside", "forget_dropped", "note_unfinished", "forget_unfinished"):
        patch.setattr(rows, name, steps.around(name, getattr(rows, name), refused, is_undone_by_error=True))


def by_turns(strikes: str) -> range:
    """The steps that fail: of "before" every other one, of "after" those between them; with TEST_EXAMPLES=2 all of them in either way."""
    print(f"SV_CRASH_SEED={SEED}")
    if chance.examples(1) > 1:
        return range(1, MOST_STEPS)
    return range(1 + (SEED + (strikes == "after")) % 2, MOST_STEPS, 2)
