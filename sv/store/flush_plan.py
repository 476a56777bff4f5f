"""Decides which files a flush writes."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct, structs

from sv.store.ports import BufferGroup

MAX_FILES_PER_FLUSH: Final = 64
"""Of one project. Events of more days than this (an import through the API, a hostile clock) share one file of many days."""

Span = tuple[int, int]

SpansOf = Callable[[str, Sequence[str]], Sequence[Span]]
"""(project, days) -> its rows of these days, cut so that none weighs more than a file may."""


class FilePlan(Struct, frozen=True):
    """A file to write. day: of its folder, None for many days. span: which of the days' rows, first and last; None for all."""

    project_id: str
    days: list[str]
    day: str | None
    span: Span | None = None


def plan_files(groups: Sequence[BufferGroup], most_weight: int, spans_of: SpansOf) -> list[FilePlan]:
    """The files to write for a buffer with these groups, project by project. Deterministic: asked twice about the same buffer it gives the
    same plan.

    most_weight: how much a file may weigh (`BufferGroup.weight`).
    """
    groups_of: dict[str, list[BufferGroup]] = {}
    for group in groups:
        groups_of.setdefault(group.project_id, []).append(group)
    return [
        file
        for project_id in sorted(groups_of)
        for some in _by_file(groups_of[project_id])
        for file in cut_file(some, most_weight, spans_of)
    ]


def cut_file(groups: Sequence[BufferGroup], most_weight: int, spans_of: SpansOf) -> list[FilePlan]:
    """The file for some groups of one project; several where one would be too heavy."""
    project_id, days = groups[0].project_id, [group.day for group in groups]
    file = FilePlan(project_id, days, days[0] if len(days) == 1 else None)
    if sum(group.weight for group in groups) <= most_weight:
        return [file]
    return [structs.replace(file, span=span) for span in spans_of(project_id, days)]


def _by_file(groups: list[BufferGroup]) -> list[list[BufferGroup]]:
    """One project's groups, put together by the file that they share."""
    alone = groups if len(groups) <= MAX_FILES_PER_FLUSH else groups[: MAX_FILES_PER_FLUSH - 1]
    rest = groups[len(alone) :]
    return [[group] for group in alone] + ([rest] if rest else [])
