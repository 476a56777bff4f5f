"""A background thread that is started only once there is work for it: rebuilding rollups, jobs, watching the disk.

Answers for starting, sleeping, waking and stopping. What the thread does, and carrying on after an error, is up to its owner.
"""

import threading
from collections.abc import Callable
from typing import Final

INTERRUPT_EVERY_S: Final = 0.1
"""How often a thread that is to stop is interrupted: a statement that is just beginning forgets an interrupt."""


class Worker:
    """Thread-safe. run: the thread's work. It has to return soon after `is_stopping`, and may sleep by `pause` and `until_woken` alone."""

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
        """Wait for some seconds, or until `stop`. Returns whether the thread is to stop."""
        return self._stopping.wait(seconds)

    def until_woken(self, seconds: float | None = None) -> None:
        """Return once `wake` was called since the last call of this, the thread is to stop, or the seconds are over."""
        self._arrived.wait(seconds)
        self._arrived.clear()

    def wake(self) -> None:
        """Tell the thread that there is work; starts it the first time."""
        self._arrived.set()
        with self._starting:
            if self._thread is None and not self.is_stopping():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, interrupt: Callable[[], None] = lambda: None) -> None:
        """Stop the thread for good, and wait for it. interrupt: called again and again meanwhile, to end whatever it may be in the middle
        of."""
        self.end_soon()
        while self._thread is not None and self._thread.is_alive():
            interrupt()
            self._thread.join(INTERRUPT_EVERY_S)

    def end_soon(self) -> None:
        """As `stop`, without waiting: for a thread that uses nothing which others close."""
        with self._starting:
            self._stopping.set()
        self._arrived.set()
