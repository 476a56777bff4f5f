"""A fixed small life of a data folder, or its first start, and each of its system calls failing in turn: what the sweep and its sample in CI
share.

A life (`life_rig.py`) is a process of its own (`sweep_victim.py`) under strace. A fault is one call: the n-th of its name on one group of
files. Afterwards the folder is opened again, what never was acknowledged is sent once more, and the answers are compared with those of a
life without a fault. Of a first start, those who were shown credentials, or are shown some by the next one, get in with them.
"""

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from crash_rig import ROOT, files_aside, numbers_in_files, temporary_files
from fault_rig import whole_calls
from folder_rig import PROJECT, batch_of, catalog_at_rest, now_ms
from life_rig import CHUNK, CHUNKS, DELETION, EXPECTED, GONE, NUMBERS, REFUSED, TRIES, FirstLife, Life, requests

from sv.meta.deleted_marks import marked_deleted
from sv.meta.deleted_projects import DeletedProjects
from sv.model.batch import encode_batch

LIFE_S = 120.0
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
SYNCS = ("fdatasync", "fsync")
NAMES = ("rename", "renameat", "renameat2", "unlink", "unlinkat")
OPENS = ("openat",)
CALLS = (*WRITES, *SYNCS, *NAMES, *OPENS, "ftruncate", "mkdir")
KINDS = ("EIO", "ENOSPC", "SIGKILL")
GROUPS = (
    ("catalog's log", r"sv\.db-wal|sv\.db-journal"),
    ("catalog", r"sv\.db(-shm)?"),
    ("log", r"log(/[0-9a-f]{8}\.wal)?"),
    ("spare segments", r"log/spare-.*"),
    ("event files", r"events(/.*)?"),
    ("answers", r"retries(/.*)?"),
    ("recordings", r"objects(/.*)?"),
    ("marks", r"deleted(/.*)?"),
)
OPENED = ("answers", "marks")
"""Of these groups opening counts too: a mark is nothing but a name."""
OTHERS = "folder"
BASE = "BASE"
"""Stands in paths for the moment at which a life begins."""


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
    is_first: bool = False

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
        # TRICKY: with errors alone. It makes a life a fifth shorter, but strace 6.1 then sends no signal.
        words += [] if fault.kind.startswith("SIG") else ["--seccomp-bpf"]
        words += ["-e", fault.rule()]
        for path in fault.paths:
            words += ["-P", str(folder / path.replace(BASE, _name_of_time(base_ms)))]
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
    return Lived(told, code, said, list(whole_calls(trace.read_text(errors="replace"))), template is None)


def make_template(folder: Path, base_ms: int) -> Path:
    """A folder at rest to begin lives on: without events, but for one of the project that will be deleted."""
    life = Life(folder, base_ms, lambda name: None)
    life.server.projects.create(GONE, token="sv_pub_gone", now_ms=base_ms, project_id=GONE)
    batch = msgspec.structs.replace(batch_of(["of a project that goes"], at_ms=base_ms), project_id=GONE)
    life.server.store_now(batch, encode_batch(batch))
    life.close()
    return folder


def group_of(path: str) -> str:
    return next((name for name, pattern in GROUPS if re.fullmatch(pattern, path)), OTHERS)


def find_calls(plain: Lived, folder: Path) -> dict[tuple[str, str], int]:
    """How often each call was made on each group of files, as the trace of a life without a fault says."""
    found: Counter[tuple[str, str]] = Counter()
    for line in plain.trace:
        if path := _path_in(line, folder):
            call, group = _name_of(line), group_of(path)
            found[call, group] += call not in OPENS or group in OPENED
    return {key: count for key, count in found.items() if count}


def paths_of(plain: Lived, folder: Path, base_ms: int) -> dict[str, tuple[str, ...]]:
    """The files of each group, relative to the folder, with BASE for the time in names of answers."""
    found: dict[str, set[str]] = {}
    for line in plain.trace:
        for path in re.findall(rf"[<\"]{re.escape(str(folder))}/?([^>\"]*)[>\"]", line):
            found.setdefault(group_of(path), set()).add(path.replace(_name_of_time(base_ms), BASE))
    # The next numbers of the log too: a fault makes it go on in another file.
    found.setdefault("log", set()).update(f"log/{number:08x}.wal" for number in range(1, 24))
    found.setdefault("spare segments", set()).update(
        f"log/spare-{number:08x}.{kind}" for number in range(1, 24) for kind in ("wal", "tmp")
    )
    return {group: tuple(sorted(paths)) for group, paths in found.items()}


def _name_of_time(at_ms: int) -> str:
    """As the files of answers have it."""
    return f"{at_ms:015d}"


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
    names = [*requests(base_ms), *CHUNKS, DELETION]
    if unmarked := _deleted_at_rest(folder) - marked_deleted(folder):
        wrong.append(f"deleted and not marked: {unmarked}")
    after = (FirstLife if life.is_first else Life)(folder, base_ms, lambda name: None)
    try:
        wrong += after.locked_out(life.told) if isinstance(after, FirstLife) else []
        found = after.numbers()
        acknowledged = Counter(number for name in life.told for number in NUMBERS.get(name, ""))
        wrong += [f"acknowledged and lost: {sorted(acknowledged - found)}"] if acknowledged - found else []
        wrong += [f"there twice: {sorted(found - EXPECTED)}"] if found - EXPECTED else []
        held = {f"chunk {index}" for index, _ in after.answers()["chunks"]}
        wrong += [f"acknowledged and lost: {name}" for name in CHUNKS if name in life.told and name not in held]
        if DELETION in life.told and after.server.projects.find(GONE):
            wrong.append("acknowledged and not done: the project's deletion")
        if marked_deleted(folder) != (deleted := DeletedProjects(after.server.meta, now_ms).ids()):
            wrong.append(f"marked as deleted: {marked_deleted(folder)}, and the catalog says {deleted}")
        after.server.maintenance.remove_deleted()  # as the thread does that nobody has started here
        for name in names:
            if name not in life.told:
                after.request(name)
        answers = after.answers()
        wrong += [f"expected {expected}, got {answers}"] if expected is not None and answers != expected else []
    finally:
        after.close()
    wrong += _at_rest(folder)
    return wrong


def _deleted_at_rest(folder: Path) -> frozenset[str]:
    with catalog_at_rest(folder) as meta:
        return DeletedProjects(meta, now_ms).ids()


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
