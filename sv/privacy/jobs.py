"""Runs the waiting jobs, one after the other, on a thread that exists only while there are some.

A job that was under way when the process ended is the first one at the next start. What may go away by itself (a full disk, an unreachable
bucket) is tried again for as long as it takes, while other projects' jobs go on. Any other error makes the job fail after some tries, which
is logged and shown in the job.
"""

import logging
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from sv.model.access import Actor
from sv.model.errors import NotFound
from sv.model.jobs import Job, Kind
from sv.model.limits import ERASE_TRIES
from sv.model.redaction import redacted
from sv.model.validate import show
from sv.privacy.erasing import Erasing, JobRows, Stopped, is_passing
from sv.privacy.expiring import Expiring
from sv.privacy.trail import Trail
from sv.store.worker import Worker
from sv.wal.fault import LogFault

log = logging.getLogger(__name__)

RETRY_S: Final = 5.0
MAX_RETRY_S: Final = 300.0
"""Between tries, of which each pauses twice as long, until one succeeds or another job comes. Where a file that is written anew doesn't fit
on the disk each fills it to its last byte."""

LOOK_EVERY_S: Final = 3600.0
"""For what is older than projects keep it. Whole days go, so that more often would find nothing."""


class AllJobRows(JobRows, Protocol):
    """The jobs at rest (`sv.meta.jobs`)."""

    def add(self, project_id: str, kind: Kind, subject: str, now_ms: int, asked_by: Actor | None = None) -> Job: ...

    def get(self, project_id: str, job_id: str) -> Job: ...

    def page(self, project_id: str, before: int, limit: int) -> list[Job]: ...

    def is_about(self, project_id: str, kind: Kind, subject: str) -> bool: ...

    def next_one(self, but_of: Collection[str] = ()) -> Job | None: ...

    def start(self, job: Job, now_ms: int) -> None: ...

    def finish(self, job: Job, now_ms: int) -> Job | None: ...

    def fail(self, job: Job, error: str, now_ms: int) -> Job | None: ...


class JobWork:
    """Thread-safe. owner_of: whose a distinct id is just now: of a visitor's that has become a user's, the user's id. is_known: whether
    anything came under a person's id, an event or a recording, once all that was accepted is counted. Both raise Unavailable.

    expiring: adds jobs for what is older than projects keep it, at the start and every hour; forget_old: clears away what the server
    keeps for a while only, as often. trail: tells who had whom erased; an entry is there if and only if what it tells of is.
    """

    def __init__(
        self,
        rows: AllJobRows,
        make_erasing: Callable[[Callable[[float], bool]], Erasing],
        owner_of: Callable[[str, str], str],
        is_known: Callable[[str, str], bool],
        expiring: Expiring,
        trail: Trail,
        forget_old: Callable[[], None],
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._owner_of = owner_of
        self._is_known = is_known
        self._expiring = expiring
        self.trail = trail
        self._forget_old = forget_old
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._look_at_s = monotonic_s()
        self._worker = Worker("sv-jobs", self._run)
        self._erasing = make_erasing(self._worker.pause)
        self._tries: dict[int, int] = {}
        self._retry_s = 0.0
        self._stuck: set[str] = set()
        """Projects whose oldest job can't go on just now: jobs of one project are done in their order, and others don't wait for them."""

    def erase_person(self, actor: Actor, project_id: str, distinct_id: str) -> Job:
        """Have a person erased in the background. See `queue_erasure`."""
        job = self.queue_erasure(actor, project_id, distinct_id)
        self._worker.wake()
        return job

    def queue_erasure(self, actor: Actor, project_id: str, distinct_id: str) -> Job:
        """The job that erases this person: a new one, or the one that is about them already. Raises NotFound, Unavailable.

        The job is about the person who is meant now. By the time it begins, or when somebody asks again while it runs, a visitor's id may
        belong to another user: the next one who logged in on that device.
        """
        distinct_id = self._owner_of(project_id, distinct_id)
        if not self._rows.is_about(project_id, "erase_person", distinct_id) and not self._is_known(project_id, distinct_id):
            raise NotFound(f"no person {show(distinct_id)} (distinct_id)")
        with self.trail.together():
            job = self._rows.add(project_id, "erase_person", distinct_id, self._now_ms(), actor)
            self.trail.erasure_asked(actor, job)
        self._tries.pop(job.n, None)
        return job

    def get(self, project_id: str, job_id: str) -> Job:
        """Raises NotFound."""
        return self._rows.get(project_id, job_id)

    def page(self, project_id: str, before: int, limit: int) -> list[Job]:
        """Up to `limit` jobs numbered below `before`, newest first."""
        return self._rows.page(project_id, before, limit)

    def start(self) -> None:
        """Continue what an earlier run has left, and look for what is too old."""
        self._worker.wake()

    def stop(self) -> None:
        """End the thread soon; an unfinished job is continued at the next start."""
        self._worker.stop(self._erasing.interrupt)

    def run_all(self) -> None:
        """Run everything that waits, on the caller's thread; nothing else may run jobs meanwhile. Raises what keeps a job from being
        done."""
        while (job := self._rows.next_one()) is not None:
            self.do(job)

    def do(self, job: Job) -> None:
        """Run one job from beginning to end. Raises what went wrong, and Stopped; the job then stays as far as it came."""
        self._rows.start(job, self._now_ms())
        if job.kind == "expire_events":
            self._erasing.expire(job, self._expiring.keep_from_ms(job.project_id))
        else:
            self._erasing.erase(job)
        with self.trail.together():
            done = self._rows.finish(job, self._now_ms())
            if done is None:  # its project was deleted or emptied
                return
            self.trail.erasure_done(done)
        log.info("job %s (%s) of project %s is done", job.id, job.kind, job.project_id)

    def _run(self) -> None:
        while not self._worker.is_stopping():
            try:
                if self._monotonic_s() >= self._look_at_s:
                    self._expiring.look()
                    self._forget_old()
                    self._look_at_s = self._monotonic_s() + LOOK_EVERY_S
                job = self._rows.next_one(self._stuck)
                if job is not None:
                    self._try(job)
                    continue
                if self._stuck:
                    self._stuck.clear()
                    self._retry_s = min(max(2 * self._retry_s, RETRY_S), MAX_RETRY_S)
                    self._worker.until_woken(self._retry_s)
                    continue
            except Exception as error:  # the metadata refuses
                log.error("can't go on with jobs, will try again: %s", redacted(error))
                self._worker.pause(RETRY_S)
                continue
            self._worker.until_woken(self._look_at_s - self._monotonic_s())

    def _try(self, job: Job) -> None:
        try:
            self.do(job)
            self._retry_s = 0.0
        except Stopped:
            return
        except Exception as error:
            if self._worker.is_stopping():  # it was interrupted
                return
            reason = error.reason if isinstance(error, LogFault) else redacted(error)
            if is_passing(error) or isinstance(error, LogFault):
                log.warning("job %s can't go on, will try again: %s", job.id, reason)
            else:
                self._tries[job.n] = self._tries.get(job.n, 0) + 1
                log.error("job %s went wrong: %s", job.id, reason, exc_info=error)
                if self._tries[job.n] >= ERASE_TRIES:
                    self._fail(job)
                    return
            self._stuck.add(job.project_id)

    def _fail(self, job: Job) -> None:
        with self.trail.together():
            failed = self._rows.fail(job, "it could not be done; the server's log says why", self._now_ms())
            if failed is not None:
                self.trail.erasure_failed(failed)
