"""A fixed small life of a data folder, and each of its system calls failing in turn: what the sweep and its sample in CI share.

A life is a process of its own (`sweep_victim.py`) under strace. It takes requests through ingest's own `Capture`, flushes, merges, takes
chunks of a recording, and tries again what was refused, as a client and the background do. A fault is one call: the n-th of its name on
one group of files. Afterwards the folder is opened again, what never was acknowledged is sent once more, and the answers are compared
with those of a life without a fault.
"""

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash_rig import BROWSER, ROOT, body_of, event, files_aside, numbers_in_files, temporary_files
from fault_rig import whole_calls
from folder_rig import PROJECT, Folder, now_ms

from sv.model.errors import NotFound, SvError
from sv.model.person_parsing import parse_persons_query
from sv.model.session_parsing import parse_sessions_query
from sv.recordings.request import parse_upload_request
from sv.wal.fault import LogFault

DAY_MS = 86_400_000
LIFE_S = 120.0
TRIES = 5
REFUSED = "refused again and again"
"""What a life ends with that was refused so often: right where the fault met each try, for strace counts the calls of each thread, and the
engine begins new ones."""
CHUNK = b'[{"type":4,"data":{"href":"https://shop.example/","width":1,"height":1},"timestamp":1}]'
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
SYNCS = ("fdatasync", "fsync")
NAMES = ("rename", "renameat", "renameat2", "unlink", "unlinkat")
CALLS = (*WRITES, *SYNCS, *NAMES, "ftruncate", "mkdir")
KINDS = ("EIO", "ENOSPC", "SIGKILL")
GROUPS = (
    ("catalog's log", r"sv\.db-wal|sv\.db-journal"),
    ("catalog", r"sv\.db(-shm)?"),
    ("log", r"log(/[0-9a-f]{8}\.wal)?"),
    ("spare segments", r"log/spare-.*"),
    ("event files", r"events(/.*)?"),
    ("answers", r"retries(/.*)?"),
    ("recordings", r"objects(/.*)?"),
)
OTHERS = "folder"


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


class Life(Folder):
    """An open folder with a client's side: `tell` is called with the name of each request that was acknowledged."""

    def __init__(self, path: Path, base_ms: int, tell: Callable[[str], object]) -> None:
        super().__init__(path, threads=1)
        self._loop = asyncio.new_event_loop()
        self._tell = tell
        self._bodies = requests(base_ms)
        self.server.capture.open(self.server.log, self._loop)

    def begin(self) -> None:
        """The first request, and the end by SIGTERM."""
        self.request("first")
        self.close()

    def live(self) -> None:
        """The whole of it, ending as SIGTERM does."""
        for name in ("first", "second", "chunk 0"):
            self.request(name)
        self.try_to(self.flush)
        self.request("third")
        self.request("fourth")
        self.try_to(self.flush)
        self.try_to(self.merge)
        self.request("fifth")
        self.request("chunk 1")
        self.close()

    def close(self) -> None:
        super().close()
        self._loop.close()

    def request(self, name: str) -> None:
        """Send it until it is acknowledged."""
        self.try_to(lambda: self._upload(int(name[-1])) if name in CHUNKS else self._send(self._bodies[name]))
        self._tell(name)

    def try_to(self, act: Callable[[], object]) -> None:
        for _ in range(TRIES):
            with contextlib.suppress(OSError, SvError, LogFault):
                act()
                return
        raise AssertionError(REFUSED)

    def _send(self, body: bytes) -> None:
        answer = self._loop.run_until_complete(self.server.capture.capture(body, "", BROWSER, None))
        assert answer.status == 202, answer

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
        }


@dataclass(frozen=True)
class Fault:
    """The `nth` call `call` on the files `paths`, which are of `group`, fails with an error, or is where the process ends."""

    call: str
    group: str
    paths: tuple[str, ...]
    kind: str
    nth: int

    def rule(self) -> str:
        what = f"signal={self.kind}" if self.kind.startswith("SIG") else f"error={self.kind}"
        return f"inject={self.call}:{what}:when={self.nth}"

    def __str__(self) -> str:
        return f"{self.kind} at {self.call} number {self.nth} of {self.group}"


@dataclass
class Lived:
    """What became of a life. told: the requests that were acknowledged, in order. trace: the calls, of the group where there is one."""

    told: list[str]
    exit_code: int
    said: str
    trace: list[str] = field(default_factory=list)

    @property
    def is_hit(self) -> bool:
        return any(line.endswith("(INJECTED)") for line in self.trace) or self.exit_code in (
            -signal.SIGKILL,
            128 + signal.SIGKILL,
        )


def lived(folder: Path, base_ms: int, fault: Fault | None = None, template: Path | None = None) -> Lived:
    """A life with the fault: the whole of it on a copy of the template, or the beginning on a folder that isn't there yet."""
    if template is not None:
        shutil.copytree(template, folder)
    strace = shutil.which("strace")
    assert strace, "the sweep needs strace (apt-get install strace)"
    trace = folder.with_name(f"{folder.name}.trace")
    # The fault's call, and those by which WAL-1 is looked after.
    calls = CALLS if fault is None else {fault.call, *SYNCS, *NAMES, "pwritev", "pwritev2"}
    words = [strace, "-f", "-qq", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={','.join(sorted(calls))}"]
    if fault is not None:
        words += ["-e", fault.rule()]
        for path in fault.paths:
            words += ["-P", str(folder / path)]
    ours, theirs = socket.socketpair()
    with ours, theirs, folder.with_name(f"{folder.name}.err").open("wb") as err:
        number = theirs.fileno()
        victim = [sys.executable, str(Path(__file__).with_name("sweep_victim.py")), str(folder), str(base_ms), str(number)]
        victim += ["begin" if template is None else "live"]
        process = subprocess.Popen([*words, *victim], cwd=ROOT, pass_fds=[number], stderr=err, stdin=subprocess.DEVNULL)
        theirs.close()
        try:
            told = b"".join(iter(lambda: ours.recv(65536), b"")).decode().splitlines()
            code = process.wait(LIFE_S)
        finally:
            process.kill()
            process.wait()
    said = folder.with_name(f"{folder.name}.err").read_text(errors="replace")
    return Lived(told, code, said, list(whole_calls(trace.read_text(errors="replace"))))


def make_template(folder: Path, base_ms: int) -> Path:
    """A folder at rest without events, to begin lives on."""
    Life(folder, base_ms, lambda name: None).close()
    return folder


def group_of(path: str) -> str:
    return next((name for name, pattern in GROUPS if re.fullmatch(pattern, path)), OTHERS)


def find_calls(plain: Lived, folder: Path) -> dict[tuple[str, str], int]:
    """How often each call was made on each group of files, as the trace of a life without a fault says."""
    found: Counter[tuple[str, str]] = Counter()
    for line in plain.trace:
        if path := _path_in(line, folder):
            found[_name_of(line), group_of(path)] += 1
    return dict(found)


def paths_of(plain: Lived, folder: Path) -> dict[str, tuple[str, ...]]:
    """The files of each group, relative to the folder."""
    found: dict[str, set[str]] = {}
    for line in plain.trace:
        for path in re.findall(rf"[<\"]{re.escape(str(folder))}/?([^>\"]*)[>\"]", line):
            found.setdefault(group_of(path), set()).add(path)
    # The next numbers of the log too: a fault makes it go on in another file.
    found.setdefault("log", set()).update(f"log/{number:08x}.wal" for number in range(1, 24))
    found.setdefault("spare segments", set()).update(
        f"log/spare-{number:08x}.{kind}" for number in range(1, 24) for kind in ("wal", "tmp")
    )
    return {group: tuple(sorted(paths)) for group, paths in found.items()}


def _name_of(line: str) -> str:
    return re.sub(r"^\d+\s+", "", line).partition("(")[0]


def _path_in(line: str, folder: Path) -> str | None:
    found = re.search(rf"[<\"]{re.escape(str(folder))}/?([^>\"]*)[>\"]", line)
    return None if found is None else found[1]


def problems(folder: Path, base_ms: int, life: Lived, expected: dict[str, Any] | None) -> list[str]:
    """Open the folder again and go on as the client would; what isn't as it should be, a line each."""
    wrong = list(hasty_writes(life.trace))
    hits = sum(line.endswith("(INJECTED)") for line in life.trace)
    if "Traceback" in life.said and not (REFUSED in life.said and hits >= TRIES):
        wrong.append(f"a trace: {life.said[-600:]}")
    names = [*requests(base_ms), *CHUNKS]
    after = Life(folder, base_ms, lambda name: None)
    try:
        found = after.numbers()
        acknowledged = Counter(number for name in life.told if name not in CHUNKS for number in NUMBERS[name])
        wrong += [f"acknowledged and lost: {sorted(acknowledged - found)}"] if acknowledged - found else []
        wrong += [f"there twice: {sorted(found - EXPECTED)}"] if found - EXPECTED else []
        held = {f"chunk {index}" for index, _ in after.answers()["chunks"]}
        wrong += [f"acknowledged and lost: {name}" for name in CHUNKS if name in life.told and name not in held]
        for name in names:
            if name not in life.told:
                after.request(name)
        answers = after.answers()
        wrong += [f"expected {expected}, got {answers}"] if expected is not None and answers != expected else []
    finally:
        after.close()
    wrong += _at_rest(folder)
    return wrong


NUMBERS = {"first": "12", "second": "3", "third": "45", "fourth": "6", "fifth": "7"}


def _at_rest(folder: Path) -> Iterator[str]:
    in_files = numbers_in_files(folder)
    if in_files != EXPECTED:
        yield f"the files have {dict(in_files)}"
    if left := temporary_files(folder):
        yield f"left behind: {left}"
    if aside := files_aside(folder):
        yield f"set aside: {aside}"
    for name in CHUNKS:
        path = folder / f"objects/recordings/{PROJECT}/s-1/chunk_{int(name[-1]):06}.json"
        if path.read_bytes() != CHUNK:
            yield f"{path} has other bytes"


def hasty_writes(trace: Sequence[str]) -> Iterator[str]:
    """INVARIANT WAL-1: after a write or sync of a segment failed, nothing more is written to it or synced there.

    A file that is removed leaves its name to a new one.
    """
    given_up: set[str] = set()
    for line in trace:
        call = _name_of(line)
        if call in NAMES and "(INJECTED)" not in line:
            given_up -= set(re.findall(r"\"(/[^\"]*)\"", line))
        found = re.search(r"<(/[^>]*/log/[0-9a-f]{8}\.wal)>", line)
        if found is None or call not in (*WRITES, *SYNCS):
            continue
        if found[1] in given_up:
            yield f"written after a failure: {line}"
        if line.endswith("(INJECTED)"):
            given_up.add(found[1])
