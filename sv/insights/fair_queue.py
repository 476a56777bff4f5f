"""The queue that questions wait in: a few run at a time, and the next place is given out fairly among projects.

The next place goes to the project that holds the fewest; among several that hold as few, in turn. Within a project questions run in the
order of arrival. When the queue is full, the project with the most waiting questions loses its last one to make room. So a project with
many questions never keeps the others from theirs. Knows nothing of what is run. Belongs to one event loop.
"""

import asyncio
import time
from collections import Counter, deque
from typing import Final, NamedTuple

from sv.insights.latencies import Latencies
from sv.model.errors import Unavailable

AGAIN_S: Final = 2
"""`Retry-After` for a question that found the queue full, or waited in vain."""

FULL: Final = "too many queries are waiting; try again soon"


class Turn(NamedTuple):
    """A question that waits. `granted` is done once it may run, and has an exception where it may not."""

    granted: asyncio.Future[None]
    since_s: float


class FairQueue:
    """places: how many questions run at a time. max_waiting: how many may wait. max_wait_s: how long one may wait."""

    def __init__(self, *, places: int, max_waiting: int, max_wait_s: float) -> None:
        self.places = places
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Turn]] = {}
        """By project; projects come in the order of their turns, and none has an empty deque."""
        self.running = 0
        self.waiting = 0
        self.waits = Latencies()
        """How long questions waited that came to run; most didn't wait at all."""
        self.refused: Counter[str] = Counter()
        """Questions that did not come to run, by reason: `full`, or `waited` for too long."""

    async def enter(self, project_id: str) -> None:
        """Wait for a place, which is held from then on until `leave`.

        Raises Unavailable where too many wait already, and for a question that waited too long. One that is cancelled while it waits leaves
        the queue.
        """
        if self.running < self.places:  # then nobody waits
            self._hold(project_id, 0.0)
            return
        if self.waiting >= self._max_waiting:
            self._make_room(project_id)
        loop = asyncio.get_running_loop()
        turn = Turn(loop.create_future(), time.monotonic())
        self._waiting.setdefault(project_id, deque()).append(turn)
        self.waiting += 1
        timer = loop.call_later(self._max_wait_s, self._give_up, project_id, turn)
        try:
            await turn.granted
        except asyncio.CancelledError:
            # TRICKY: the place may have been granted at the very moment at which this was cancelled.
            if turn.granted.done() and not turn.granted.cancelled() and turn.granted.exception() is None:
                self.leave(project_id)
            raise
        finally:
            timer.cancel()
            self._withdraw(project_id, turn)

    def leave(self, project_id: str) -> None:
        """Give the place back. The question whose turn it is gets it at once."""
        self.running -= 1
        self._running[project_id] -= 1
        if not self._running[project_id]:
            del self._running[project_id]
        while self._waiting and self.running < self.places:
            # The first of those that hold the fewest places: `min` keeps to the order of turns.
            next_id = min(self._waiting, key=lambda each: self._running[each])
            turns = self._waiting.pop(next_id)
            turn = turns.popleft()
            self.waiting -= 1
            if turns:
                self._waiting[next_id] = turns  # behind all others
            if not turn.granted.done():
                turn.granted.set_result(None)
                self._hold(next_id, time.monotonic() - turn.since_s)

    def oldest_wait_s(self) -> float:
        """How long the question that waits longest has waited; 0 where none waits. From any thread."""
        firsts = [turn.since_s for turns in list(self._waiting.values()) for turn in tuple(turns)[:1]]
        return time.monotonic() - min(firsts) if firsts else 0.0

    def _hold(self, project_id: str, waited_s: float) -> None:
        self.running += 1
        self._running[project_id] += 1
        self.waits.observe(waited_s)

    def _make_room(self, project_id: str) -> None:
        """Refuse the last question of the project with the most that wait. Where that is the asking project itself, refuse the new
        question."""
        own = len(self._waiting.get(project_id, ()))
        longest_id = max(self._waiting, key=lambda each: len(self._waiting[each]), default=project_id)
        self.refused["full"] += 1
        if len(self._waiting.get(longest_id, ())) <= own + 1:
            raise Unavailable(FULL, retry_after_s=AGAIN_S)
        self._refuse(longest_id, self._waiting[longest_id][-1], FULL)

    def _give_up(self, project_id: str, turn: Turn) -> None:
        if not turn.granted.done():
            self.refused["waited"] += 1
            waited = f"the query waited {self._max_wait_s:g} s for its turn and was not run"
            self._refuse(project_id, turn, f"{waited}; try again, or ask less at the same time")

    def _refuse(self, project_id: str, turn: Turn, why: str) -> None:
        self._withdraw(project_id, turn)
        if not turn.granted.done():
            turn.granted.set_exception(Unavailable(why, retry_after_s=AGAIN_S))

    def _withdraw(self, project_id: str, turn: Turn) -> None:
        turns = self._waiting.get(project_id)
        if turns is None or turn not in turns:
            return
        turns.remove(turn)
        self.waiting -= 1
        if not turns:
            del self._waiting[project_id]
