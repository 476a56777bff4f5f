"""Enforces retention (`sv.model.project_settings`): adds jobs that remove events, and has recordings removed, once a project no longer
keeps them.

Days are whole UTC days: with 30 days of retention, events of today and of the 30 days before are kept. So a file of one day is deleted as a
whole, and none is rewritten more than once a day. Recordings expire by the hour, counted from when their first URL was given out. Assumes
that `look` is called every so often. Never touches a project that keeps everything.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sv.meta.projects import Project
from sv.model.errors import SvError
from sv.model.jobs import Job, Kind
from sv.model.limits import DAY_MS
from sv.model.part import Part
from sv.model.project_settings import read_project_settings
from sv.model.redaction import redacted

log = logging.getLogger(__name__)

SUBJECT: Final = "events"
"""One job a project, that goes by the day on which it runs."""


class ExpiryRows(Protocol):
    """The jobs at rest, as far as they are added here."""

    def add(self, project_id: str, kind: Kind, subject: str, now_ms: int) -> Job: ...

    def is_about(self, project_id: str, kind: Kind, subject: str) -> bool: ...


class Expiring:
    """parts: a project's files. expire_recordings: has what is older than a moment removed, or at least noted to be. lies_aside: whether
    something of a project that is older than a moment was set aside. is_doubted: whether nothing is to go by the clock just now."""

    def __init__(
        self,
        rows: ExpiryRows,
        projects: Callable[[], Sequence[Project]],
        find_project: Callable[[str], Project | None],
        parts: Callable[[str], Sequence[Part]],
        expire_recordings: Callable[[str, int], int],
        now_ms: Callable[[], int],
        lies_aside: Callable[[str, int], bool],
        is_doubted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._rows = rows
        self._projects = projects
        self._find_project = find_project
        self._parts = parts
        self._expire_recordings = expire_recordings
        self._now_ms = now_ms
        self._lies_aside = lies_aside
        self._is_doubted = is_doubted
        self._done_for: dict[str, int] = {}
        """By project the moment for which a job was added last: one a day is enough.

        SCAR: of many visitors some have a clock that is years behind, in every hour one, and each time all lists were made anew."""

    def look(self) -> None:
        """Add a job for each project that has events which are too old, or whose last such job failed."""
        projects = self._projects()
        self._done_for = {project.id: self._done_for[project.id] for project in projects if project.id in self._done_for}
        for project in projects:
            try:
                self._look_at(project)
            except (SvError, OSError) as error:
                log.warning("can't remove the expired events of project %s yet: %s", project.id, redacted(error))

    def keep_from_ms(self, project_id: str) -> int | None:
        """The moment from which on the project keeps events. None where it keeps everything, for good or just now, and where the project is
        gone."""
        project = self._find_project(project_id)
        return None if project is None else self._keep_from_ms(project)

    def _keep_from_ms(self, project: Project) -> int | None:
        days = read_project_settings(project.settings).event_retention_days
        return None if days is None or self._is_doubted() else max((self._now_ms() // DAY_MS - days) * DAY_MS, 0)

    def _look_at(self, project: Project) -> None:
        keep_from_ms = self._keep_from_ms(project)
        is_due = (
            keep_from_ms is not None
            and keep_from_ms != self._done_for.get(project.id)
            and (
                any(part.min_ts_ms < keep_from_ms for part in self._parts(project.id))
                or self._lies_aside(project.id, keep_from_ms)
            )
        )
        if is_due or self._rows.is_about(project.id, "expire_events", SUBJECT):
            self._rows.add(project.id, "expire_events", SUBJECT, self._now_ms())
            if keep_from_ms is not None:
                self._done_for[project.id] = keep_from_ms
        days = read_project_settings(project.settings).recording_retention_days
        if days is not None and not self._is_doubted():
            count = self._expire_recordings(project.id, self._now_ms() - days * DAY_MS)
            if count:
                log.info("%d chunks of recordings of project %s were too old", count, project.id)
