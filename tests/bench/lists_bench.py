"""Lists at 1 and at 10 million events: milliseconds of a page, how they grow, and the share spent outside DuckDB and SQLite.

In the server's own process, without HTTP: everything from the query to the encoded JSON of 100 items. Medians of several rounds, the first
of each left out, by the clock and, for machines that have other work, of processor time. The bar is a growth of 1.5.
`SV_BENCH_EVENTS` takes other sizes, as in `100000,1000000`. `SV_BENCH_FOLDER` keeps the folders, each below its size, or takes those that are
there.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sv.engine.duck.run import Statements
from sv.insights.definitions import Definitions
from sv.insights.events import list_events
from sv.insights.persons import PersonPages, events_of
from sv.insights.sessions import SessionPages, events_in
from sv.meta.db import Meta
from sv.meta.rollups.definition_lists import DefinitionLists
from sv.meta.rollups.merged_persons import MergedPersons
from sv.meta.rollups.person_lists import PersonLists
from sv.meta.rollups.session_lists import SessionLists
from sv.model.calendar import DateRange
from sv.model.cursor import Cursor
from sv.model.definitions import DefinitionsQuery
from sv.model.limits import DAY_MS, MAX_TIMESTAMP_MS
from sv.model.person_parsing import PersonsQuery
from sv.model.persons import PersonFilter
from sv.model.query_parsing import parse_events_query
from sv.model.session_parsing import SessionsQuery
from sv.model.sessions import SessionFilter, SessionPlace
from sv.server import Server
from tests.bench.lists_folder import ORIGIN_MS, PROJECT, made_folder, opened_folder

ROUNDS = 15
PAGE = 100
DEEP_PAGE = 1000
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
Work = Callable[[], Any]


def main() -> None:
    sizes = [int(size) for size in os.environ.get("SV_BENCH_EVENTS", "1000000,10000000").split(",")]
    taken: list[dict[str, tuple[float, float, float]]] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(os.environ.get("SV_BENCH_FOLDER", name)) / str(size) / "data"
            if folder.exists():
                server, made = opened_folder(folder), "kept"
                server.maintenance.index()
            else:
                folder.parent.mkdir(parents=True)
                server, built_s = made_folder(folder, size)
                made = f"made in {built_s:.1f} s"
            kept_mb = (folder / "sv.db").stat().st_size / 1e6
            print(f"{size:,} events, {size // 10:,} persons: rollups {made}, sv.db {kept_mb:,.0f} MB", flush=True)
            try:
                taken.append({title: _measure(work) for title, work in _works(server, size).items()})
            finally:
                server.close()
    print(f"{'':44}" + "".join(f"{size:>14,}" for size in sizes) + "   growth   of processor time   outside")
    for title in taken[0]:
        times = [each[title][0] for each in taken]
        worked = [each[title][2] for each in taken]
        cells = "".join(f"{ms:11.2f} ms" for ms in times)
        print(
            f"{title:44}{cells}   {times[-1] / times[0]:6.2f} {worked[-1] / worked[0]:19.2f} {taken[-1][title][1]:9.0%}",
            flush=True,
        )


def _works(server: Server, size: int) -> dict[str, Work]:
    persons = PersonPages(
        PersonLists(server.meta, server.builds), MergedPersons(server.meta, server.builds), server.rollups.catch_up
    )
    last = server.persons.max_number()
    deep = max(last - PAGE * DEEP_PAGE, PAGE + 1)

    def page(before: int | None = None, **wanted: Any) -> Work:
        query = PersonsQuery(PAGE, before, PersonFilter(**wanted))
        return lambda: msgspec.json.encode(persons.page(PROJECT, query, is_merged=False))

    def one() -> bytes:
        return msgspec.json.encode(persons.find(PROJECT, f"user {size // 20}", is_merged=False).distinct_id)

    def events() -> bytes:
        query = parse_events_query([("limit", str(PAGE))], timezone="UTC", now_ms=ORIGIN_MS, without=("distinct_id",))
        query = events_of(persons.find(PROJECT, f"user {size // 20}", is_merged=False), query, is_merged=False)
        return asyncio.run(_run(server, lambda context: msgspec.json.encode(list_events(context, query))))

    return {
        "persons: first page": page(),
        "persons: page 1,000, or the last but one": page(deep),
        "persons: country (1 in 5)": page(country="DE"),
        "persons: country (1 in 1,000)": page(country="IS"),
        "persons: device_type": page(device_type="Tablet"),
        "persons: browser": page(browser="Opera"),
        "persons: has_user_id": page(has_user_id=True),
        "persons: country, browser, has_user_id": page(country="FR", browser="Firefox", has_user_id=True),
        "persons: search, common": page(search="example"),
        "persons: search, one": page(search=f"{size // 20}@mail"),
        "persons: search, none": page(search="nobody like that"),
        "persons: search, two characters": page(search="@m"),
        "persons: search, two characters of none": page(search="##"),
        "persons: one": one,
        "persons: one's events": events,
        **_session_works(server, size),
        **_event_works(server, persons, size),
        **_definition_works(server),
    }


def _definition_works(server: Server) -> dict[str, Work]:
    definitions = Definitions(DefinitionLists(server.meta, server.builds), server.rollups.catch_up, lambda: ORIGIN_MS)

    def properties(**wanted: Any) -> Work:
        return lambda: msgspec.json.encode(definitions.list_properties(PROJECT, DefinitionsQuery(PAGE, **wanted)))

    return {
        "definitions: events": lambda: msgspec.json.encode(definitions.list_events(PROJECT, DefinitionsQuery(PAGE))),
        "definitions: properties": properties(),
        "definitions: properties of an event": properties(event="paid"),
        "definitions: properties, search": properties(search="ma"),
    }


def _session_works(server: Server, size: int) -> dict[str, Work]:
    lists = SessionLists(server.meta, server.builds)
    sessions = SessionPages(lists, server.rollups.catch_up, server.recordings.recordings.recorded)
    last = lists.page(PROJECT, SessionFilter(), None, min(PAGE * DEEP_PAGE, size // 5 - PAGE))[-1].place

    def page(after: SessionPlace | None = None, **wanted: Any) -> Work:
        query = SessionsQuery(PAGE, after, SessionFilter(**wanted))
        return lambda: msgspec.json.encode(sessions.page(PROJECT, query, is_merged=False))

    return {
        "sessions: first page": page(),
        "sessions: page 1,000, or the last but one": page(last),
        "sessions: country (1 in 1,000)": page(country="IS"),
        "sessions: device_type": page(device_type="Tablet"),
        "sessions: browser": page(browser="Opera"),
        "sessions: is_bounce": page(is_bounce=True),
        "sessions: min_duration, none": page(min_duration_ms=DAY_MS),
        "sessions: min_duration, all": page(min_duration_ms=60_000),
        "sessions: max_duration": page(max_duration_ms=60_000),
        "sessions: entry_url": page(entry_url="https://shop.example/p/7"),
        "sessions: entry_url, a path": page(entry_path="/p/7"),
        "sessions: dates": page(dates=DateRange(ORIGIN_MS + 20 * DAY_MS, ORIGIN_MS + 30 * DAY_MS)),
        "sessions: one person's": page(distinct_id=f"user {size // 20}"),
        "sessions: one": lambda: msgspec.json.encode(sessions.one(PROJECT, f"session {size // 10}", is_merged=False)),
    }


def _event_works(server: Server, persons: PersonPages, size: int) -> dict[str, Work]:
    """Lists of events; page 1,000 is come to by the time of what page 999 ends with, which is one in so many of them."""

    def page(*asked: tuple[str, str], before_ms: int | None = None, session: str | None = None) -> Work:
        def work() -> bytes:
            query = parse_events_query([("limit", str(PAGE)), *asked], timezone="UTC", now_ms=ORIGIN_MS + 60 * DAY_MS)
            if query.distinct_id is not None:  # as the route does
                query = replace(query, person=persons.number_of(PROJECT, query.distinct_id))
            if before_ms is not None:
                query = replace(query, cursor=Cursor(before_ms, LAST_ID))
            if session is not None:
                found = sessions.find(PROJECT, session, is_merged=False)
                query = events_in(found, query)
            return asyncio.run(_run(server, lambda context: msgspec.json.encode(list_events(context, query))))

        return work

    sessions = SessionPages(
        SessionLists(server.meta, server.builds), server.rollups.catch_up, server.recordings.recordings.recorded
    )
    newest_ms = ORIGIN_MS + 59 * DAY_MS
    deep_ms = newest_ms - PAGE * DEEP_PAGE * 59 * DAY_MS // size
    browser = json.dumps([{"property": "$browser", "operator": "exact", "value": "Opera"}])
    own = json.dumps([{"property": "n", "operator": "exact", "value": 7}])
    return {
        "events: first page": page(),
        "events: page 1,000": page(before_ms=deep_ms),
        "events: of a name": page(("event", "paid")),
        "events: a column (1 in 5)": page(("filters", browser)),
        "events: an own property, one in all": page(("filters", own)),
        "events: one person's by id": page(("distinct_id", f"user {size // 20}")),
        "events: dates": page(("date_from", "2025-01-20"), ("date_to", "2025-01-30")),
        "sessions: one's events": page(session=f"session {size // 10}"),
    }


async def _run(server: Server, work: Callable[[Any], Any]) -> Any:
    if server.runner is None:
        server._load_app()
    assert server.runner is not None
    return await server.runner.run(PROJECT, (0, MAX_TIMESTAMP_MS + 1), work)


class _Inside:
    """The time that was spent in DuckDB and SQLite since the last reset, by wrapping what every statement goes through."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for owner, name in ((Meta, "rows"), (Statements, "rows"), (Statements, "table")):
            setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


_INSIDE = _Inside()


def _measure(work: Work) -> tuple[float, float, float]:
    """(median ms, share outside the databases, median ms of processor time)."""
    times: list[float] = []
    worked: list[float] = []
    shares: list[float] = []
    for _ in range(ROUNDS + 1):
        _INSIDE.seconds = 0.0
        started, started_work = time.perf_counter(), time.process_time()
        work()
        seconds = time.perf_counter() - started
        worked.append((time.process_time() - started_work) * 1000)
        times.append(seconds * 1000)
        shares.append(1 - _INSIDE.seconds / seconds)
    return statistics.median(times[1:]), statistics.median(shares[1:]), statistics.median(worked[1:])


if __name__ == "__main__":
    main()
