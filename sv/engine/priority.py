"""The priority of threads. Linux has one a thread, which anybody may lower; where a system has none, nothing happens.

Ingest runs at the ordinary priority. What can wait for it is below, in two steps: what writes files, and what answers questions.
And ingest's threads ask for the processor in short slices, so that one that wakes up needn't wait until another's slice is over.
"""

import contextlib
import os
import struct
import sys
import threading
from collections.abc import Generator, Iterable
from typing import Final

QUERY_NICENESS: Final = 19
"""Of threads that answer questions, and of the engine's own. The lowest there is."""

STORE_NICENESS: Final = 10
"""Of the thread that flushes and merges: questions don't hold it up, and it doesn't hold up ingest.

At 0, the p99 of ingest during flushes was 3.2 times that of an idle server, at 10 it is 2.4 times (`ingest_under_queries_bench`)."""


def lower_own_priority(niceness: int = QUERY_NICENESS) -> None:
    """Put the calling thread below ingest."""
    lower_priority([threading.get_native_id()], niceness)


def lower_priority(thread_ids: Iterable[int], niceness: int = QUERY_NICENESS) -> None:
    """Put threads of this process, by the numbers that the system gives them, below ingest."""
    if not os.path.isdir("/proc/self/task"):  # elsewhere setpriority would take the whole process down with it
        return
    for thread_id in thread_ids:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread_id, niceness)
            _set_slice(thread_id, _ORDINARY_SLICE)


SHORT_SLICE_NS: Final = 100_000
"""Of the processor, for a thread of ingest at a time. Linux from 6.12 on lets such a one in at once when it wakes up, where others' slices
are of some three milliseconds; it gets no more of the processor by that. Ingest's p99 during flushes was 5.6 to 6.3 ms without, and is
4.1 to 4.9 (`ingest_under_queries_bench`)."""

_ORDINARY_SLICE: Final = 0
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""The system call's number: the C library has no function for it, nor has Python."""

_SCHED_ATTR: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, niceness, real-time priority, slice in ns, deadline, period"""


def shorten_slices(thread_ids: Iterable[int]) -> None:
    """Have these threads of this process get the processor soon and for a short time. Threads that they start inherit it, until they are
    lowered."""
    for thread_id in thread_ids:
        _set_slice(thread_id, SHORT_SLICE_NS)


def _set_slice(thread_id: int, slice_ns: int) -> None:
    """Nothing where the system knows no slices (Linux before 6.12, other systems), nor where somebody chose a policy of their own."""
    number = _SCHED_SETATTR.get(os.uname().machine) if sys.platform == "linux" else None
    if number is None:
        return
    import ctypes

    with contextlib.suppress(OSError):
        if os.sched_getscheduler(thread_id) == os.SCHED_OTHER:
            niceness = os.getpriority(os.PRIO_PROCESS, thread_id)
            attributes = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, 0, niceness, 0, slice_ns, 0, 0)
            ctypes.CDLL(None).syscall(number, thread_id, attributes, 0)


def all_thread_ids() -> list[int]:
    """The numbers of this process's threads; none where the system doesn't tell."""
    try:
        return [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        return []


GIVING_WAY_S: Final = 0.0005
"""Within so many seconds a thread that runs Python lets another one run that waits to. Five milliseconds are Python's own choice.

With those ingest's p99 beside three heavy queries was 22 ms, where it is 13 to 15 (`ingest_under_queries_bench`). But where ingest has the
cores for itself, so short a time takes a seventh of the single-event requests that it can answer."""


class GivingWay:
    """Has Python's threads take turns quickly while there are questions to answer. Thread-safe; one for the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._ordinary_s = 0.0

    @contextlib.contextmanager
    def __call__(self) -> Generator[None]:
        """Inside the block, in whichever thread."""
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._ordinary_s = sys.getswitchinterval()
                sys.setswitchinterval(GIVING_WAY_S)
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if not self._count:
                    sys.setswitchinterval(self._ordinary_s)


giving_way: Final = GivingWay()
