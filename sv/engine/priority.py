"""The priority of threads, which keeps ingest ahead of everything else.

Linux gives each thread a priority of its own, which anybody may lower; on systems without that, nothing happens. Ingest runs at the
ordinary priority. What can wait for it is below, in two steps: threads that write files, and threads that answer questions.

A priority is a share of the processor and says little about how soon a thread gets it: one that wakes up for a tenth of a millisecond may
have to wait behind a thread of the lowest priority until the scheduler's next tick, up to four milliseconds later. So ingest's threads are
real-time threads where the system allows it, and elsewhere ask for short slices of processor time.
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
    """Put threads of this process, given by the system's ids, below ingest."""
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

REAL_TIME: Final = 1
"""The lowest of the real-time priorities, all of which are above every ordinary thread."""

_ORDINARY_SLICE: Final = 0
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""The system call's number: the C library has no function for it, nor has Python."""

_SCHED_ATTR: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, niceness, real-time priority, slice in ns, deadline, period"""

_FIRST: Final = os.SCHED_RR | os.SCHED_RESET_ON_FORK if sys.platform == "linux" else 0


def put_first(thread_ids: Iterable[int]) -> None:
    """Have these threads of this process get the processor as soon as they want it. For threads that never want it for long.

    Makes them real-time threads where the system allows that (root, CAP_SYS_NICE, or RLIMIT_RTPRIO of 1 or more); threads and processes
    that they start don't inherit it. Not on a single processor, where everything else would only get what they leave over, nor in a process
    that somebody has niced, which is meant to give way to others. Elsewhere they get short slices.
    """
    may_be_first = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    for thread_id in thread_ids:
        if not (may_be_first and _make_real_time(thread_id)):
            _set_slice(thread_id, SHORT_SLICE_NS)


def put_back(thread_ids: Iterable[int]) -> None:
    """Make those of these threads ordinary again that `put_first` has changed."""
    if sys.platform != "linux":
        return
    for thread_id in thread_ids:
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(thread_id) == _FIRST:
                os.sched_setscheduler(thread_id, os.SCHED_OTHER, os.sched_param(0))


def _make_real_time(thread_id: int) -> bool:
    with contextlib.suppress(OSError):
        if os.sched_getscheduler(thread_id) == os.SCHED_OTHER and os.getpriority(os.PRIO_PROCESS, thread_id) <= 0:
            os.sched_setscheduler(thread_id, _FIRST, os.sched_param(REAL_TIME))
            return True
    return False


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
    """The system's ids of this process's threads; none where the system doesn't tell."""
    try:
        return [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        return []


GIVING_WAY_S: Final = 0.0005
"""Within so many seconds a thread that runs Python lets another one run that waits to. Five milliseconds are Python's own choice.

With those ingest's p99 beside three heavy queries was 22 ms, where it is 13 to 15 (`ingest_under_queries_bench`). But where ingest has the
cores for itself, so short a time takes a seventh of the single-event requests that it can answer."""


class GivingWay:
    """Makes Python switch between threads more often while questions are being answered. Thread-safe; one per process."""

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
