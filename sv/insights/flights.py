"""Equal questions that are asked at the same time are run once, and share the answer ("single flight").

A run may be joined until it has looked at the events, and after that for as long as nothing has changed since just before it looked. For
one event loop; the run reads the version on a thread of its own.

# INVARIANT QUERY-1: nobody gets an answer that is older than the question. The version is read first, the snapshot taken after it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class Flight(Generic[Result]):
    """One run, and how many callers wait for it. version: what it was just before the snapshot; None until then."""

    def __init__(self) -> None:
        self.version: Hashable | None = None
        self.askers = 0
        self.task: asyncio.Task[Result] | None = None


class Flights:
    """version: changes whenever a later snapshot could differ from one that is taken now. May be called from any thread."""

    def __init__(self, version: Callable[[], Hashable]) -> None:
        self._version = version
        self._flights: dict[Hashable, Flight[Any]] = {}
        """The last one of each question; a run that may be shared no more gives its place to the next."""
        self.shared = 0
        """Questions that were answered by another one's run."""

    async def share(self, question: Hashable, run: Callable[[Callable[[], None]], Coroutine[Any, Any, Result]]) -> Result:
        """What `run` returns or raises; it is given what it has to call just before it takes its snapshot. Equal questions are of one type.

        Who is cancelled waits no more; when nobody does, the run is cancelled.
        """
        flight: Flight[Result] | None = self._flights.get(question)
        if flight is None or not self._may_join(flight):
            flight = self._begin(question, run)
        else:
            self.shared += 1
        assert flight.task is not None
        flight.askers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.askers -= 1
            if not flight.askers and not flight.task.done():
                self._forget(question, flight)
                flight.task.cancel()

    def _may_join(self, flight: Flight[Any]) -> bool:
        # TRICKY: where it is None here, it is read later than this, and the snapshot is taken later still.
        version = flight.version
        return version is None or version == self._version()

    def _begin(self, question: Hashable, run: Callable[[Callable[[], None]], Coroutine[Any, Any, Result]]) -> Flight[Result]:
        flight = Flight[Result]()

        def looks() -> None:
            flight.version = self._version()

        def landed(task: asyncio.Task[Result]) -> None:
            self._forget(question, flight)
            if not task.cancelled():
                task.exception()  # or it counts as never looked at, where nobody waits for it any more

        flight.task = asyncio.ensure_future(run(looks))
        flight.task.add_done_callback(landed)
        self._flights[question] = flight
        return flight

    def _forget(self, question: Hashable, flight: Flight[Any]) -> None:
        if self._flights.get(question) is flight:
            del self._flights[question]
