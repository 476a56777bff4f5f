"""The books of the folder: whatever is killed and whenever one looks, every accepted event is in exactly one state."""

import http.client
import random
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

from books_rig import books, imbalance
from conftest import Serve
from crash_rig import INGEST, Connection, Server, body_of, event, now_ms, part_files, wait_for
from test_crash_damage import cut_off, fill

KILLS = 5
WRITERS = 2
BUSY = {"SV_FLUSH_SECONDS": "0.2", "SV_FLUSH_EVENTS": "500", "SV_COMPACT_SECONDS": "0.5", "SV_THREADS": "2"}


class Sender(threading.Thread):
    """Sends bodies with timestamps, one after the other, each until it is answered 202. Some events repeat an `eventId` of before."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__()
        self._server = server
        self._chance = random.Random(seed)
        self._ids: list[str] = []
        self.accepted = 0
        self.repeated = 0
        self.is_ending = False

    def run(self) -> None:
        nth = 0
        while not self.is_ending:
            nth += 1
            ids = [str(uuid.UUID(int=self._chance.getrandbits(128), version=4)) for _ in range(self._chance.choice((1, 5, 30)))]
            again = self._chance.sample(self._ids, min(len(self._ids), self._chance.choice((0, 0, 1, 3))))
            events = [event(f"{self.name} {nth}", at_ms=now_ms(), event_id=each) for each in (*ids, *again)]
            self._send(body_of(events))
            self._ids = [*self._ids, *ids][-50:]
            self.accepted += len(events)
            self.repeated += len(again)

    def _send(self, body: bytes) -> None:
        while True:
            connection = Connection(self._server.port, timeout_s=10)
            try:
                status, _, _ = connection.ask("POST", INGEST, body)
            except (OSError, http.client.HTTPException):
                status = 0
            finally:
                connection.close()
            if status == 202:
                return
            time.sleep(0.02)


class Auditor(threading.Thread):
    """Looks at the books all the time."""

    def __init__(self, server: Server, senders: list[Sender]) -> None:
        super().__init__()
        self._server = server
        self._senders = senders
        self.readings = 0
        self.wrong: list[object] = []
        self.is_ending = False

    def run(self) -> None:
        while not self.is_ending:
            acknowledged = sum(sender.accepted for sender in self._senders)
            try:
                found = books(self._server)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            self.readings += 1
            if imbalance(found) or found["accepted"] < acknowledged:
                self.wrong.append((acknowledged, found))


def test_at_every_moment_and_across_kills_each_accepted_event_is_in_exactly_one_state(serve: Serve) -> None:
    server = serve(**BUSY).start()
    senders = [Sender(server, seed) for seed in range(WRITERS)]
    auditor = Auditor(server, senders)
    for thread in (*senders, auditor):
        thread.start()
    chance = random.Random(7)
    for _ in range(KILLS):
        seen = auditor.readings
        wait_for(lambda seen=seen: auditor.readings > seen, "a reading since the start", 60)
        time.sleep(chance.uniform(0.1, 0.5))
        server.kill()
        server.start()
    for sender in senders:
        sender.is_ending = True
        sender.join()
    auditor.is_ending = True
    auditor.join()
    assert auditor.wrong == []
    assert auditor.readings >= KILLS
    accepted, repeated = (sum(values) for values in zip(*((each.accepted, each.repeated) for each in senders), strict=True))
    assert server.total() == accepted - repeated
    assert server.stop() == 0
    server.start()
    assert books(server) == {
        "accepted": accepted,
        "imported": 0,
        "stored": accepted - repeated,
        "queued": 0,
        "set_aside": 0,
        "repeated": repeated,
        "removed": 0,
    }


def test_events_of_a_damaged_file_are_set_aside_in_the_books_and_its_bytes_are_counted(serve: Serve, tmp_path: Path) -> None:
    folder, days = fill(tmp_path / "data", 3)
    server = serve(folder)
    damaged: Path = part_files(server.folder)[1]
    cut_off(damaged)
    size = damaged.stat().st_size
    server.start()
    found = books(server)
    assert imbalance(found) == 0
    assert found["set_aside"] == days[1].total()
    assert found["stored"] + found["queued"] == sum(days, Counter[str]()).total() - days[1].total()
    assert (server.metric("sv_aside_files"), server.metric("sv_aside_bytes")) == (1, size)
    server.kill()
    server.start()
    assert books(server) == found


def test_how_long_the_oldest_event_waits_is_told_and_nothing_once_all_are_in_files(serve: Serve) -> None:
    server = serve().start()
    assert server.metric("sv_held_age_seconds") == 0
    server.store(body_of([event("one", at_ms=now_ms())]))
    first = server.metric("sv_held_age_seconds")
    assert 0 <= first < server.metric("sv_held_age_seconds")
    assert server.total() == 1
    assert server.metric("sv_held_age_seconds") > first
    assert server.metric("sv_log_bytes") > 0
