"""A thread of its own that is there only once there is something to do: rollups that are to be made anew, jobs.

Answers for its beginning, its sleep and its end. What it does, and going on after an error, is its owner's.
"""

import threading
from collections.abc import Callable
from typing import Final

INTERRUPT_EVERY_S: Final = 0.1
"""While a thread is waited for: a statement that is just beginning forgets an interrupt."""


class Errands:
    """Thread-safe. run: returns soon after `is_stopping`, and sleeps by `pause` and `until_woken` alone."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._name = name
        self._run = run
        self._stopping = threading.Event()
        self._arrived = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait for so long, or until the end. True where the end is there."""
        return self._stopping.wait(seconds)

    def until_woken(self, seconds: float | None = None) -> None:
        """Return once something arrived since the last call, or the end is near, or so much time has passed."""
        self._arrived.wait(seconds)
        self._arrived.clear()

    def wake(self) -> None:
        """There is something to do."""
        self._arrived.set()
        with self._starting:
            if self._thread is None and not self.is_stopping():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, interrupt: Callable[[], None] = lambda: None) -> None:
        """End the thread, soon. For good: nothing wakes it any more. interrupt: ends what it may be in the middle of."""
        self.end_soon()
        while self._thread is not None and self._thread.is_alive():
            interrupt()
            self._thread.join(INTERRUPT_EVERY_S)

    def end_soon(self) -> None:
        """Likewise, without waiting for it: for what uses nothing that others close."""
        with self._starting:
            self._stopping.set()
        self._arrived.set()
