"""How a signal ends a server's process in an orderly way, from its first moment on.

While its modules are loaded there is nothing to put in order, and SIGTERM and SIGHUP end it with exit code 0. From then on they raise
SystemExit where they come, so that whatever was opened is closed and what is thrown away is removed. While requests are served they
are `sv.web.serve`'s, which puts these back. SIGINT is Python's KeyboardInterrupt, which unwinds likewise. Assumes the main thread of a
process of its own.
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
    """Whether a signal came. SCAR: an exception that a signal raises while Python forgets the lock of a module that it has imported is
    dropped there, so that the server started as if none had come."""
    return _is_asked_for


def end_at_signals() -> None:
    """As long as nothing is open. SCAR: not by an exception, since one in the midst of loading a module of C has crashed the process."""
    _handle(lambda _number, _frame: os._exit(0))


def unwind_at_signals() -> None:
    """From now on."""
    _handle(_unwind)


@contextlib.contextmanager
def held_off() -> Generator[None]:
    """For what takes a moment and has to be done in whole: no signal disturbs the block, but for those that can't be held off."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    """SIGHUP that is ignored stays so: from outside, as by `nohup`, or since one came."""
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _unwind(number: int, _: FrameType | None) -> None:
    global _is_asked_for
    _is_asked_for = True
    if number == signal.SIGHUP:
        signal.signal(
            number, signal.SIG_IGN
        )  # a terminal that is closed sends it more than once: by the shell, and by the kernel
    raise SystemExit(0)
