"""How fast the arithmetic of funnels is, in milliseconds and as a ratio to a bare `np.sort` of the same keys.

    python -m tests.bench.funnel_core_bench

Medians of seven runs, two threads. The first part has keys a step, as a funnel over 10 million events hands them over; the
second rows with masks, 2 million of 200,000 persons: each row one step; one in twenty several steps; and every row
several steps at timestamps of ten minutes, so that persons have many rows at one instant.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import numpy.typing as npt

from sv.engine.duck.funnels.funnel_sql import packing_of
from sv.insights.funnel.core import levels_of_rows, levels_of_steps
from sv.insights.funnel.modes import Mode, check_modes, needs_rows

DAY_MS = 86_400_000
SPAN_MS = 60 * DAY_MS
WINDOW_MS = 7 * DAY_MS
BITS = packing_of(0, SPAN_MS, WINDOW_MS).bits
PERSONS = 200_000
STEP_KEYS = (1_200_000, 800_000, 500_000)
ROWS = 2_000_000
STEPS = 5
SHARES = (0.4, 0.2, 0.15, 0.1, 0.1, 0.05)
"""Of the five steps, and of rows that match none."""

MODE_SETS: tuple[tuple[Mode, ...], ...] = (
    (),
    ("strict_increase",),
    ("strict_deduplication",),
    ("strict_order",),
    ("strict_order", "allow_reentry"),
    ("strict_once",),
    ("strict_once", "strict_order"),
    ("strict_once", "strict_deduplication"),
    ("strict_once", "strict_increase"),
    ("strict_deduplication", "strict_order", "strict_increase", "strict_once"),
)


def milliseconds(work: Callable[[], object], runs: int = 7) -> float:
    """The median of some runs."""
    times: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def random_keys(random: np.random.Generator, count: int, grain_ms: int = 1) -> npt.NDArray[np.uint64]:
    """Keys of random persons and times, unsorted."""
    persons = random.integers(0, PERSONS, count).astype(np.uint64)
    times = random.integers(0, SPAN_MS, count) // grain_ms * grain_ms
    return (persons << np.uint64(BITS)) | times.astype(np.uint64)


def tell(name: str, took: float, sort: float, counts: list[int]) -> None:
    """One line of the report."""
    print(f"  {name:<72} {took:8.1f} ms {took / sort:6.1f} x sort   {counts}")


def bench_steps() -> None:
    """Keys a step: unsorted, sorted, and by one thread."""
    random = np.random.default_rng(1)
    steps = [random_keys(random, count) for count in STEP_KEYS]
    everything = np.concatenate(steps)
    sort = milliseconds(lambda: np.sort(everything))
    print(f"{everything.size:,} keys of {len(steps)} steps; np.sort of all keys {sort:.1f} ms")
    in_order = [np.sort(keys) for keys in steps]
    for modes in ((), ("strict_increase",)):
        checked = check_modes(modes)
        for name, keys, threads in (("unsorted", steps, 2), ("unsorted, one thread", steps, 1), ("sorted", in_order, 2)):

            def work(
                keys: list[npt.NDArray[np.uint64]] = keys, threads: int = threads, checked: frozenset[Mode] = checked
            ) -> list[int]:
                return levels_of_steps(keys, bits=BITS, window_ms=WINDOW_MS, modes=checked, threads=threads).counts()

            tell(f"{name}: {' '.join(modes) or 'default'}", milliseconds(work), sort, work())


def bench_rows(title: str, several: float, grain_ms: int) -> None:
    """Rows with masks, in each set of modes, and by keys a step where that is possible."""
    random = np.random.default_rng(2)
    keys = random_keys(random, ROWS, grain_ms)
    step = random.choice(STEPS + 1, ROWS, p=SHARES)
    masks = np.where(step < STEPS, 1 << np.minimum(step, STEPS - 1), 0)
    more = (random.random(ROWS) < several) & (masks > 0)
    masks = np.where(more, masks | 1 | (masks << 1) & (1 << STEPS) - 1, masks).astype(np.uint32)
    by_step = [keys[masks >> number & 1 == 1] for number in range(STEPS)]
    foreign = keys[masks == 0]
    sort = milliseconds(lambda: np.sort(keys))
    print(f"{ROWS:,} rows of {PERSONS:,} persons, {STEPS} steps, {title}; np.sort of the keys {sort:.1f} ms")
    for modes in MODE_SETS:
        checked = check_modes(modes)

        def rows(checked: frozenset[Mode] = checked) -> list[int]:
            return levels_of_rows(keys, masks, steps=STEPS, bits=BITS, window_ms=WINDOW_MS, modes=checked).counts()

        def steps(checked: frozenset[Mode] = checked) -> list[int]:
            return levels_of_steps(by_step, bits=BITS, window_ms=WINDOW_MS, modes=checked, foreign=foreign).counts()

        name = " ".join(modes) or "default"
        tell(f"rows: {name}", milliseconds(rows), sort, rows())
        if not needs_rows(checked):
            tell(f"keys a step: {name}", milliseconds(steps), sort, steps())


def main() -> int:
    """All parts, one after the other."""
    bench_steps()
    bench_rows("each row one step", 0.0, 1)
    bench_rows("one in twenty several", 0.05, 1)
    bench_rows("every row several, at few instants", 1.0, 600_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
