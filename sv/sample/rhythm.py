"""When sessions begin.

Answers for instants spread over the sixty days as visits are: by hour of the day and day of the week in
UTC, a little more each week, no two days alike. Assumes a `random.Random` from its caller; never reads a
clock.
"""

from itertools import accumulate
from random import Random

from sv.model.limits import DAY_MS, HOUR_MS

SPAN_DAYS = 60
SPAN_MS = SPAN_DAYS * DAY_MS

HOUR_WEIGHTS = (
    17,
    14,
    14,
    18,
    22,
    22,
    26,
    30,
    43,
    51,
    56,
    59,
    61,
    62,
    60,
    59,
    57,
    59,
    57,
    58,
    56,
    44,
    34,
    20,
)
"""Thousandths of a day's visits by hour, UTC. The package's docstring says where they come from."""

WEEKDAY_WEIGHTS = (138, 159, 141, 134, 145, 140, 143)
"""Thousandths of a week's visits, Monday first."""

GROWTH = 0.3
"""How much busier the last day is than the first."""

RETURN_MEAN_DAYS = 8.0

EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""


class Rhythm:
    """Draws the beginnings of sessions within `SPAN_MS` before `now_ms`."""

    def __init__(self, rng: Random, now_ms: int) -> None:
        self._rng = rng
        self._now_ms = now_ms
        self._begin_ms = now_ms - SPAN_MS
        day_noise = [rng.lognormvariate(0.0, 0.08) for _ in range(SPAN_DAYS)]
        weights: list[float] = []
        for index in range(SPAN_DAYS * 24):
            middle_ms = self._begin_ms + index * HOUR_MS + HOUR_MS // 2
            weekday = (middle_ms // DAY_MS + EPOCH_WEEKDAY) % 7
            growth = 1.0 + GROWTH * index / (SPAN_DAYS * 24)
            hour = HOUR_WEIGHTS[middle_ms % DAY_MS // HOUR_MS]
            weights.append(hour * WEEKDAY_WEIGHTS[weekday] * growth * day_noise[index // 24])
        self._hours = range(SPAN_DAYS * 24)
        self._cumulative = list(accumulate(weights))
        self._cumulative_by_hour = list(accumulate(HOUR_WEIGHTS))

    def draw(self) -> int:
        """Any instant of the sample, in Unix milliseconds, at or after its beginning and before its end."""
        (hour,) = self._rng.choices(self._hours, cum_weights=self._cumulative)
        return self._begin_ms + hour * HOUR_MS + int(self._rng.random() * HOUR_MS)

    def draw_near(self, visit_ms: int) -> int:
        """An instant some days before or after `visit_ms`; any instant where that would leave the sample."""
        rng = self._rng
        distance_ms = int(rng.expovariate(1.0 / RETURN_MEAN_DAYS) * DAY_MS)
        day = (visit_ms + (distance_ms if rng.random() < 0.5 else -distance_ms)) // DAY_MS
        (hour,) = rng.choices(range(24), cum_weights=self._cumulative_by_hour)
        instant = day * DAY_MS + hour * HOUR_MS + int(rng.random() * HOUR_MS)
        if self._begin_ms <= instant < self._now_ms:
            return instant
        return self.draw()
