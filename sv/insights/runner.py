"""Runs questions: a few at a time on threads of their own, while the others wait in a bounded queue.

Two insights keep two cores as busy as ten do, and ten would take ten times the memory. What takes milliseconds has places and threads of
its own, so that a page of events never waits behind six funnels. When a caller goes away its question leaves the queue, and a run that
nobody waits for is stopped. A part that turns out to be damaged is set aside, and the query is run once more over the others.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sv.engine.port import Engine, Limits, TooLong, UnreadablePart
from sv.engine.stop import Stop, Stopped
from sv.insights.fair_queue import FairQueue
from sv.insights.flights import Flights
from sv.insights.latencies import Latencies
from sv.insights.rotation import Rotation
from sv.model.errors import Unavailable, let_go
from sv.model.part import Part
from sv.model.snapshot import Snapshot

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CHECK_AGAIN_S: Final = 300.0
"""Reading every file of a project to its end takes seconds and holds up flushes. A query that fails for another reason must not cause
that again and again."""

READERS: Final = 2
"""Pages of events that are read at once, such pages with a filter, and lists of rollups. They wait for no insight. Pages and lists, which
take milliseconds, wait for no filter either, which may have to look at every event."""

STOP_AGAIN_S: Final = 0.02
"""How soon a query that was stopped is told so again: a statement that was just beginning has missed it."""

GRACE_S: Final = 2.0
"""How long past its time limit a query may still run before its caller is told: it may be in something that can't be interrupted, such as
draining a backlog of events."""


class Kind(StrEnum):
    """Which lane a question belongs to, by its cost.

    query: reads as many events as there are. page: a page of events, or one event. search: a page of those events that meet filters or a
    smart event's rules. list: reads rollups.
    """

    QUERY = "query"
    PAGE = "page"
    SEARCH = "search"
    LIST = "list"


class Events(Protocol):
    """The store, as far as queries use it."""

    def snapshot(self, project_id: str, from_ms: int, to_ms: int) -> AbstractContextManager[Snapshot]: ...

    def version(self) -> Hashable:
        """Changes whenever a snapshot that is taken later could show something else."""
        ...


class Context:
    """What an insight gets: the engine, a snapshot of the project's events, and the limits of this run."""

    def __init__(self, engine: Engine, snapshot: Snapshot, limits: Limits, threads: int) -> None:
        self.engine = engine
        self.snapshot = snapshot
        self.limits = limits
        self.threads = threads

    def attributed(self) -> "Context":
        """The same context for an insight that counts persons: all its queries attribute events to the same persons."""
        return Context(self.engine, self.engine.attribute(self.snapshot), self.limits, self.threads)


class Lane(NamedTuple):
    """The queue and the threads of one kind of question. seconds: how long questions took, from arrival to answer."""

    queue: FairQueue
    pool: ThreadPoolExecutor
    seconds: Latencies


class Runner:
    """One for the server. For one event loop.

    open_engine: the engine, made (and imported) when the first query comes. catch_up: folds every accepted event into the rollups, which
    queries need where identity is merged. check_parts: sets damaged ones among these parts aside and returns their number. timeout_s: for a
    query as a whole, from when it starts to run. max_wait_s: in the queue before that. max_running: of insights. max_waiting: of each kind.
    giving_way: entered by a thread while it answers. rotation: in which insights take turns; without one all work at once.
    """

    def __init__(
        self,
        *,
        open_engine: Callable[[], Engine],
        events: Events,
        catch_up: Callable[[], None],
        check_parts: Callable[[Sequence[Part]], int],
        timeout_s: float,
        max_wait_s: float,
        max_running: int,
        max_waiting: int,
        threads: int,
        lower_priority: Callable[[], None],
        giving_way: Callable[[], AbstractContextManager[None]] = nullcontext,
        rotation: Rotation | None = None,
    ) -> None:
        self._giving_way = giving_way
        self._open_engine = open_engine
        self._events = events
        self._catch_up = catch_up
        self._check_parts = check_parts
        self._timeout_s = timeout_s
        self._threads = threads
        self.rotation = rotation or Rotation(max_running, lambda: False)

        def lane(kind: Kind, places: int) -> Lane:
            queue = FairQueue(places=places, max_waiting=max_waiting, max_wait_s=max_wait_s)
            return Lane(queue, ThreadPoolExecutor(places, f"sv-{kind}", initializer=lower_priority), Latencies())

        reading = {kind: lane(kind, READERS) for kind in (Kind.PAGE, Kind.SEARCH, Kind.LIST)}
        self.lanes: Mapping[Kind, Lane] = {Kind.QUERY: lane(Kind.QUERY, max_running), **reading}
        self.flights = Flights(events.version)
        self._stops: dict[Stop, asyncio.Future[Any]] = {}
        self._is_ending = False
        self.stopped: Counter[str] = Counter()
        """Queries that were stopped, by reason: `timeout`, or `gone` where the caller went away."""
        self._checked_in_vain_s: dict[str, float] = {}  # by project: another's files may be damaged

    async def run(
        self,
        project_id: str,
        range_ms: tuple[int, int],
        insight: Callable[[Context], Result],
        *,
        kind: Kind = Kind.QUERY,
        is_merged: bool = False,
        same: Hashable = None,
        takes_turns: bool = True,
    ) -> Result:
        """Run `insight` over the project's events of the half-open range and return what it returns.

        is_merged: whether the project attributes events by merged identity (`sv.model.identity`). same: a key for sharing runs: insights
        with equal keys that are asked at the same time may be run once (`sv.insights.flights`); None is never shared. takes_turns: whether
        the work happens in this process, where queries take turns.

        Raises Unavailable where too many queries wait already and where this one waited or ran for too long, and whatever the insight
        raises. When cancelled it leaves the queue, and its run is stopped.
        """

        async def run(looks: Callable[[], None]) -> Result:
            def work(stop: Stop) -> Result:
                stop.check()
                with self.rotation.joined() if kind is Kind.QUERY and takes_turns else nullcontext() as pause:
                    stop.check()
                    looks()
                    return self._run(project_id, range_ms, insight, is_merged, stop, pause)

            return await self._in_lane(kind, project_id, work)

        if same is None:
            return await run(lambda: None)
        return await self.flights.share((project_id, range_ms, kind, is_merged, same), run)

    async def call(self, project_id: str, work: Callable[[], Result]) -> Result:
        """Run what reads rollups alone and needs no snapshot, so that it waits for no query. Raises as `run` does; it isn't stopped once it
        runs."""
        return await self._in_lane(Kind.LIST, project_id, lambda _: work())

    async def _in_lane(self, kind: Kind, project_id: str, work: Callable[[Stop], Result]) -> Result:
        queue, pool, seconds = self.lanes[kind]
        asked_s = time.monotonic()
        try:
            await queue.enter(project_id)
            return await self._run_in_pool(queue, pool, project_id, work)
        finally:
            seconds.observe(time.monotonic() - asked_s)

    async def _run_in_pool(
        self, queue: FairQueue, pool: ThreadPoolExecutor, project_id: str, work: Callable[[Stop], Result]
    ) -> Result:
        """Run the work on a thread. The place in the queue is given back when the thread is done, whether or not anybody still waits for
        the result."""
        loop = asyncio.get_running_loop()
        stop = Stop()
        try:
            if self._is_ending:
                raise _ending()
            running = loop.run_in_executor(pool, self._at_work, work, stop)
        except BaseException:
            queue.leave(project_id)
            raise
        self._stops[stop] = running
        is_told = False

        def done(future: asyncio.Future[Result]) -> None:
            self._stops.pop(stop, None)
            timer.cancel()
            queue.leave(project_id)
            # The exception is always retrieved, or asyncio would complain where nobody waits for the future any more.
            if is_told or (not future.cancelled() and isinstance(future.exception(), TooLong)):
                self.stopped["timeout"] += 1

        def give_up() -> None:
            self._stop(running, stop, Limits(self._timeout_s).too_long)

        timer = loop.call_later(self._timeout_s, give_up)
        running.add_done_callback(done)
        try:
            await asyncio.wait((running,), timeout=self._timeout_s + GRACE_S)
        except asyncio.CancelledError:
            if not running.done():
                self.stopped["gone"] += 1
                self._stop(running, stop, Stopped)
            raise
        if not running.done():
            is_told = True
            raise Limits(self._timeout_s).too_long()
        return running.result()

    def _at_work(self, work: Callable[[Stop], Result], stop: Stop) -> Result:
        try:
            with self._giving_way():
                return work(stop)
        except BaseException as error:
            let_go(error)
            raise

    def _stop(self, running: "asyncio.Future[Any]", stop: Stop, reason: Callable[[], Exception]) -> None:
        """Have the run stopped, and tell it again until it has."""
        if not running.done():
            stop.set(reason)
            running.get_loop().call_later(STOP_AGAIN_S, self._stop, running, stop, reason)

    @property
    def queries(self) -> int:
        """Questions that run or wait."""
        return sum(lane.queue.running + lane.queue.waiting for lane in self.lanes.values())

    def end(self) -> None:
        """Stop what runs and what waits, and tell the callers: the server is about to go."""
        self._is_ending = True
        for stop, running in list(self._stops.items()):
            self._stop(running, stop, _ending)

    def close(self) -> None:
        """Stop what still runs: nobody is there to be answered any more."""
        for stop in list(self._stops):
            stop.set()
        for lane in self.lanes.values():
            lane.pool.shutdown(cancel_futures=True)

    def _run(
        self,
        project_id: str,
        range_ms: tuple[int, int],
        insight: Callable[[Context], Result],
        is_merged: bool,
        stop: Stop,
        pause: Callable[[], None] | None,
    ) -> Result:
        limits = Limits(self._timeout_s, until_s=time.monotonic() + self._timeout_s, stop=stop, pause=pause)
        engine = self._open_engine()
        for attempt in (1, 2):
            with self._events.snapshot(project_id, *range_ms) as snapshot:
                try:
                    pinned = engine.pin(snapshot.merged() if is_merged else snapshot, limits)
                    if is_merged:
                        self._catch_up()  # after the pin, so that aliases of all pinned events count, also of those newer than the snapshot
                    return insight(Context(engine, pinned, limits, self._threads))
                except UnreadablePart as error:
                    parts = snapshot.parts
                    reason = error
            log.error("a query could not be answered, some file may be damaged: %s", reason)
            if attempt == 2 or not self._found_damage(project_id, parts):
                break
        raise Unavailable("the query could not be answered; the server's log says why")

    def _found_damage(self, project_id: str, parts: Sequence[Part]) -> bool:
        """Check the parts, which reads every file to its end. A check that found nothing is not repeated for CHECK_AGAIN_S."""
        now_s = time.monotonic()
        for other, checked_s in list(self._checked_in_vain_s.items()):
            if now_s >= checked_s + CHECK_AGAIN_S:
                self._checked_in_vain_s.pop(other, None)
        if project_id in self._checked_in_vain_s:
            return False
        if self._check_parts(parts):
            return True
        self._checked_in_vain_s[project_id] = time.monotonic()
        log.error("all files of that query can be read: what went wrong is a fault of ours, or this machine's")
        return False


def _ending() -> Unavailable:
    return Unavailable("the server is shutting down")
