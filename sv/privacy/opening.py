"""Builds the jobs from what a server has opened. Called by the composition root."""

import time
from collections.abc import Callable
from functools import partial

from sv.meta.audit import Audit
from sv.meta.db import Meta
from sv.meta.jobs import Jobs
from sv.meta.login_sessions import LoginSessions
from sv.meta.parts import Parts
from sv.meta.persons import Persons
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from sv.meta.rollups.alias_lists import AliasLists
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.definitions import prune_names
from sv.model.identity import is_merged
from sv.model.limits import HOUR_MS
from sv.privacy.aside import is_overdue_aside
from sv.privacy.clock import Clock
from sv.privacy.erasing import Erasing, Recorded
from sv.privacy.expiring import Expiring
from sv.privacy.jobs import JobWork
from sv.privacy.trail import Trail
from sv.settings import Settings
from sv.store.event_store import EventStore
from sv.store.maintenance import Maintenance
from sv.store.rewriting import Rewriting
from sv.store.rollups import Rollups, RollupWork
from sv.wal.log import Log


class KeptSums:
    """The rollups in SQLite (`sv.privacy.erasing.Sums`)."""

    def __init__(self, meta: Meta, builds: RollupBuilds, work: RollupWork) -> None:
        self._meta = meta
        self._builds = builds
        self._work = work
        self._is_merged = True

    def rebuild(self, project_id: str) -> bool:
        is_done = self._work.rebuild(project_id)
        self._is_merged = False
        return is_done

    def purge(self) -> bool:
        if self._builds.purge():
            return True
        if not self._is_merged:
            self._is_merged = not self._builds.merge_search()
        return not self._is_merged

    def prune(self, project_id: str) -> None:
        prune_names(self._meta, project_id)

    def scrub(self) -> None:
        self._meta.empty_log()


class _Whose:
    """To whom distinct ids belong, where a project's identity is merged."""

    def __init__(self, projects: Projects, numbers: Persons, aliases: AliasLists, rollups: Rollups) -> None:
        self._projects = projects
        self._numbers = numbers
        self._aliases = aliases
        self._rollups = rollups

    def owner_of(self, project_id: str, distinct_id: str) -> str:
        project = self._projects.find(project_id)
        if project is None or not is_merged(project.settings):
            return distinct_id
        self._rollups.catch_up()
        number = self._numbers.number_of(project_id, distinct_id)
        owner = None if number is None else self._aliases.owners(project_id, [number]).get(number)
        return distinct_id if owner is None else owner.distinct_id

    def distinct_ids(self, project_id: str, distinct_id: str) -> list[str]:
        project = self._projects.find(project_id)
        if project is None or not is_merged(project.settings) or self.owner_of(project_id, distinct_id) != distinct_id:
            return [distinct_id]  # also of a visitor who has become a user's since they were meant: that user was not
        return sorted({distinct_id, *self._numbers.ids_of(project_id, self._aliases.numbers_of(project_id, distinct_id))})


def open_jobs(
    settings: Settings,
    meta: Meta,
    store: EventStore,
    maintenance: Maintenance,
    rollups: Rollups,
    work: RollupWork,
    log_files: Log,
    recordings: Recorded,
    audit: Audit,
    now_ms: Callable[[], int],
) -> JobWork:
    """The jobs of a data folder, nothing started yet."""
    rows = Jobs(meta)
    projects = Projects(meta, ProjectTokens(meta))  # to read them
    numbers = Persons(meta)
    rewriting = Rewriting(store, maintenance, now_ms)

    whose = _Whose(projects, numbers, AliasLists(meta, RollupBuilds(meta)), rollups)

    def make_erasing(wait: Callable[[float], bool]) -> Erasing:
        return Erasing(
            data_folder=settings.data,
            maintenance=maintenance,
            rewriting=rewriting,
            tables=lambda: store.tables,
            log_files=log_files,
            covered_seq=Parts(meta).covered_seq,
            rows=rows,
            sums=KeptSums(meta, RollupBuilds(meta), work),
            distinct_ids=whose.distinct_ids,
            recordings=recordings,
            session_ids=rewriting.session_ids,
            wait=wait,
        )

    def is_known(project_id: str, distinct_id: str) -> bool:
        rollups.catch_up()
        # SCAR: whose events were kept out, or erased while the page went on, could not have the recordings erased that came under their id.
        return numbers.number_of(project_id, distinct_id) is not None or bool(recordings.sessions_of(project_id, distinct_id))

    parts, expire = store.catalog.parts, recordings.expire_recordings
    lies_aside = partial(is_overdue_aside, settings.data)
    clock = Clock(now_ms, time.monotonic, max((part.max_received_ms for part in parts()), default=None))
    expiring = Expiring(rows, projects.list_all, projects.find, parts, expire, now_ms, lies_aside, clock.is_doubted)
    trail, logins = (
        Trail(audit, meta.together, now_ms),
        LoginSessions(meta, idle_ms=int(settings.login_session_idle_hours * HOUR_MS)),
    )

    def forget_old() -> None:
        trail.forget_old()
        logins.forget_ended(now_ms())

    return JobWork(rows, make_erasing, whose.owner_of, is_known, expiring, trail, forget_old, now_ms)
