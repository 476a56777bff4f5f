"""The threads of a funnel's arithmetic."""

import os
import threading
from pathlib import Path

from sv.engine.priority import lower_own_priority
from sv.insights.funnel.keys import in_threads


def test_threads_of_a_query_thread_give_way_to_ingest_as_it_does() -> None:
    if not Path("/proc/self/task").is_dir():
        return  # elsewhere threads have no niceness of their own
    found: list[int] = []

    def work() -> None:
        lower_own_priority()
        found.extend(in_threads(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), range(4), 2))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [19] * 4
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < 19
