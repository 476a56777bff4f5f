"""Cheap rows, and a disk whose syncs and writes can be made to fail, or to be all that a power cut leaves."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Project, Projects
from sv.model.part import NewPart

NOW = 1_738_281_600_000
MINUTE = 60_000


def part(name: str, *, project: str = "dev", day: str | None = "2025-01-31", rows: int = 10) -> NewPart:
    return NewPart(
        project_id=project,
        path=f"events/project={project}/day={day or 'mixed'}/{name}.parquet",
        day=day,
        rows=rows,
        bytes=rows * 40,
        min_ts_ms=NOW,
        max_ts_ms=NOW + rows,
        min_received_ms=NOW + 5,
        max_received_ms=NOW + rows + 5,
        created_ms=NOW + 1000,
    )


def make_project(meta: Meta, project_id: str = "dev", *, tokens: ProjectTokens | None = None) -> Project:
    projects = Projects(meta, tokens or ProjectTokens(meta))
    return projects.create(project_id.title(), token=f"sv_pub_{project_id}", now_ms=NOW, project_id=project_id)


def names(parts: Parts) -> list[str]:
    return [Path(each.path).stem for each in parts.live_parts()]


@dataclass
class Faults:
    """Which calls on which file (by the end of its name) fail from now on.

    synced: a folder that always holds each file as it was at its last sync, and nothing written since.
    """

    sync: set[str] = field(default_factory=set[str])
    write: set[str] = field(default_factory=set[str])
    synced: Path | None = None
    error: apsw.Error = field(default_factory=lambda: apsw.IOError("injected"))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, calls: set[str], name: str) -> None:
        if any(name.endswith(end) for end in calls):
            raise self.error

    def keep(self, name: str) -> None:
        # A journal is there only while an empty file is put into log mode, and is deleted by a synced call.
        if self.synced is not None and not name.endswith("-journal"):
            with self.lock:
                shutil.copyfile(name, self.synced / Path(name).name)

    def cut_power(self, image: Path) -> None:
        """Put into a new folder what the disk would hold if the power went now."""
        assert self.synced is not None
        with self.lock:
            shutil.copytree(self.synced, image)


class FaultyFile(apsw.VFSFile):
    def __init__(self, faults: Faults, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self.faults = faults
        self.name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xSync(self, flags: int) -> None:
        self.faults.check(self.faults.sync, self.name)
        super().xSync(flags)
        self.faults.keep(self.name)

    def xWrite(self, data: bytes, offset: int) -> None:
        self.faults.check(self.faults.write, self.name)
        super().xWrite(data, offset)


class FaultyVFS(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        super().__init__("faulty", "unix", makedefault=True)
        self.faults = faults

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultyFile:
        return FaultyFile(self.faults, name, flags)


@contextmanager
def faulty_disk() -> Iterator[Faults]:
    """Every file that SQLite opens in the block is on a disk that does as `Faults` says."""
    faults = Faults()
    vfs = FaultyVFS(faults)
    try:
        yield faults
    finally:
        vfs.unregister()
        apsw.set_default_vfs("unix")
