"""A start brings back what the log holds, and is quick about it."""

import queue
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from conftest import Serve
from crash_rig import Server, dated, wait_for
from folder_rig import Folder, batch_of

from sv.model.batch import encode_batch
from sv.model.errors import DiskRefuses
from sv.wal.log import Commit

LOG_BYTES = 100_000_000
BATCH_EVENTS = 10
REPLAY_CPU_S = 2.0
EMPTY_CPU_S = 0.5


def processor_s(server: Server) -> float:
    """What the server has used of the processor: what a clock on the wall says depends on who else is at work."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def write_log(folder: Folder) -> int:
    """Batches of ten events, as clients send them, into the log alone. Returns how many events."""
    properties = {"$current_url": "https://shop.example/products/12345?utm_source=news", "plan": "pro", "amount": 12.5}
    events: list[dict[str, Any]] = msgspec.json.decode(batch_of([""] * BATCH_EVENTS).events)
    commits: queue.SimpleQueue[Commit] = queue.SimpleQueue()
    folder.server._waiting_for_log = commits
    log, size, count = folder.server.log, 0, 0
    while size < LOG_BYTES:
        for event in events:
            event["properties"] = {"n": f"{count}", **properties}
            count += 1
        key = count.to_bytes(16, "big")
        payload = encode_batch(
            msgspec.structs.replace(batch_of([]), event_count=BATCH_EVENTS, retry_key=key, events=encode(events))
        )
        size += len(payload)
        log.append(payload)
        while log.queued_bytes > 16_000_000:
            time.sleep(0.005)
    wait_for(lambda: log.queued_bytes == 0, "the log to be written")
    folder.crash()
    return count


encode = msgspec.json.Encoder().encode


def test_a_hundred_megabytes_of_log_are_brought_back_in_two_seconds_of_the_processor(serve: Serve) -> None:
    server = serve(SV_MEMORY_LIMIT="1GiB").start()  # or ingest would refuse until that much is in files
    server.kill()
    count = write_log(Folder(server.folder))
    began = time.monotonic()
    server.start()
    print(f"{count} events: ready after {time.monotonic() - began:.2f} s, {processor_s(server):.2f} s of the processor")
    assert processor_s(server) < REPLAY_CPU_S
    assert f"brought back {count} events" in server.log
    server.answer_s = 300.0  # for a count of all of them, on a machine that has much other work
    server.store(dated("new"))
    assert server.metric("sv_events_held") == count + 1
    assert server.total() == count + 1


def test_an_empty_folder_is_ready_in_half_a_second_of_the_processor(serve: Serve) -> None:
    server = serve().start()
    server.store(dated("first"))
    assert processor_s(server) < EMPTY_CPU_S
    assert server.numbers() == Counter(["first"])


REFUSING = """
import sys
from sv.cli import main
from sv.model.errors import DiskRefuses
from sv.store.rollups import RollupWork

def start(self):
    raise DiskRefuses("the metadata can't be read: Input/output error")

RollupWork.start = start
sys.exit(main())
"""


def test_a_server_whose_disk_goes_while_it_starts_says_so_and_ends_as_one_that_failed(serve: Serve) -> None:
    server = serve().start()
    server.store(dated("one"))
    server.kill()
    server.code = REFUSING
    server.spawn()
    assert server.process.wait(60) == DiskRefuses.exit_code
    assert "sv: the metadata can't be read: Input/output error" in server.log
    assert "Traceback" not in server.log
    server.code = ""
    assert server.start().numbers() == {"one": 1}
