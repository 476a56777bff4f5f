"""How a signal ends a command that has a data folder open, for itself: in order, as Ctrl+C does, and soon.

SIGTERM and SIGHUP would leave behind what is begun. And Python does what a signal asks for once the main thread has come to the end of what
it is at, which of a statement may be many seconds: so a thread hears of it, and interrupts the engine.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

from sv.cli.failures import Outcome

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)

AGAIN_S: Final = 0.05
"""A statement that is just beginning forgets an interrupt, and what several threads are at is several statements."""


@contextlib.contextmanager
def ending_soon(interrupt: Callable[[], None]) -> Generator[None]:
    """Inside the block. interrupt: ends what the engine is at; called again and again. Assumes the main thread of a process of its own."""
    is_asked_for, is_over = threading.Event(), threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watching = threading.Thread(target=_watch, args=(reading, interrupt, is_asked_for, is_over), name="sv-signals", daemon=True)
    watching.start()
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:  # as by `nohup`
            signal.signal(number, _end)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    except Exception as error:
        if is_asked_for.is_set():  # what was waited for fails by being interrupted, which is no news
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        is_over.set()
        os.close(writing)
        watching.join()
        os.close(reading)


def _watch(reading: int, interrupt: Callable[[], None], is_asked_for: threading.Event, is_over: threading.Event) -> None:
    if os.read(reading, 1):
        is_asked_for.set()
        while not is_over.wait(AGAIN_S):
            interrupt()


def _end(number: int, _: FrameType | None) -> None:
    for each in _ENDING:  # one is enough: a terminal that is closed sends more than one, and what is being put in order goes on
        signal.signal(each, signal.SIG_IGN)
    Outcome.interrupted = 128 + number  # here, since DuckDB makes an error of its own of what is raised within a statement
    raise KeyboardInterrupt
