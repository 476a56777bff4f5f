"""Which files a flush writes."""

from collections.abc import Sequence
from typing import Final

from sv.store.ports import BufferGroup

MAX_FILES_PER_FLUSH: Final = 64
"""Of one project. Events of more days than this (an import through the API, a hostile clock) share one file of many days."""


def plan_files(groups: Sequence[BufferGroup]) -> list[tuple[str, list[str], str | None]]:
    """(project, days, folder's day or None for many days) of each file to write for a buffer of these groups, projects in order."""
    days_of: dict[str, list[str]] = {}
    for group in groups:
        days_of.setdefault(group.project_id, []).append(group.day)
    plan: list[tuple[str, list[str], str | None]] = []
    for project_id in sorted(days_of):
        days = days_of[project_id]
        alone = days if len(days) <= MAX_FILES_PER_FLUSH else days[: MAX_FILES_PER_FLUSH - 1]
        plan += [(project_id, [day], day) for day in alone]
        if len(alone) < len(days):
            plan.append((project_id, days[len(alone) :], None))
    return plan
