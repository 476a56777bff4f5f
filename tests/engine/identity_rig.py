"""A rig whose persons and rollups are kept in SQLite, as a server keeps them, and whose snapshots are merged."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sv.insights.runner import Context
from sv.meta.db import Meta
from sv.meta.persons import Persons
from sv.meta.rollups.alias_lists import AliasLists
from sv.meta.rollups.builds import RollupBuilds
from sv.model.batch import StoredBatch
from sv.model.snapshot import Snapshot
from tests.engine.rig import LIMITS, RECEIVED, Rig


class KeptNumbers:
    """Numbers given out by SQLite; `numbers` are those given so far."""

    def __init__(self, meta: Meta) -> None:
        self._kept = Persons(meta)
        self.numbers: dict[tuple[str, str], int] = {}

    def number(self, project_id: str, distinct_ids: str) -> str:
        answered = self._kept.number_persons(project_id, distinct_ids)
        for distinct_id, number in zip(json.loads(distinct_ids), json.loads(answered), strict=True):
            self.numbers[project_id, distinct_id] = number
        return answered


class MergedRig(Rig):
    """What enters a buffer is folded into the rollups at once, as the server does before a query."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.meta = Meta.open(folder / "sv.db")
        self.builds = RollupBuilds(self.meta)
        super().__init__(folder, persons=KeptNumbers(self.meta), aliases=AliasLists(self.meta, self.builds))

    def close(self) -> None:
        super().close()
        self.meta.close()

    def buffer(self, *batches: StoredBatch) -> int:
        generation = super().buffer(*batches)
        rolled = self.builds.rolled_seq()
        last = max((stored.seq for stored in batches), default=rolled)
        self.builds.fold(self.tables.summarise([generation], rolled, last), last, RECEIVED)
        return generation

    def rebuild(self, project: str = "p") -> None:
        """The project's rollups made anew from everything at rest and in buffers."""
        build = self.builds.begin(project)
        found = self.tables.summarise(self.buffers, 0, self.builds.rolled_seq(), project)
        for part in self.parts:
            if part.project_id == project:
                found += self.tables.summarise_file(self.folder / part.path, project)
        assert self.builds.add(build, found, RECEIVED)
        assert self.builds.finish(build)

    def snapshot(self, project: str = "p") -> Snapshot:
        return super().snapshot(project).merged()

    def forward(self, project: str = "p") -> Context:
        """What an insight gets where the project's identity is not merged."""
        return Context(self.engine, self.engine.pin(super().snapshot(project), LIMITS), LIMITS, 2)


@contextmanager
def merged_rig(folder: Path) -> Iterator[MergedRig]:
    rig = MergedRig(folder)
    try:
        yield rig
    finally:
        rig.close()
