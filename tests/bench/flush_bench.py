"""What a small server's flush costs in processor time: all of it, its summaries, and these where nothing is looked at before.

Events of the sample shop, of which each flush takes so many; medians of interleaved rounds. Without a look each summary has all of its
operators, whether or not there are events for them, which of few events is nearly all that it costs.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sv.engine.duck.summaries import known, reading
from sv.sample.shop import shop_events
from tests.engine.rollup_rig import RECEIVED, RollupRig

SIZES: Final = (20, 120, 1000, 5000)
ROUNDS: Final = 15
MOST_A_REQUEST: Final = 500


def main() -> None:
    events = [msgspec.to_builtins(event) for event in shop_events(RECEIVED)[-SIZES[-1] :]]
    print("events   flush ms   summaries   nothing known   ratio")
    with tempfile.TemporaryDirectory() as folder:
        rig = RollupRig(Path(folder))
        try:
            for size in SIZES:
                whole, looked, blind = (
                    statistics.median(each) for each in zip(*[_round(rig, events[-size:]) for _ in range(ROUNDS)], strict=True)
                )
                print(f"{size:6,}   {whole:8.1f}   {looked:9.1f}   {blind:13.1f}   {looked / blind:5.2f}", flush=True)
        finally:
            rig.close()


def _round(rig: RollupRig, events: Sequence[Any]) -> tuple[float, float, float]:
    """Milliseconds of processor time."""
    for start in range(0, len(events), MOST_A_REQUEST):
        rig.send("shop", events[start : start + MOST_A_REQUEST])
    began = time.process_time()
    rig.store.catch_up()
    drained = _ms_since(began)
    generations = rig.store.generations_after(rig.parts.covered_seq())
    times: list[float] = []
    look = reading.look
    for each in (look, lambda *_: known.NOTHING):
        reading.look = each
        began = time.process_time()
        rig.tables.summarise(generations, 0, 1 << 44)
        times.append(_ms_since(began))
    reading.look = look
    began = time.process_time()
    rig.maintenance.flush()
    return drained + _ms_since(began), *times


def _ms_since(began: float) -> float:
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    main()
