"""Tells whether the clock can be trusted, before events are removed because of it.

A machine whose clock is a year ahead at its start, until it has asked for the time, would make a year of events expire. That can't be told
from a server that was off for a year, so a time far ahead of everything known is believed only once it has lasted for a while.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sv.model.limits import DAY_MS

log = logging.getLogger(__name__)

AHEAD_MS: Final = 7 * DAY_MS
"""Of the newest event at the start, or of the last look and what has passed since: an outage that lasts longer costs a delay alone."""

BELIEVED_AFTER_S: Final = 3600.0
"""Time is asked for within minutes of a start."""


class Clock:
    """For one thread. known_ms: a moment known to be past when this was made; None where none is known."""

    def __init__(self, now_ms: Callable[[], int], monotonic_s: Callable[[], float], known_ms: int | None) -> None:
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._known_ms = now_ms() if known_ms is None else known_ms
        self._known_at_s = monotonic_s()
        self._doubted_since_s: float | None = None

    def is_doubted(self) -> bool:
        """Whether to wait before believing the clock; the reason is logged once."""
        now_ms, now_s = self._now_ms(), self._monotonic_s()
        ahead_ms = now_ms - self._known_ms - int((now_s - self._known_at_s) * 1000)
        if ahead_ms > AHEAD_MS:
            if self._doubted_since_s is None:
                self._doubted_since_s = now_s
                log.warning(
                    "it is %s by the clock, %d days later than was to be expected: what is older than projects keep it goes if that is"
                    " still so in an hour",
                    datetime.fromtimestamp(now_ms / 1000, UTC).date(), ahead_ms // DAY_MS,
                )  # fmt: skip
            if now_s - self._doubted_since_s < BELIEVED_AFTER_S:
                return True
        self._known_ms, self._known_at_s, self._doubted_since_s = now_ms, now_s, None
        return False
