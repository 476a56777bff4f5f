"""What definitions cost: summing up events, per event; and reading lists of as many names as are to be expected at most.

    python -m tests.bench.definitions_bench

Medians of five runs, two threads. The events are the sample shop's, three times over, and then ones whose nine values each are never
repeated, which is the dearest that an honest client sends. The ratio is to counting the events by name in the same engine. The lists are of
10,000 names of events and of 5,000 properties.
"""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.schema import COLUMN_LIST
from sv.engine.duck.summaries.definitions import summary_sql
from sv.model.definitions import DefinitionsQuery
from sv.sample.shop import shop_events
from tests.engine.definition_rig import lists_of
from tests.engine.rig import Event, opened
from tests.engine.rollup_rig import RECEIVED, RollupRig

UNIQUE_EVENTS = 50_000
NAMES = 10_000
PROPERTIES = 5_000


def milliseconds(work: Callable[[], object], runs: int = 5) -> float:
    """The median of some runs."""
    times: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def summing_up(title: str, events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as rig:
        buffer = buffer_name(rig.buffer(*[rig.batch(events[start : start + 500]) for start in range(0, len(events), 500)]))
        with rig.database.cursor() as cursor:
            text = summary_sql(f"select {COLUMN_LIST}, project_id from {buffer}")
            took = milliseconds(lambda: cursor.execute(text).fetchall())
            counting = milliseconds(lambda: cursor.execute(f"select event, count(*) from {buffer} group by event").fetchall())
    each = took * 1000 / len(events)
    print(f"{title:<34}{each:8.2f} µs an event   {took / counting:8.1f} times counting them")


def listing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = RollupRig(Path(folder))
        try:
            for start in range(0, NAMES, 1000):
                rig.send("p", [_named(place) for place in range(start, start + 1000)])
            rig.rollups.catch_up()
            lists = lists_of(rig)
            last = min(each.id for each in lists.properties("p", DefinitionsQuery(PROPERTIES * 2))) + 100
            assert len(lists.properties("p", DefinitionsQuery(100, event="name 77"))) >= 9
            pages: dict[str, Callable[[], object]] = {
                "events, first page": lambda: lists.events("p", DefinitionsQuery(100), RECEIVED),
                "events, all on pages of 1,000": lambda: _all_events(rig),
                "events, a search": lambda: lists.events("p", DefinitionsQuery(100, search="NAME 77"), RECEIVED),
                "properties, first page": lambda: lists.properties("p", DefinitionsQuery(100)),
                "properties, last page": lambda: lists.properties("p", DefinitionsQuery(100, last)),
                "properties, a search": lambda: lists.properties("p", DefinitionsQuery(100, search="key 49")),
                "properties of one event": lambda: lists.properties("p", DefinitionsQuery(100, event="name 77")),
            }
            for title, read in pages.items():
                print(f"{title:<34}{milliseconds(read):8.2f} ms")
        finally:
            rig.close()


def _named(place: int) -> Event:
    properties = {f"key {(place * 7 + nth) % PROPERTIES}": f"value {nth}" for nth in range(9)}
    return {"event": f"name {place}", "anonymousId": "ann", "timestamp": RECEIVED, "properties": properties}


def _all_events(rig: RollupRig) -> None:
    before: int | None = None
    while page := lists_of(rig).events("p", DefinitionsQuery(1000, before), RECEIVED):
        before = page[-1].id


def main() -> int:
    summing_up("the shop", [msgspec.to_builtins(event) for seed in (1, 2, 3) for event in shop_events(RECEIVED, seed)])
    unique = [
        {
            "event": f"name {place % 50}",
            "anonymousId": "ann",
            "timestamp": RECEIVED,
            "properties": {f"key {nth}": str(uuid.UUID(int=place * 9 + nth)) for nth in range(9)},
        }
        for place in range(UNIQUE_EVENTS)
    ]
    summing_up("values that are never repeated", unique)
    listing()
    return 0


if __name__ == "__main__":
    sys.exit(main())
