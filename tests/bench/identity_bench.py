"""A funnel of a project with merged identity, against the same funnel with forward identity: 3 and 6 steps over 2 million events.

Every second person is an anonymous id that belongs to the one before. Medians of interleaved rounds, for a first question and a repeated one;
`SV_BENCH_EVENTS` takes another size. Also how long the first question after a start takes to bring the aliases into the engine.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from sv.model.identity import AliasChanges, AliasPlace
from tests.bench.funnel_bench import Ours

ROUNDS = 9
TOLD = 100_000


class Aliases:
    """Every second number is the number's before."""

    def __init__(self, persons: int) -> None:
        self.persons = persons

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges:
        last = min(after.person + 2 * TOLD, self.persons)
        rows = [[person, person - 1] for person in range(after.person + 1, last + 1) if person % 2]
        return AliasChanges(AliasPlace(1, 0, last), len(rows), json.dumps(rows))


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        ours = Ours(Path(name), count, Aliases(count // 20))
        first_ms, again_ms = timed(ours, 3, is_first=True, is_merged=True), timed(ours, 3, is_first=True, is_merged=True)
        print(f"{count:,} events, {count // 40:,} aliases; bringing them in: about {first_ms - again_ms:.0f} ms")
        print("funnel             forward ms   merged ms   ratio")
        for steps in (3, 6):
            for is_first in (True, False):
                rounds = [
                    [timed(ours, steps, is_first=is_first, is_merged=merged) for merged in (False, True)] for _ in range(ROUNDS)
                ]
                forward, merged = (statistics.median(side) for side in zip(*rounds, strict=True))
                label = f"{steps} steps, {'first' if is_first else 'again'}"
                print(f"{label:17}  {forward:10.1f}   {merged:9.1f}   {merged / forward:5.2f}", flush=True)


def timed(ours: Ours, steps: int, *, is_first: bool, is_merged: bool) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    ours.counts(steps, is_first=is_first, is_merged=is_merged)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
