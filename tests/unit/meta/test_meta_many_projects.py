"""A fold of thousands of projects' events looks at each summary once, and not once for each project."""

from collections.abc import Iterator
from pathlib import Path

from sv.meta.db import Meta
from sv.meta.rollups.builds import RollupBuilds
from sv.model.rollup import ALIASES, Summary

PROJECTS = [f"p{number}" for number in range(20)]


class Counted(list[Summary]):
    """Summaries that count how often somebody goes through them."""

    passes = 0

    def __iter__(self) -> Iterator[Summary]:
        self.passes += 1
        return super().__iter__()


def test_the_summaries_of_many_projects_are_gone_through_once(tmp_path: Path) -> None:
    summaries = Counted(Summary(ALIASES, project, "[]") for _ in range(2) for project in PROJECTS)
    with Meta.open(tmp_path / "sv.db") as meta:
        RollupBuilds(meta).fold(summaries, 1, 0)
        built = meta.rows("select project_id from rollup_builds where state = 'live'")
    assert sorted(project for (project,) in built) == sorted(PROJECTS)
    assert summaries.passes == 1
