"""`kill -9` at random moments, under writers that retry as our clients do: nothing acknowledged is lost, nothing is there twice,
and what lists are read from (rollups) says the same as the events.

SV_CRASH_KILLS sets how many kills (30), SV_CRASH_SEED repeats a run's choices; moments depend on the machine too.
"""

import http.client
import itertools
import os
import random
import threading
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from conftest import Serve
from crash_rig import INGEST, Connection, Server, body_of, event, files_aside, now_ms, numbers_in_files, temporary_files

KILLS = int(os.environ.get("SV_CRASH_KILLS", "30"))
SEED = int(os.environ.get("SV_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
WRITERS = 4
DAY_MS = 86_400_000
BUSY = {"SV_FLUSH_SECONDS": "0.3", "SV_FLUSH_EVENTS": "2000", "SV_COMPACT_SECONDS": "0.5"}
BACKOFF_S = (0.02, 0.05, 0.1, 0.2, 0.4)


class Writer(threading.Thread):
    """Sends bodies one after the other, each again and again until it is answered 202; the last one too, after `end`."""

    def __init__(self, name: str, server: Server, seed: int) -> None:
        super().__init__(name=name)
        self._server = server
        self._chance = random.Random(seed)
        self._counter = itertools.count(1)
        self._connection: Connection | None = None
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.retries = 0
        self.is_ending = False
        self.failure: str | None = None

    def run(self) -> None:
        try:
            while not self.is_ending:
                self._send_until_answered()
                if self._chance.random() < 0.3:
                    time.sleep(self._chance.uniform(0, 0.02))
        except Exception as error:
            self.failure = repr(error)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _send_until_answered(self) -> None:
        numbers, body = self._next_body()
        self.sent.update(numbers)
        for attempt in itertools.count():
            status, content = self._try_to_send(body)
            if status == 202:
                assert content["accepted"] == len(numbers), content
                self.acknowledged.update(numbers)
                return
            assert status == 0 or status >= 500, (status, content)
            self.retries += 1
            time.sleep(self._chance.uniform(0.5, 1) * BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])

    def _try_to_send(self, body: bytes) -> tuple[int, Any]:
        """Status 0 where no answer came."""
        if self._connection is None:
            self._connection = Connection(self._server.port, timeout_s=10)
        try:
            status, _, content = self._connection.ask("POST", INGEST, body)
        except (OSError, http.client.HTTPException):
            self._connection = None
            return 0, None
        return status, content

    def _next_body(self) -> tuple[list[str], bytes]:
        """A body whose repetition the server can know: by its bytes, by the events' ids, or by both."""
        chance = self._chance
        numbers = [f"{self.name}-{next(self._counter)}" for _ in range(chance.choice((1, 1, 3, 10, 40)))]
        is_dated, has_ids = chance.choice(((True, False), (False, True), (True, True)))
        events = [
            event(
                number,
                at_ms=now_ms() - chance.choice((0, 0, 1, 30)) * DAY_MS if is_dated else None,
                event_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)) if has_ids else None,
                user=f"user {chance.randrange(200)}",
            )
            for number in numbers
        ]
        return numbers, body_of(events)


class Reader(threading.Thread):
    """Counts the events all the time: never fewer than were acknowledged before it asked, never more than were sent by then."""

    def __init__(self, server: Server, writers: list[Writer]) -> None:
        super().__init__(name="reader")
        self._server = server
        self._writers = writers
        self.answers = 0
        self.wrong: list[tuple[int, int, int]] = []
        self.is_ending = False

    def run(self) -> None:
        while not self.is_ending:
            before = sum(len(writer.acknowledged) for writer in self._writers)
            try:
                total = self._server.total()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            after = sum(len(writer.sent) for writer in self._writers)
            self.answers += 1
            if not before <= total <= after:
                self.wrong.append((before, total, after))
            time.sleep(0.1)


def kill_again_and_again(server: Server, chance: random.Random) -> None:
    """Most kills come while requests are served, every fifth or so while the server still starts."""
    for _ in range(KILLS):
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.5))
            server.kill()
            server.spawn()
        else:
            server.wait_until_ready()
            time.sleep(chance.uniform(*chance.choice(((0, 0.15), (0.3, 1), (1, 3)))))
            server.kill()
            server.spawn()
    server.wait_until_ready()


def tell(found: Counter[str], acknowledged: set[str], sent: set[str]) -> dict[str, Any]:
    """What is wrong with what was found; all empty where nothing is."""
    return {
        "lost": sorted(acknowledged - found.keys())[:10],
        "twice": sorted(number for number, count in found.items() if count > 1)[:10],
        "never sent": sorted(found.keys() - sent)[:10],
    }


RIGHT = {"lost": [], "twice": [], "never sent": []}


@pytest.mark.slow
def test_thirty_kills_under_four_writers_lose_nothing_acknowledged_and_double_nothing(serve: Serve) -> None:
    print(f"SV_CRASH_SEED={SEED} SV_CRASH_KILLS={KILLS}")
    chance = random.Random(SEED)
    server = serve(**BUSY).start()
    writers = [Writer(f"w{number}", server, chance.getrandbits(64)) for number in range(WRITERS)]
    reader = Reader(server, writers)
    for thread in [*writers, reader]:
        thread.start()
    try:
        kill_again_and_again(server, chance)
    finally:
        for thread in [*writers, reader]:
            thread.is_ending = True
        for thread in [*writers, reader]:
            thread.join(60)
    assert [writer.failure for writer in writers] == [None] * WRITERS
    sent = set[str]().union(*(writer.sent for writer in writers))
    acknowledged = set[str]().union(*(writer.acknowledged for writer in writers))
    retries = sum(writer.retries for writer in writers)
    print(f"{len(acknowledged)} events acknowledged, {retries} retries, {reader.answers} counts, {server.starts} starts")
    assert len(acknowledged) > 10 * KILLS
    assert retries > KILLS, "the kills met nobody"

    assert tell(server.numbers(), acknowledged, sent) == RIGHT
    assert server.persons_listed() == server.by_person()
    assert server.total() == len(acknowledged), "everything was sent until it was answered"
    assert reader.wrong == [], "(acknowledged before, total, sent by then)"

    assert server.stop() == 0, server.log
    assert tell(numbers_in_files(server.folder), acknowledged, sent) == RIGHT
    assert sum(numbers_in_files(server.folder).values()) == len(acknowledged)
    assert temporary_files(server.folder) == []

    server.start()
    assert tell(server.numbers(), acknowledged, sent) == RIGHT
    assert server.persons_listed() == server.by_person()
    assert server.total() == len(acknowledged)
    assert "Traceback" not in server.all_logs
    assert "batch" not in " ".join(path.name for path in files_aside(server.folder)), "an acknowledged batch could not be read"
