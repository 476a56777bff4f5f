"""A storm: clients of every kind on one server that is killed again and again, and what has to be so afterwards.

Writers send events until they are answered, importers take in files until that is done, persons are erased and projects deleted
(`removal_rig.py`). A reader counts all the time, and looks at the books.
"""

import contextlib
import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from books_rig import books, imbalance
from crash_rig import (
    INGEST,
    ROOT,
    Connection,
    Server,
    body_of,
    event,
    files_aside,
    now_ms,
    numbers_in_files,
    numbers_meanwhile,
    temporary_files,
    wait_for,
)
from removal_rig import BACKOFF_S, ERASED_ONE, ITS, Deleter, Eraser

from sv.meta.deleted_marks import marked_deleted
from tests import forked
from tests.stalls import Stalls

DAY_MS = 86_400_000
BUSY = {"SV_FLUSH_SECONDS": "0.3", "SV_FLUSH_EVENTS": "2000", "SV_COMPACT_SECONDS": "0.5", "SV_THREADS": "2"}
ROWS_A_FILE = 3000
COUNT_S = 600.0
"""How long an answer may take in the end, when the events of hundreds of kills are counted, on whatever machine; and an import, which
goes on by itself over some minutes of a server that is killed every other second."""


class Writer(threading.Thread):
    """Sends bodies one after the other, each again and again until it is answered 202; the last one too, after `end`.

    pause_s: between two, so that there is less to be counted afterwards. skew_ms: how far its clock is off.
    """

    def __init__(self, name: str, server: Server, seed: int, pause_s: float = 0.0) -> None:
        super().__init__(name=name)
        self._server = server
        self._chance = random.Random(seed)
        self._pause_s = pause_s
        self.skew_ms = 0
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
                if self._pause_s:
                    time.sleep(self._pause_s)
                elif self._chance.random() < 0.3:
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
                at_ms=now_ms() + self.skew_ms - chance.choice((0, 0, 1, 30)) * DAY_MS if is_dated else None,
                event_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)) if has_ids else None,
                user=f"user {chance.randrange(200)}",
            )
            for number in numbers
        ]
        return numbers, body_of(events)


class Importer(threading.Thread):
    """Makes files and has each taken in by the running server (`sv import --url`) again and again, until that succeeds."""

    def __init__(self, server: Server, seed: int, rows_a_file: int = ROWS_A_FILE) -> None:
        super().__init__(name="importer")
        self._server = server
        self._rows_a_file = rows_a_file
        self._chance = random.Random(seed)
        self._folder = server.output / f"{server.folder.name}-imports"
        self._folder.mkdir()
        self._counter = itertools.count(1)
        self._left: list[tuple[Path, list[str]]] = []
        self._lock = threading.Lock()
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.retries = 0
        self.files = 0
        self.is_ending = False
        self.failure: str | None = None

    def run(self) -> None:
        try:
            while not self.is_ending:
                self.take_in(*self._next_file())
                time.sleep(self._chance.uniform(0.2, 2))
            while self._left:
                self.take_in(*self._left.pop())
        except Exception as error:
            self.failure = repr(error)

    def take_in(self, path: Path, numbers: list[str]) -> None:
        words = [*SV_IMPORT, str(path), "--url", f"http://127.0.0.1:{self._server.port}", "--api-token", "sv_dev"]
        while forked.run(words, cwd=ROOT, env=_bare(), timeout=COUNT_S).returncode:
            self.retries += 1
            time.sleep(self._chance.uniform(0.05, 0.3))
        self.acknowledged.update(numbers)
        self.files += 1

    def make_file(self) -> tuple[Path, list[str]]:
        """A new file of events, counted as sent."""
        nth = next(self._counter)
        numbers = [f"import-{nth}-{row}" for row in range(self._rows_a_file)]
        path = self._folder / f"{nth}.ndjson"
        rows = (
            event(number, at_ms=now_ms() - self._chance.choice((0, 1, 30)) * DAY_MS, user=f"user {row % 200}")
            for row, number in enumerate(numbers)
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.sent.update(numbers)
        return path, numbers

    def import_and_kill(self, chance: random.Random) -> None:
        """With no server on the folder: begin to import into the folder itself, and kill that. The rest is taken in later."""
        made = self.make_file()
        words = [*SV_IMPORT, str(made[0]), "--data", str(self._server.folder)]
        with forked.Forked(words, cwd=ROOT, env=_bare(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.2, 1.5))
            process.kill()
        with self._lock:
            self._left.append(made)

    def _next_file(self) -> tuple[Path, list[str]]:
        with self._lock:
            return self._left.pop() if self._left else self.make_file()


SV_IMPORT = [sys.executable, "-m", "sv", "import", "--project", "dev"]


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SV_")}


class Reader(threading.Thread):
    """Counts the events all the time: never fewer than were acknowledged before it asked, never more than were sent by then. The books
    balance whenever it looks."""

    def __init__(self, server: Server, writers: list[Writer | Importer]) -> None:
        super().__init__(name="reader")
        self._server = server
        self._writers = writers
        self.answers = 0
        self.wrong: list[tuple[int, int, int]] = []
        self.unbalanced: list[dict[str, int]] = []
        self.is_ending = False
        self.failure: str | None = None

    def run(self) -> None:
        try:
            self._read_on()
        except Exception as error:
            self.failure = repr(error)

    def look_at_books(self) -> None:
        found = books(self._server)
        if imbalance(found):
            self.unbalanced.append(found)

    def _read_on(self) -> None:
        while not self.is_ending:
            before = sum(len(writer.acknowledged) for writer in self._writers)
            try:
                total = self._server.total()
                self.look_at_books()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            after = sum(len(writer.sent) for writer in self._writers)
            self.answers += 1
            if not before <= total <= after:
                self.wrong.append((before, total, after))
            time.sleep(0.1)


def tell(found: Counter[str], acknowledged: set[str], sent: set[str]) -> dict[str, Any]:
    """What is wrong with what was found; all empty where nothing is."""
    return {
        "lost": sorted(acknowledged - found.keys())[:10],
        "twice": sorted(number for number, count in found.items() if count > 1)[:10],
        "never sent": sorted(found.keys() - sent)[:10],
    }


RIGHT = {"lost": [], "twice": [], "never sent": []}


class Storm:
    """Clients on one server, and who kills it. `run` first, then `check`, which gives what is wrong."""

    def __init__(
        self, server: Server, chance: random.Random, writers: int = 4, pause_s: float = 0.0, rows_a_file: int = ROWS_A_FILE
    ) -> None:
        self._server = server
        self._chance = chance
        self.writers = [Writer(f"w{number}", server, chance.getrandbits(64), pause_s) for number in range(writers)]
        self.importer = Importer(server, chance.getrandbits(64), rows_a_file)
        self.eraser = Eraser(server)
        self.deleter = Deleter(server)
        self.reader = Reader(server, [*self.writers, self.importer])
        self.ready_s: list[float] = []
        self._stalls = Stalls()
        self.kills = 0

    @property
    def acknowledged(self) -> set[str]:
        return set[str]().union(*(client.acknowledged for client in (*self.writers, self.importer)))

    @property
    def sent(self) -> set[str]:
        return set[str]().union(*(client.sent for client in (*self.writers, self.importer)))

    def run(self, kills: int) -> None:
        """Most kills come while requests are served, every fifth or so while the server still starts, some while no server runs."""
        clients = [*self.writers, self.importer, self.eraser, self.deleter, self.reader, self._stalls]
        for client in clients:
            client.start()
        try:
            for _ in range(kills):
                self._kill_once()
            self._wait_until_ready()
        finally:
            for client in clients:
                client.is_ending = True
            for client in clients:
                client.join(COUNT_S)

    def _kill_once(self) -> None:
        chance, server = self._chance, self._server
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.5))
        else:
            self._wait_until_ready()
            time.sleep(chance.uniform(*chance.choice(((0, 0.15), (0.3, 1), (1, 2)))))
        server.kill()
        self.kills += 1
        if chance.random() < 0.05:
            self.importer.import_and_kill(chance)
        self._spawned_s = time.monotonic()
        server.spawn()

    _spawned_s: float | None = None

    def _wait_until_ready(self) -> None:
        self._server.wait_until_ready()
        if self._spawned_s is not None:
            self.ready_s.append(time.monotonic() - self._spawned_s)
            self._spawned_s = None
            self.reader.look_at_books()

    def check(self) -> dict[str, Any]:
        """What is wrong with what is there now, after SIGTERM in the files, and after another start; {} where nothing is."""
        server, wrong = self._server, {}
        server.answer_s, server.patience_s = COUNT_S, COUNT_S
        clients = (*self.writers, self.importer, self.eraser, self.deleter, self.reader)
        wrong["clients"] = [client.failure for client in clients if client.failure]
        wrong["counts while it went on (acknowledged before, total, sent by then)"] = self.reader.wrong
        wrong |= self._check_answers("at the end")
        wrong["deleted, or marked as such, but not both"] = sorted(self.deleter.deleted ^ marked_deleted(server.folder))
        with contextlib.suppress(AssertionError):  # or they are found below
            wait_for(self._is_removed_gone, "what was erased and deleted to go", COUNT_S, 0.5)
        if server.stop() != 0:
            wrong["stop"] = server.log
        wrong |= {f"in files: {what}": which for what, which in tell(self._in_files(), self.acknowledged, self.sent).items()}
        wrong["left behind"] = temporary_files(server.folder)
        server.start()
        wrong |= self._check_answers("after another start")
        found, expected = books(server), len(self.acknowledged) + len(self.eraser.kept)
        self.reader.look_at_books()
        wrong["books that don't balance"] = self.reader.unbalanced
        wrong["books in the end"] = [] if found["stored"] + found["queued"] == expected else [found, expected]
        listed = server.ask("GET", "/api/v1/projects")[2]["data"]
        wrong["projects that were deleted and are listed"] = [one["id"] for one in listed if one["id"] in self.deleter.deleted]
        before, found, after = server.all_logs.partition("Traceback")
        wrong["traces"] = found and before[-300:] + found + after[:4000]
        wrong["batches that could not be read"] = [path for path in files_aside(server.folder) if "batch" in path.name]
        return {what: which for what, which in wrong.items() if which}

    def _check_answers(self, when: str) -> dict[str, Any]:
        server, found, by_person = self._server, Counter[str](), Counter[str]()
        for listed in server.listed("events", {"event": "crash"}):
            found[listed["properties"]["n"]] += 1
            by_person[listed["distinct_id"]] += 1
        wrong: dict[str, Any] = {f"{when}: {what}": which for what, which in tell(found, self.acknowledged, self.sent).items()}
        persons = server.persons_listed()
        stays = persons.pop("stays", 0)
        wrong[f"{when}: persons"] = sorted((persons - by_person) + (by_person - persons))[:10]
        wrong[f"{when}: erased and there"] = sorted(self.eraser.erased & persons.keys())
        wrong[f"{when}: not erased and not there"] = [stays, len(self.eraser.kept)] * (stays != len(self.eraser.kept))
        wrong[f"{when}: total"] = [] if server.total() == len(self.acknowledged) else [server.total(), len(self.acknowledged)]
        return wrong

    def _is_removed_gone(self) -> bool:
        found = numbers_meanwhile(self._server.folder)
        return found is not None and found.keys().isdisjoint({ITS, ERASED_ONE})

    def _in_files(self) -> Counter[str]:
        found = numbers_in_files(self._server.folder)
        return Counter({number: count for number, count in found.items() if number not in self.eraser.kept})

    def told(self) -> str:
        ready, slow = sorted(self.ready_s), sum(waited_s > 2 for waited_s in self.ready_s)
        return (
            f"{self.kills} kills, {len(self.acknowledged)} events acknowledged, {sum(writer.retries for writer in self.writers)} retries, "
            f"{self.importer.files} files imported with {self.importer.retries} tries that a kill cut short, "
            f"{len(self.eraser.erased)} persons erased, {len(self.deleter.deleted)} projects deleted, {self.reader.answers} counts; "
            f"ready after {ready[len(ready) // 2]:.2f} s (median), {ready[-1]:.2f} s (longest), {slow} of {len(ready)} after "
            f"more than 2 s; the machine once stood still for {self._stalls.longest_s:.2f} s"
        )


def report(wrong: Mapping[str, object]) -> int:
    """Print what `check` found; an exit code."""
    for what, which in wrong.items():
        print(f"{what}: {which}")
    print("something is wrong" if wrong else "nothing lost, nothing twice")
    return 1 if wrong else 0
