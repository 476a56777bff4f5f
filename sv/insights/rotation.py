"""Lets running insights take turns at the work, while ingest is busy and has no core to itself.

Two insights that both compute keep both of two cores busy with threads that hold Python's lock now and then; a request to ingest then waits
for such a thread that was just taken off the processor. Running them one after the other would have a short insight wait for a long one, so
they take turns.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

TURN_S: Final = 0.2
"""Work by one, until another that waits has its turn."""

LONGEST_WAIT_S: Final = 0.3
"""For a turn. What is in the middle of a long statement can't pause, nor what helpers do, and whoever has waited so long goes on beside."""


@dataclass(slots=True, eq=False)
class _Partaker:
    """A thread that takes part. began_s: since when it works; None while it waits. paused_s: when it last had a chance to pause."""

    thread_id: int
    began_s: float | None = None
    paused_s: float = 0.0


class Rotation:
    """Thread-safe. places: how many insights work at once while turns are needed; otherwise all do.

    A turn changes when a working insight pauses. So a turn may take longer than TURN_S, and for a while more insights than `places` may
    work: until they pause next.
    """

    def __init__(
        self, places: int, is_needed: Callable[[], bool], turn_s: float = TURN_S, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self.places = places
        self._is_needed = is_needed
        self._turn_s = turn_s
        self._longest_wait_s = longest_wait_s
        self._changed = threading.Condition()
        self._working: set[_Partaker] = set()
        self._waiting: deque[_Partaker] = deque()

    @contextmanager
    def joined(self) -> Generator[Callable[[], None]]:
        """Inside the block the calling thread takes part. Yields `pause`, which has to be called between steps and returns when it is this
        thread's turn."""
        one = _Partaker(threading.get_ident())
        with self._changed:
            self._wait_for_turn(one)
        try:
            yield lambda: self._pause(one)
        finally:
            with self._changed:
                self._working.remove(one)
                self._let_in()

    def _pause(self, one: _Partaker) -> None:
        # SCAR: helper threads never wait here. All insights share them, and one that waited held up the insights whose turn it was.
        if threading.get_ident() != one.thread_id:
            return
        one.paused_s = time.monotonic()
        if not self._waiting and len(self._working) <= self.places:
            return
        with self._changed:
            self._let_in()
            if self._is_over(one) and self._is_needed():
                one.began_s = None
                self._working.remove(one)
                # Go on even if too many work then: one of them may be in a long statement, which nobody is to wait for.
                if self._waiting:
                    self._begin(self._waiting.popleft())
                self._wait_for_turn(one)

    def _is_over(self, one: _Partaker) -> bool:
        """Whether this turn is over: another insight waits or, with too many working, one of them lets others go first. SCAR: an insight
        that stepped back for one in a long statement left a place that nobody took, for 0.3 s of each 0.5."""
        if one.began_s is None or one.paused_s - one.began_s < self._turn_s:
            return False
        if self._waiting:
            return True
        others = (other for other in self._working if other is not one)
        return len(self._working) > self.places and any(one.paused_s - other.paused_s < self._turn_s for other in others)

    def _wait_for_turn(self, one: _Partaker) -> None:
        self._waiting.append(one)
        self._let_in()
        if not self._changed.wait_for(lambda: one.began_s is not None, self._longest_wait_s):
            self._waiting.remove(one)
            self._begin(one)

    def _let_in(self) -> None:
        while self._waiting and (len(self._working) < self.places or not self._is_needed()):
            self._begin(self._waiting.popleft())

    def _begin(self, one: _Partaker) -> None:
        one.began_s = one.paused_s = time.monotonic()
        self._working.add(one)
        self._changed.notify_all()
