"""How signals end a server's process in good order, from its first moment on.

While its modules are being loaded there is nothing to clean up: SIGTERM and SIGHUP end the process with exit code 0. After that they raise
SystemExit wherever the main thread is, so that whatever is open gets closed and throwaway folders are removed. While requests are served
the signals belong to `sv.web.serve`, which puts these handlers back at its end. SIGINT is Python's KeyboardInterrupt, which unwinds in the
same way. Assumes the main thread of a process of its own.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_is_asked_for = False


def is_asked_for() -> bool:
    """Whether a signal has asked the process to end. SCAR: an exception that a signal raises just while Python releases the lock of an
    imported module is dropped there, and the server started as if no signal had come."""
    return _is_asked_for


def end_at_signals() -> None:
    """Exit at once at a signal, while nothing is open yet. SCAR: not by an exception, since one in the midst of loading a C module has
    crashed the process."""
    _handle(lambda _number, _frame: os._exit(0))


def unwind_at_signals() -> None:
    """From now on a signal raises SystemExit."""
    _handle(_unwind)


@contextlib.contextmanager
def held_off() -> Generator[None]:
    """Ignore signals inside the block, for what is short and has to be done as a whole."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    """A SIGHUP that is ignored stays ignored: from outside, as by `nohup`, or since one came."""
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _unwind(number: int, _: FrameType | None) -> None:
    global _is_asked_for
    _is_asked_for = True
    if number == signal.SIGHUP:
        # A terminal that is closed sends it more than once: by the shell, and by the kernel.
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)
