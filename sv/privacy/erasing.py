"""Erasing a person: everything that was received before the job began, and nothing else.

    retire    everything accepted is flushed, and then the person's numbers are taken away, before anything more gets rows: what the
              browser sends from now on is a new person's
    log       goes on in new files; the old ones, whose records are in parts by now, are deleted and not used again
    elsewhere the recordings of the person's sessions go, while the files still tell which those are
    files     each that holds the number is written anew without it
    aside     what was set aside is searched too
    lists     are made anew from the files
    sums      the distinct ids are struck from the job, and SQLite's log and search index lose what was deleted

What is older than a project keeps events is taken out of files, the log and lists by the same steps.

Every step may be done again, and is, from the second on, after a crash: the job's row holds the numbers and the ids (JOB-1). Answers that
are kept for retries hold digests of bodies and the names of fields, and go after ten minutes.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from sv.model.errors import Unavailable
from sv.model.jobs import Job
from sv.model.part import NewPart, Part
from sv.model.unwanted import Unwanted
from sv.objects.port import Undeleted
from sv.privacy.aside import erase_aside, expire_aside
from sv.store.maintenance import Maintenance
from sv.store.ports import Tables
from sv.store.rewriting import Rewriting

log = logging.getLogger(__name__)

LOG_TRIES: Final = 5
"""Of deleting the log's old files, a moment apart, before those that stay are named in the job: they are damaged."""

MOMENT_S: Final = 0.2

NAMED_OBJECTS: Final = 100
"""Of a person's recordings, in a job's `left_behind`, where their store keeps them. A session may have 100,000 chunks."""


class JobRows(Protocol):
    """The jobs at rest, as far as the steps change them."""

    def retire(self, job: Job, distinct_ids: Sequence[str]) -> tuple[int, ...]: ...

    def note_progress(self, job: Job, files_done: int, files_total: int) -> None: ...

    def replace_parts(self, job: Job, old_ids: Sequence[int], new_parts: Sequence[NewPart], removed: int) -> list[Part]: ...

    def forget_subject(self, job: Job, left_behind: Sequence[str]) -> None: ...


class LogFiles(Protocol):
    """The write-ahead log's files (`sv.wal.log`)."""

    def renew(self) -> None: ...

    def truncate_below(self, seq: int) -> int: ...

    def outdated(self) -> list[Path]: ...


class Recorded(Protocol):
    """The recordings of sessions (`sv.recordings`)."""

    def sessions_of(self, project_id: str, person_id: str) -> list[str]:
        """Those whose chunks came under this user's or visitor's id."""
        ...

    def expire_recordings(self, project_id: str, before_ms: int) -> int: ...

    def erase_session_recordings(self, project_id: str, session_ids: Sequence[str]) -> int: ...

    def forget_persons(self, project_id: str, person_ids: Sequence[str]) -> None: ...


class Sums(Protocol):
    """The rollups and the file that they are in."""

    def rebuild(self, project_id: str) -> bool:
        """Rebuild them from the files. Returns False where something interfered."""
        ...

    def purge(self) -> bool:
        """Delete some of what was replaced, including entries of the text index. Returns False where there is nothing left."""
        ...

    def prune(self, project_id: str) -> None:
        """Forget names that no event has any more."""
        ...

    def scrub(self) -> None:
        """Leave nothing deleted behind in SQLite's log. Raises Unavailable."""
        ...


class Stopped(Exception):
    """The server ends; the job goes on at its next start."""


class Erasing:
    """Runs one job at a time.

    distinct_ids: returns all ids of a project's person, including the one that was named. session_ids: returns the session ids that the
    project's files hold for persons of these numbers. wait: waits some seconds; returns True where the server ends.
    """

    def __init__(
        self,
        *,
        data_folder: Path,
        maintenance: Maintenance,
        rewriting: Rewriting,
        tables: Callable[[], Tables],
        log_files: LogFiles,
        covered_seq: Callable[[], int],
        rows: JobRows,
        sums: Sums,
        distinct_ids: Callable[[str, str], Sequence[str]],
        recordings: Recorded,
        session_ids: Callable[[str, Sequence[int]], Sequence[str]],
        wait: Callable[[float], bool],
    ) -> None:
        self._data_folder = data_folder
        self._maintenance = maintenance
        self._rewriting = rewriting
        self._tables = tables
        self._log_files = log_files
        self._covered_seq = covered_seq
        self._rows = rows
        self._sums = sums
        self._distinct_ids = distinct_ids
        self._recordings = recordings
        self._session_ids = session_ids
        self._wait = wait

    def erase(self, job: Job) -> None:
        """Run all steps, except marking the job as done. Raises Stopped, Unavailable, LogFault, OSError; then it may be called again."""
        persons, ids = job.persons, job.distinct_ids or ()
        if persons is None:
            assert job.subject is not None
            found = ids = tuple(self._distinct_ids(job.project_id, job.subject))
            persons = self._maintenance.flush_and(lambda: self._rows.retire(job, found))
        left_behind = self._empty_log()
        if job.subject is not None:
            left_behind += self._erase_recordings(job.project_id, persons, ids)
        self._rewrite(job, Unwanted(persons=persons))
        if job.subject is not None:
            left_behind += erase_aside(self._data_folder, job.project_id, persons, ids, self._tables())
            left_behind += self._maintenance.unfinished.remaining(job.project_id)
            self.renew_sums(job.project_id)
            self._recordings.forget_persons(job.project_id, ids)
            self._rows.forget_subject(job, left_behind)
        self._sums.scrub()

    def expire(self, job: Job, before_ms: int | None) -> None:
        """The same for all events from before a moment. None removes no events, but finishes what an earlier try may have begun."""
        if job.subject is not None:
            self._maintenance.flush()
            if before_ms is not None:
                self._rewrite(job, Unwanted(before_ms=before_ms))
            left_behind = self._empty_log()
            if before_ms is not None:
                left_behind += expire_aside(self._data_folder, job.project_id, before_ms, self._tables)
                left_behind += self._maintenance.unfinished.remaining(job.project_id)
            self.renew_sums(job.project_id)
            self._rows.forget_subject(job, left_behind)
        self._sums.scrub()

    def interrupt(self) -> None:
        """Make a step that takes long raise Unavailable."""
        self._rewriting.interrupt()

    def _empty_log(self) -> list[str]:
        """Delete the log's older files. Returns those that can't be deleted."""
        self._log_files.renew()
        for _ in range(LOG_TRIES):
            self._maintenance.flush()
            self._log_files.truncate_below(self._covered_seq())
            outdated = self._log_files.outdated()
            if not outdated:
                break
            self._pause()
        else:
            outdated = self._log_files.outdated()
        copies = sorted((self._data_folder / "log" / "aside").glob("*"))
        return [str(path.relative_to(self._data_folder)) for path in (*outdated, *copies)]

    def _erase_recordings(self, project_id: str, persons: Sequence[int], distinct_ids: Sequence[str]) -> list[str]:
        """Returns what their store keeps: it is deleted once the store lets go of it, and events don't wait for that."""
        sessions = set(self._session_ids(project_id, persons))
        for distinct_id in distinct_ids:
            sessions.update(self._recordings.sessions_of(project_id, distinct_id))
        try:
            if sessions:
                self._recordings.erase_session_recordings(project_id, sorted(sessions))
        except Undeleted as error:
            named = sorted(error.keys)
            more = [f"and {len(named) - NAMED_OBJECTS:,} more objects"] if len(named) > NAMED_OBJECTS else []
            return named[:NAMED_OBJECTS] + more
        return []

    def _rewrite(self, job: Job, unwanted: Unwanted) -> None:
        def record(old_ids: Sequence[int], new_parts: Sequence[NewPart], removed: int) -> Sequence[Part]:
            return self._rows.replace_parts(job, old_ids, new_parts, removed)

        def note(done: int, total: int) -> None:
            self._rows.note_progress(job, done, total)

        if not self._rewriting.remove(job.project_id, unwanted, record, note, lambda: self._wait(0)):
            raise Stopped
        if not self._rewriting.wait_until_gone(job.project_id, self._wait):
            raise Stopped
        # SCAR: an event whose id an erased one had was dropped as a repetition, and came to life with the next crash, since the log, read
        # again, knew the id no more: it was in no list. From here on what is known is what a start would know.
        self._maintenance.flush_and(self._tables().recall_again)

    def renew_sums(self, project_id: str) -> None:
        """Rebuild the lists from what is there now, and delete the old ones."""
        while not self._sums.rebuild(project_id):
            self._pause()
        while self._sums.purge():
            if self._wait(0):
                raise Stopped
        self._sums.prune(project_id)

    def _pause(self) -> None:
        if self._wait(MOMENT_S):
            raise Stopped


def is_passing(error: Exception) -> bool:
    """Whether the error may go away by itself, so that it is worth trying for as long as it takes: a full disk, busy metadata."""
    return isinstance(error, Unavailable | OSError)
