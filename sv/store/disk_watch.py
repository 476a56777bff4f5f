"""Watches how full the data folder's disk is, and how much of its budget the folder takes, to warn while there is still time to act.

The log gets a line when a bound is crossed and another when all is well again; `/healthz` and `/metrics` tell the same. A thread of its own
looks at the start and then every minute. Never refuses or deletes anything: a full disk makes ingest answer 503, and retention deletes.
Where next to nothing is free it has what is only kept for reuse given back.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from sv.model import disk_limits as limits
from sv.store.worker import Worker

log = logging.getLogger(__name__)

BLOCK_BYTES: Final = 512
"""Of `st_blocks`, whatever the file system's own are."""

BUDGET: Final = "budget"
FREE: Final = "free"
_PUBLIC: Final = {
    BUDGET: "the data folder nears its budget (SV_DISK_BUDGET)",
    FREE: "the data folder's disk has less room than it should (SV_DISK_FREE_WARNING)",
}
"""For `/healthz`, which answers anybody: without figures and paths."""


class DiskReading(Struct, frozen=True):
    """What the last look found, in bytes; None where the system didn't tell, or before the first look. warnings: those of BUDGET and FREE
    that are in force."""

    disk: int | None = None
    free: int | None = None
    folder: int | None = None
    budget: int = 0
    warnings: tuple[str, ...] = ()


class DiskWatch:
    """budget_bytes, free_bytes: the bounds; 0 for none. give_back: called at each look that finds next to nothing free.
    disk_of: returns (size, free) of the folder's disk in bytes. bytes_in: what all files below a folder take. lower: lowers the thread's
    priority."""

    def __init__(
        self,
        folder: Path,
        budget_bytes: int,
        free_bytes: int,
        give_back: Callable[[], None] = lambda: None,
        *,
        lower: Callable[[], None],
        monotonic_s: Callable[[], float] = time.monotonic,
        disk_of: Callable[[Path], tuple[int, int]] | None = None,
        bytes_in: Callable[[Path], int] | None = None,
    ) -> None:
        self._folder = folder
        self._budget = budget_bytes
        self._warn_below = free_bytes
        self._lower = lower
        self._give_back = give_back
        self._monotonic_s = monotonic_s
        self._disk_of = disk_of or disk_of_folder
        self._bytes_in = bytes_in or bytes_below
        self._walk_at_s = monotonic_s()
        self._worker = Worker("sv-disk", self._run)
        self.reading = DiskReading(budget=budget_bytes)

    def start(self) -> None:
        """The first look is now."""
        self._worker.wake()

    def stop(self) -> None:
        """Doesn't wait for the thread: walking through the files of many recordings takes minutes on a slow disk."""
        self._worker.end_soon()

    def warnings(self) -> list[str]:
        """A sentence for each warning in force, fit for anybody to read; none where all is well."""
        return [_PUBLIC[each] for each in self.reading.warnings]

    def _run(self) -> None:
        self._lower()
        while not self._worker.is_stopping():
            try:
                self.look()
            except Exception:
                log.exception("a fault of ours while looking at the disk")
            self._worker.pause(limits.DISK_LOOK_S)

    def look(self) -> None:
        """Read the disk anew, and say in the log what has changed."""
        before = self.reading
        try:
            disk, free = self._disk_of(self._folder)
        except OSError:  # the folder was taken away; what writes there says so
            disk = free = None
        folder = before.folder
        began_s = self._monotonic_s()
        if began_s >= self._walk_at_s:
            folder = self._bytes_in(self._folder)
            self._walk_at_s = began_s + (self._monotonic_s() - began_s) / limits.WALK_SHARE
        short = [each for each, is_short in ((BUDGET, self._is_over(folder)), (FREE, self._is_tight(free))) if is_short]
        self.reading = DiskReading(disk, free, folder, self._budget, tuple(short))
        self._tell(before.warnings)
        if free is not None and free < limits.GIVE_BACK_BELOW_BYTES:
            self._give_back()

    def _is_over(self, folder: int | None) -> bool:
        share = limits.BUDGET_CALM_SHARE if BUDGET in self.reading.warnings else limits.BUDGET_WARNING_SHARE
        return bool(self._budget) and folder is not None and folder >= self._budget * share

    def _is_tight(self, free: int | None) -> bool:
        factor = limits.FREE_CALM_FACTOR if FREE in self.reading.warnings else 1
        return free is not None and free < self._warn_below * factor

    def _tell(self, before: tuple[str, ...]) -> None:
        now = self.reading
        taken, budget = shown_bytes(now.folder or 0), shown_bytes(self._budget)
        free, wanted = shown_bytes(now.free or 0), shown_bytes(self._warn_below)
        advice = "docs/operating.md says what to do"
        if BUDGET in now.warnings and BUDGET not in before:
            log.warning("the data folder takes %s of its budget of %s (SV_DISK_BUDGET); %s", taken, budget, advice)
        elif BUDGET in before and BUDGET not in now.warnings:
            log.info("the data folder takes %s of its budget of %s: well within it again", taken, budget)
        if FREE in now.warnings and FREE not in before:
            log.warning("the data folder's disk has %s free, less than %s (SV_DISK_FREE_WARNING); %s", free, wanted, advice)
        elif FREE in before and FREE not in now.warnings:
            log.info("the data folder's disk has %s free: enough again", free)


def disk_of_folder(folder: Path) -> tuple[int, int]:
    """Size of the disk that the folder is on, and what is free of it for this user. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize


def bytes_below(folder: Path) -> int:
    """How much of the disk the files below a folder take. Links are not followed; a file that disappears meanwhile or can't be read doesn't
    count."""
    total = 0
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += _bytes_of(entry)
        except OSError:
            continue
    return total


def _bytes_of(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except OSError:
        return 0


def shown_bytes(amount: float) -> str:
    """`9.3 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
