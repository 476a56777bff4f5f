"""A histogram of how long questions take, with cumulative buckets as in Prometheus. Written by the event loop's thread alone."""

from bisect import bisect_left
from typing import Final

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""From a page of a list to the default of `SV_QUERY_TIMEOUT_SECONDS`; upper ends, inclusive."""


class Latencies:
    """Counts of durations since the start."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def observe(self, duration_s: float) -> None:
        self._counts[bisect_left(BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s

    def cumulative(self) -> list[tuple[str, int]]:
        """(upper end in seconds, durations up to it), the last end being `+Inf`."""
        total = 0
        found: list[tuple[str, int]] = []
        for bound, count in zip([*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"], self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found
