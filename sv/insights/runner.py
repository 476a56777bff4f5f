"""Runs queries: a few at a time on threads of their own, the rest waiting in line up to a limit.

Two queries share two cores as well as ten do, and ten would take ten times the memory (ENGINE.md §4: "one or two, queued fairly"). A
part that turns out to be damaged is set aside and the query is run once more over the others.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

from sv.engine.port import Engine, Limits, UnreadablePart
from sv.insights.latencies import Latencies
from sv.model.errors import Unavailable
from sv.model.part import Part
from sv.model.snapshot import Snapshot

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CHECK_AGAIN_S: Final = 300.0
"""Reading every file of a project to its end takes seconds and holds up flushes: one query that fails for a reason of its own must
not make it happen again and again."""


LIST_READERS: Final = 2
"""Lists of rollups that are read at once: they take milliseconds, and wait for no query."""


class Events(Protocol):
    """The store, as far as queries use it."""

    def snapshot(self, project_id: str, from_ms: int, to_ms: int) -> AbstractContextManager[Snapshot]: ...


class Context:
    """What an insight gets: the engine, a snapshot of the project's events, and the limits of this run."""

    def __init__(self, engine: Engine, snapshot: Snapshot, limits: Limits, threads: int) -> None:
        self.engine = engine
        self.snapshot = snapshot
        self.limits = limits
        self.threads = threads

    def attributed(self) -> "Context":
        """The same for an insight that tells persons apart: all its questions tell them apart alike."""
        return Context(self.engine, self.engine.attribute(self.snapshot), self.limits, self.threads)


class Runner:
    """One for the server.

    open_engine: the engine, made (and imported) when the first query comes. catch_up: has every accepted event folded, which queries
    need where identity is merged. check_parts: sets damaged ones among these parts aside and
    returns their number. timeout_s: for a query as a whole, from when it starts to run.
    """

    def __init__(
        self,
        *,
        open_engine: Callable[[], Engine],
        events: Events,
        catch_up: Callable[[], None],
        check_parts: Callable[[Sequence[Part]], int],
        timeout_s: float,
        max_running: int,
        max_waiting: int,
        threads: int,
        lower_priority: Callable[[], None],
    ) -> None:
        self._open_engine = open_engine
        self._events = events
        self._catch_up = catch_up
        self._check_parts = check_parts
        self._timeout_s = timeout_s
        self._max_queries = max_running + max_waiting
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_running, "sv-query", initializer=lower_priority)
        self._list_pool = ThreadPoolExecutor(LIST_READERS, "sv-list", initializer=lower_priority)
        self._queries = 0
        self.latencies = {"query": Latencies(), "list": Latencies()}
        """From a question's arrival to its answer, waiting in line included: of what reads events, and of lists of rollups."""
        self._checked_in_vain_s = -CHECK_AGAIN_S

    async def run(
        self, project_id: str, range_ms: tuple[int, int], insight: Callable[[Context], Result], *, is_merged: bool = False
    ) -> Result:
        """Run `insight` over the project's events of the half-open range and return what it returns.

        is_merged: whether the project attributes events by merged identity (`sv.model.identity`).

        Raises Unavailable where too many queries wait already, and what the insight raises.
        """
        return await self._in_line("query", self._pool, lambda: self._run(project_id, range_ms, insight, is_merged))

    async def call(self, work: Callable[[], Result]) -> Result:
        """Run what reads rollups alone and needs no snapshot: it waits for no query. Raises as `run` does."""
        return await self._in_line("list", self._list_pool, work)

    async def _in_line(self, kind: str, pool: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        if self._queries >= self._max_queries:
            raise Unavailable("too many queries are waiting; try again soon", retry_after_s=2)
        self._queries += 1
        started_s = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        finally:
            self._queries -= 1
            self.latencies[kind].observe(time.monotonic() - started_s)

    @property
    def queries(self) -> int:
        """Queries that run or wait."""
        return self._queries

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._list_pool.shutdown(cancel_futures=True)

    def _run(self, project_id: str, range_ms: tuple[int, int], insight: Callable[[Context], Result], is_merged: bool) -> Result:
        limits = Limits(self._timeout_s, until_s=time.monotonic() + self._timeout_s)
        engine = self._open_engine()
        for attempt in (1, 2):
            with self._events.snapshot(project_id, *range_ms) as snapshot:
                try:
                    if is_merged:
                        self._catch_up()  # after the snapshot, so that all its events have their say
                    pinned = engine.pin(snapshot.merged() if is_merged else snapshot, limits)
                    return insight(Context(engine, pinned, limits, self._threads))
                except UnreadablePart as error:
                    parts = snapshot.parts
                    reason = error
            log.error("a query could not be answered, some file may be damaged: %s", reason)
            if attempt == 2 or not self._found_damage(parts):
                break
        raise Unavailable("the query could not be answered; the server's log says why")

    def _found_damage(self, parts: Sequence[Part]) -> bool:
        """Have the parts checked, which reads them from end to end; so not again for a while where that was in vain."""
        if time.monotonic() < self._checked_in_vain_s + CHECK_AGAIN_S:
            return False
        if self._check_parts(parts):
            return True
        self._checked_in_vain_s = time.monotonic()
        return False
