"""How quickly requests of ingest follow each other just now, for those who give way to them."""

import time
from collections.abc import Callable
from typing import Final

QUICK_PER_S: Final = 20.0
WINDOW_S: Final = 0.25


class Pace:
    """Asked from any thread. count: of requests until now. monotonic_s: the clock."""

    def __init__(self, count: Callable[[], int], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._monotonic_s = monotonic_s
        self._last = (monotonic_s(), count(), False)

    def is_quick(self) -> bool:
        """Whether QUICK_PER_S or more came a second, over the last WINDOW_S or since this was asked before."""
        asked_s, counted, was_quick = self._last
        passed_s = self._monotonic_s() - asked_s
        if passed_s < WINDOW_S:
            return was_quick
        count = self._count()
        is_quick = count - counted >= passed_s * QUICK_PER_S
        self._last = (asked_s + passed_s, count, is_quick)
        return is_quick
