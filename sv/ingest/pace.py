"""Measures whether requests to ingest are coming in quickly, for background work that then gives way."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

QUICK_PER_S: Final = 20.0
WINDOW_S: Final = 0.25


class Pace:
    """May be asked from any thread. monotonic_s: the clock."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._came_s: deque[float] = deque([float("-inf")], maxlen=int(QUICK_PER_S * WINDOW_S))

    def note(self) -> None:
        """A request has arrived."""
        self._came_s.append(self._monotonic_s())

    def is_quick(self) -> bool:
        """Whether at least QUICK_PER_S requests per second arrived in the last WINDOW_S."""
        return self._monotonic_s() - self._came_s[0] <= WINDOW_S
