"""Clients of a storm who have things removed: persons erased, projects deleted."""

import abc
import http.client
import itertools
import json
import threading
import time
from typing import Any

from crash_rig import INGEST, PROJECT, Server, body_of, event, now_ms

DAY_MS = 86_400_000
BACKOFF_S = (0.02, 0.05, 0.1, 0.2, 0.4)
PAUSE_S = 0.5
"""Between two projects: what is left of one goes by a flush, and others have theirs to do."""
ERASED = "erased"
"""The name of events whose person is going to be erased, which nobody else counts."""
ERASED_ONE = "e"
ITS = "its"
"""The `n` of each event of a person that is going to be erased, and of a project that is going to be deleted."""


class Remover(threading.Thread, abc.ABC):
    """Has one after the other removed, until the end. A question that isn't answered is asked again."""

    def __init__(self, name: str, server: Server) -> None:
        super().__init__(name=name)
        self._server = server
        self._counter = itertools.count(1)
        self.is_ending = False
        self.failure: str | None = None

    def run(self) -> None:
        try:
            while not self.is_ending:
                self._remove_one(f"gone {next(self._counter)}")
        except Exception as error:
            self.failure = repr(error)

    @abc.abstractmethod
    def _remove_one(self, name: str) -> None: ...

    def _ask(self, method: str, path: str, body: bytes | None, expected: int, or_else: int = 0) -> Any:
        """Ask until it is answered as expected: a server that is down or busy is asked again. None for the other one, at a second try."""
        for attempt in itertools.count():
            try:
                status, _, content = self._server.ask(method, path, body)
            except (OSError, http.client.HTTPException, ValueError):
                status, content = 503, None
            if status == expected:
                return content
            if attempt and status == or_else:
                return None
            assert status >= 500, (method, path, status, content)
            time.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        raise AssertionError


class Eraser(Remover):
    """Gives a person some events, has the person erased, and waits until that is done."""

    def __init__(self, server: Server) -> None:
        super().__init__("eraser", server)
        self.erased: set[str] = set()
        self.kept: set[str] = set()

    def _remove_one(self, name: str) -> None:
        for nth in range(4):
            kept = f"{name} {nth}"
            events = [event(ERASED_ONE, at_ms=now_ms() - nth * DAY_MS, user=name), event(kept, at_ms=now_ms(), user="stays")]
            self._ask("POST", INGEST, body_of([one | {"event": ERASED} for one in events]), 202)
            self.kept.add(kept)
        # A question whose answer was lost is asked again, and the person may be gone by then.
        job = self._ask("POST", f"{PROJECT}/persons/{name.replace(' ', '%20')}/erase", b"", 202, or_else=404)
        if job is None:
            self.erased.add(name)
            return
        while not self.is_ending or job["status"] in ("queued", "running"):
            job = self._ask("GET", f"{PROJECT}/jobs/{job['id']}", None, 200)
            if job["status"] == "done":
                self.erased.add(name)
                return
            assert job["status"] != "failed", job
            time.sleep(0.05)


class Deleter(Remover):
    """Makes a project, gives it events of some days, some of them right before it deletes the project, and goes on to the next."""

    def __init__(self, server: Server) -> None:
        super().__init__("deleter", server)
        self.deleted: set[str] = set()

    def _remove_one(self, name: str) -> None:
        project_id = name.replace(" ", "-")
        self._ask("POST", "/api/v1/projects", json.dumps({"id": project_id, "name": name}).encode(), 201, or_else=409)
        token = self._ask("GET", f"/api/v1/projects/{project_id}", None, 200)["project_tokens"][0]["token"]
        for nth in range(3):
            events = [event(ITS, at_ms=now_ms() - day * DAY_MS, user=f"user {nth}") for day in range(3)]
            self._ask("POST", INGEST, json.dumps({"projectToken": token, "events": events}).encode(), 202)
            time.sleep(0.2)
        self._ask("DELETE", f"/api/v1/projects/{project_id}", None, 204, or_else=404)
        self.deleted.add(project_id)
        time.sleep(PAUSE_S)
