"""The lives of a folder that the sweep of system calls fails: what a client sends in them and what comes of it.

They go through ingest's own `Capture`, flush, merge, take chunks of a recording, delete a project, and try again what was refused, as a
client and the background do.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crash_rig import BROWSER, body_of, event
from folder_rig import PROJECT, Folder, now_ms

from sv.auth.passwords import verify_password
from sv.auth.tokens import describe_api_token
from sv.cli.credentials import ADMIN_EMAIL, Credentials, first_credentials, note_shown
from sv.model.access import Actor
from sv.model.errors import NotFound, SvError
from sv.model.person_parsing import parse_persons_query
from sv.model.session_parsing import parse_sessions_query
from sv.people.projects import delete_project
from sv.recordings.request import parse_upload_request
from sv.wal.fault import LogFault

DAY_MS = 86_400_000
TRIES = 5
REFUSED = "refused again and again"
"""What a life ends with that was refused so often: right where the fault met each try, for strace counts the calls of each thread, and the
engine begins new ones."""
CHUNK = b'[{"type":4,"data":{"href":"https://shop.example/","width":1,"height":1},"timestamp":1}]'


def requests(base_ms: int) -> dict[str, bytes]:
    """The bodies of a life, by the step that sends them: two persons, two days, a session, one body known by its events' ids alone."""
    old, ann, bob = base_ms - DAY_MS, "ann", "bob"
    return {
        "first": body_of([event("1", at_ms=base_ms, user=ann), event("2", at_ms=old, user=bob)]),
        "second": body_of([event("3", at_ms=base_ms + 1, user=ann)]),
        "third": body_of([event("4", at_ms=base_ms + 2, user=ann), event("5", at_ms=old + 1, user="cleo")]),
        "fourth": body_of([event("6", event_id="0191c3a0-0000-4000-8000-000000000001", user=bob)]),
        "fifth": body_of([event("7", at_ms=base_ms + 3, user="dora")]),
    }


EXPECTED = Counter(["1", "2", "3", "4", "5", "6", "7"])
CHUNKS = ("chunk 0", "chunk 1")
NUMBERS = {"first": "12", "second": "3", "third": "45", "fourth": "6", "fifth": "7"}
DELETION = "deletion"
SHOWN = "credentials"
GONE = "gone"


class Life(Folder):
    """An open folder with a client's side: `tell` is called with the name of each request that was acknowledged."""

    def __init__(self, path: Path, base_ms: int, tell: Callable[[str], object], clock: Callable[[], int] | None = None) -> None:
        self._tell = tell
        super().__init__(path, threads=1, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._bodies = requests(base_ms)
        self.server.capture.open(self.server.log, self._loop)

    def live(self) -> None:
        """The whole of it, ending as SIGTERM does."""
        for name in ("first", "second", "chunk 0"):
            self.request(name)
        self.try_to(self.flush)
        self.request("third")
        self.request("fourth")
        self.try_to(self.flush)
        self.try_to(self.merge)
        self.request(DELETION)
        self.request("fifth")
        self.request("chunk 1")
        self.close()

    def close(self) -> None:
        super().close()
        self._loop.close()

    def request(self, name: str) -> None:
        """Send it until it is acknowledged."""
        if name in CHUNKS:
            self.try_to(lambda: self._upload(int(name[-1])))
        elif name == DELETION:
            self.try_to(self._delete)
        else:
            self.try_to(lambda: self._send(self._bodies[name]))
        self._tell(name)
        if name == DELETION:
            self.try_to(self.server.maintenance.remove_deleted)

    def try_to(self, act: Callable[[], object]) -> None:
        for _ in range(TRIES):
            with contextlib.suppress(OSError, SvError, LogFault):
                act()
                return
        raise AssertionError(REFUSED)

    def _send(self, body: bytes) -> None:
        answer = self._loop.run_until_complete(self.server.capture.capture(body, "", BROWSER, None))
        assert answer.status == 202, answer

    def _delete(self) -> None:
        with contextlib.suppress(NotFound):
            delete_project(self.server.people, Actor("cli", None, "somebody"), GONE)

    def _upload(self, index: int) -> None:
        asked = b'{"projectToken":"sv_pub_dev","sessionId":"s-1","chunkIndex":%d,"sizeBytes":%d}' % (index, len(CHUNK))
        opened = self.server.recordings
        key = opened.recordings.promise(PROJECT, parse_upload_request(asked), "http://here").key
        assert opened.own is not None
        with opened.recordings.arriving(key, len(CHUNK)):
            opened.recordings.admit(key)
            upload = opened.own.begin(key)
            try:
                upload.write(CHUNK)
                opened.recordings.store(key, len(CHUNK), upload.finish)
            finally:
                upload.abandon()

    def answers(self) -> dict[str, Any]:
        """What the lists say, without what depends on when a request came."""
        services = self.server.load_services()
        persons = services.persons.page(PROJECT, parse_persons_query([]), is_merged=False)
        sessions = services.sessions.page(PROJECT, parse_sessions_query([], timezone="UTC", now_ms=now_ms()), is_merged=False)
        try:
            chunks = self.server.recordings.recordings.list_chunks(PROJECT, "s-1", "http://here")
        except NotFound:
            chunks = []
        return {
            "events": sorted(self.numbers().items()),
            "persons": sorted((one["distinct_id"], one["event_count"]) for one in persons["data"]),
            "sessions": sorted((one["distinct_id"], one["event_count"]) for one in sessions["data"]),
            "chunks": [(chunk["index"], chunk["size"]) for chunk in chunks],
            "projects": sorted(project.name for project in self.server.projects.list_all()),
        }


class FirstLife(Life):
    """The first start of a folder as `sv serve` has it, the first request, and the end by SIGTERM."""

    made: Credentials | None = None

    def make_project(self) -> None:
        self.made = first_credentials(self.server)
        if self.made is not None:
            self._tell(SHOWN)
            note_shown(self.server)
        super().make_project()

    def live(self) -> None:
        self.request("first")
        self.close()

    def locked_out(self, told: list[str]) -> list[str]:
        """What keeps people out, or lets in those whom nobody knows, a line each. told: in the first life."""
        people, made = self.server.people, self.made
        wrong = ["credentials were made and never shown"] if made is None and SHOWN not in told else []
        users = [user.email for user in people.users.list_all()]
        wrong += [f"users: {users}"] if users != [ADMIN_EMAIL] else []
        good = [token for token in people.api_tokens.list_all() if token.revoked_ms is None]
        wrong += [f"{len(good)} API tokens are good"] if len(good) != 1 else []
        if made is not None:
            login = people.users.find_login(made.email)
            assert login is not None
            if not verify_password(login[1], made.password):
                wrong.append("the password that was shown is none")
            if people.api_tokens.find_live(describe_api_token(made.api_token or "").hash, now_ms()) is None:
                wrong.append("the API token that was shown is none")
            if people.project_tokens.resolve_project_token(made.project_token, now_ms()) != made.project_id:
                wrong.append("the project token that was shown is none")
        return wrong
