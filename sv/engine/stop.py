"""A way to stop a query from outside, at any moment and from any thread.

Answers for a statement that runs in the database ending soon, and for the arithmetic between statements ending at its next `check`.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Stopped(Exception):
    """The query was stopped, and nobody waits for its answer any more."""


class Stop:
    """Stops one query. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: set[Callable[[], None]] = set()
        self._reason: Callable[[], Exception] | None = None

    def set(self, reason: Callable[[], Exception] = Stopped) -> None:
        """Stop the query, and interrupt what it runs in the database. The first reason counts.

        TRICKY: a statement that is just beginning forgets an interrupt, so whoever sets a stop has to set it again until the query has
        ended.
        """
        with self._lock:
            self._reason = self._reason or reason
            for interrupt in self._interrupts:
                interrupt()

    @property
    def is_set(self) -> bool:
        return self._reason is not None

    def check(self) -> None:
        """Raises the reason once it is set."""
        if self._reason is not None:
            raise self._reason()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Generator[None]:
        """Inside the block `interrupt` is called when the stop is set. Raises the reason where it is set already."""
        with self._lock:
            self._interrupts.add(interrupt)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupts.discard(interrupt)
