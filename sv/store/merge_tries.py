"""Decides which merges are due, and postpones those that failed: because the disk had no room for the result, or memory was too short to
sort it.

SCAR: a merge that didn't fit was begun again every five seconds and kept all others from being done. Each time it filled the disk to its
last byte, which the log and flushes need as well.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sv.model.part import Part
from sv.model.redaction import redacted
from sv.store.compaction import plan_all, plan_merges

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 300.0
MAX_PAUSE_S: Final = 3600.0
"""Each failure doubles the pause: what keeps a merge from being done seldom passes by itself."""


class MergeTries:
    """For the thread that has the maintenance's turn. is_ending: whether failures are due to being interrupted, and so not worth a line in
    the log."""

    def __init__(self, now_ms: Callable[[], int], monotonic_s: Callable[[], float], is_ending: Callable[[], bool]) -> None:
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._is_ending = is_ending
        self._failed: dict[tuple[str, str | None], tuple[float, float]] = {}
        """Of a project's day: until when it is left alone, and for how long that was."""

    def plans(self, parts: Iterable[Part], *, everything: bool) -> list[list[Part]]:
        """The merges that are due and have not failed lately; with `everything`, all that are possible."""
        if everything:
            return plan_all(parts)
        now_s = self._monotonic_s()
        return [plan for plan in plan_merges(parts, self._now_ms()) if self._failed.get(_day(plan), (0.0, 0.0))[0] <= now_s]

    def attempt(self, plan: Sequence[Part], merge: Callable[[Sequence[Part]], None]) -> bool:
        """Try a merge, and return whether it went well. The log says why not."""
        day = _day(plan)
        try:
            merge(plan)
        except Exception as error:
            if self._is_ending():
                return False
            pause_s = min(2 * self._failed[day][1], MAX_PAUSE_S) if day in self._failed else FIRST_PAUSE_S
            self._failed[day] = self._monotonic_s() + pause_s, pause_s
            log.warning("can't merge %d event files, will try again in %d minutes: %s", len(plan), pause_s // 60, redacted(error))
            return False
        self._failed.pop(day, None)
        return True


def _day(plan: Sequence[Part]) -> tuple[str, str | None]:
    return plan[0].project_id, plan[0].day
