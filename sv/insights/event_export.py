"""Exports of a project's events: the plan of one, and its content as it is read.

An export reads one snapshot, piece by piece, on a thread of its own: it waits for its client between two blocks, and neither queries nor
ingest wait for it. What was accepted before it began is in it, once; what comes later is not. `received_before_ms` makes several
requests one export: what the first of them could not see, the others leave out as well.

A client that takes nothing for a while loses its place to the next that asks, and one that takes it slowly, of a project with several
places, to a project that has none.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from msgspec.structs import replace

from sv.engine.port import Engine, Limits, Matcher, Scope, UnreadablePart
from sv.insights.runner import Context, Events
from sv.model.calendar import iso_ms
from sv.model.errors import Unavailable
from sv.model.exports import ExportQuery, Piece, pieces_of
from sv.model.limits import EXPORT_STALL_SECONDS, MAX_EXPORTS, MAX_TIMESTAMP_MS
from sv.model.part import Part

log = logging.getLogger(__name__)

COUNT_S: Final = 300.0
"""For counting an export's days: a column of every file is read."""

_CUT_OFF: Final = "the client took nothing or little of the export for a while, and another one waited"


def plan_export(context: Context, query: ExportQuery, now_ms: int) -> dict[str, Any]:
    """The pieces of an export, so that a client can ask for one after the other and continue where it stopped.

    Without a `received_before` that is now, or just after the newest event, if that is later because a clock was put back.
    """
    if query.received_before_ms == MAX_TIMESTAMP_MS:
        newest_ms = context.engine.newest_received_ms(context.snapshot, context.limits)
        query = replace(query, received_before_ms=now_ms if newest_ms is None else max(now_ms, newest_ms + 1))
    pieces = _pieces(context.engine, context.snapshot, query, context.limits)
    return {
        "received_before": iso_ms(query.received_before_ms),
        "events": sum(piece.events for piece in pieces),
        "pieces": [
            {"date_from": iso_ms(piece.from_ms), "date_to": iso_ms(piece.to_ms), "events": piece.events} for piece in pieces
        ],
    }


def _pieces(engine: Engine, snapshot: Any, query: ExportQuery, limits: Limits) -> list[Piece]:
    dates = query.events.dates
    scope = Scope(dates.from_ms, dates.to_ms, query.events.filters, include_bots=True)
    days = engine.export_days(snapshot, scope, _matcher(query), query.received_before_ms, limits)
    return pieces_of(days, dates.from_ms, dates.to_ms)


def _matcher(query: ExportQuery) -> Matcher:
    return Matcher(query.events.event, rules=query.events.rules)


class EventExports:
    """One for the server. open_engine, check_parts, lower_priority: as for `Runner`."""

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        events: Events,
        check_parts: Callable[[Sequence[Part]], int],
        lower_priority: Callable[[], None],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_engine = open_engine
        self._events = events
        self._check_parts = check_parts
        self._monotonic_s = monotonic_s
        self._pool = ThreadPoolExecutor(MAX_EXPORTS + 1, "sv-export", initializer=lower_priority)
        self._running: list[_Running] = []

    def blocks(self, project_id: str, query: ExportQuery) -> Generator[bytes]:
        """The content, from a snapshot that is taken with the first block. A damaged file is set aside and, at the start, left out. Raises
        Unavailable where it can't be read on, and what the engine raises about the query."""
        dates = query.events.dates
        for attempt in (1, 2):
            has_begun = False
            with self._events.snapshot(project_id, dates.from_ms, dates.to_ms) as snapshot:
                try:
                    for block in self._read(snapshot, query):
                        if block:
                            has_begun = True
                            yield block
                    return
                except UnreadablePart as error:
                    log.error("an export could not be read, some file may be damaged: %s", error)
                    parts = snapshot.parts
            if not self._check_parts(parts) or has_begun or attempt == 2:
                break
        raise Unavailable("the export could not be read to its end; the server's log says why")

    def _read(self, snapshot: Any, query: ExportQuery) -> Generator[bytes]:
        engine = self._open_engine()
        limits = Limits(COUNT_S)
        pinned = engine.pin(snapshot, limits)
        pieces = _pieces(engine, pinned, query, limits)
        found = engine.export(
            pinned, pieces, query.events.filters, _matcher(query), query.received_before_ms, query.format
        )  # fmt: skip
        with contextlib.closing(found):
            yield from found

    def plan(self, project_id: str, query: ExportQuery, now_ms: int) -> dict[str, Any]:
        """As `plan_export`, on this thread."""
        dates = query.events.dates
        limits = Limits(COUNT_S)
        with self._events.snapshot(project_id, dates.from_ms, dates.to_ms) as snapshot:
            engine = self._open_engine()
            return plan_export(Context(engine, engine.pin(snapshot, limits), limits, 1), query, now_ms)

    async def start(self, project_id: str, query: ExportQuery) -> AsyncIterator[bytes]:
        """The content, once its first block is there. Raises Unavailable where too many exports run, and as `blocks` does."""
        running = self._admit(project_id, self.blocks(project_id, query))
        try:
            first = await self._next(running)
        except BaseException:
            self._leave(running)
            raise
        return self._rest(running, first)

    async def _rest(self, running: "_Running", block: bytes | None) -> AsyncIterator[bytes]:
        try:
            while block is not None:
                yield block
                block = await self._next(running)
        finally:
            self._leave(running)

    async def _next(self, running: "_Running") -> bytes | None:
        running.idle_s = running.idled_s(self._monotonic_s())
        running.idle_since_s = None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, running.next)
        finally:
            running.idle_since_s = self._monotonic_s()

    def _admit(self, project_id: str, blocks: Generator[bytes]) -> "_Running":
        now_s = self._monotonic_s()
        if len(self._running) >= MAX_EXPORTS:
            slow = self._who_gives_way(project_id, now_s)
            if slow is None:
                raise Unavailable("other exports are being read; try again soon", retry_after_s=10)
            slow.is_cut_off = True
            self._leave(slow)
        running = _Running(project_id, blocks, now_s)
        self._running.append(running)
        return running

    def _who_gives_way(self, project_id: str, now_s: float) -> "_Running | None":
        """The one whose client takes nothing for longest; else, for a project without a place, the one that has waited most for its client
        of a project with several."""
        idle = [(other.idle_since_s, other) for other in self._running if other.idle_since_s is not None]
        since_s, longest = min(idle, key=lambda each: each[0], default=(now_s, None))
        if longest is not None and now_s - since_s >= EXPORT_STALL_SECONDS:
            return longest
        places = Counter(other.project_id for other in self._running)
        if project_id in places:
            return None
        slow = [other for _, other in idle if places[other.project_id] > 1 and other.is_slow(now_s)]
        return max(slow, key=lambda other: other.idled_s(now_s), default=None)

    def _leave(self, running: "_Running") -> None:
        """Give the place back; the thread closes what is open once it is done with its block."""
        if running in self._running:
            self._running.remove(running)
        self._pool.submit(running.close)

    def close(self) -> None:
        """Wait for what is being read. Clients don't get what they haven't taken by then."""
        self._pool.shutdown(cancel_futures=True)


class _Running:
    """An export under way. idle_since_s: since when its client could have taken a block; None while one is read. idle_s: how long that took
    for all blocks before."""

    def __init__(self, project_id: str, blocks: Generator[bytes], begun_s: float) -> None:
        self.project_id = project_id
        self._blocks = blocks
        self._begun_s = begun_s
        self._lock = threading.Lock()
        self.idle_since_s: float | None = None
        self.idle_s = 0.0
        self.is_cut_off = False

    def idled_s(self, now_s: float) -> float:
        return self.idle_s + (0.0 if self.idle_since_s is None else now_s - self.idle_since_s)

    def is_slow(self, now_s: float) -> bool:
        """Whether it has been there for a while, more than half of which it waited for its client."""
        age_s = now_s - self._begun_s
        return age_s >= EXPORT_STALL_SECONDS and self.idled_s(now_s) > age_s / 2

    def next(self) -> bytes | None:
        """The next block, None at the end. Raises Unavailable where the place was given away."""
        with self._lock:
            if self.is_cut_off:
                raise Unavailable(_CUT_OFF)
            return next(self._blocks, None)

    def close(self) -> None:
        with self._lock:
            self._blocks.close()
