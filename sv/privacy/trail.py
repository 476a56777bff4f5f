"""What the audit trail says of erasures and exports: who asked for one, and what became of it.

No entry holds a distinct id. In its place stands the SHA-256 of the entry's target id (the job's, or one that the export gets), a NUL and
the distinct id, as a job keeps it: who knows the id can show which entry is about it, and nothing of the person is left here to be erased.
A job's end is told under the name of who asked for it. Expiry of events is nobody's request, and has no entries.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sv.meta.ids import Choose, random_id
from sv.model.access import Actor
from sv.model.jobs import Job, digest_of


class Entries(Protocol):
    """The audit trail (`sv.meta.audit`)."""

    def add(
        self,
        actor: Actor,
        action: str,
        *,
        target_id: str,
        target_name: str,
        project_id: str | None = None,
        after: dict[str, Any] | None = None,
        now_ms: int,
    ) -> None: ...

    def forget_old(self, now_ms: int) -> None: ...


class Trail:
    """Thread-safe. together: one transaction, for a change of a job and the entry that tells of it."""

    def __init__(
        self,
        entries: Entries,
        together: Callable[[], AbstractContextManager[object]],
        now_ms: Callable[[], int],
        choose: Choose = secrets.choice,
    ) -> None:
        self._entries = entries
        self.together = together
        self._now_ms = now_ms
        self._choose = choose

    def erasure_asked(self, actor: Actor, job: Job) -> None:
        """Within `together`, as the next two."""
        self._note(actor, "person.erase", job, None)

    def erasure_done(self, job: Job) -> None:
        """job: as it is at its end, with who asked. Told are the events that went, and how many files could not be looked into."""
        self._note(
            job.asked_by, "person.erase_done", job, {"events_erased": job.events_removed, "left_behind": len(job.left_behind)}
        )

    def erasure_failed(self, job: Job) -> None:
        """Some of it may be done. The same request takes the job up again."""
        self._note(job.asked_by, "person.erase_failed", job, {"events_erased": job.events_removed})

    def exported(self, actor: Actor, project_id: str, distinct_id: str) -> None:
        """Before the first line goes out: there is no export without an entry. Raises Unavailable."""
        export_id = random_id(self._choose)
        self._entries.add(
            actor,
            "person.export",
            target_id=export_id,
            target_name=digest_of(export_id, distinct_id),
            project_id=project_id,
            now_ms=self._now_ms(),
        )

    def forget_old(self) -> None:
        """Have entries that are older than they are kept go."""
        self._entries.forget_old(self._now_ms())

    def _note(self, actor: Actor | None, action: str, job: Job, after: dict[str, Any] | None) -> None:
        if job.kind != "erase_person" or actor is None:
            return
        self._entries.add(
            actor,
            action,
            target_id=job.id,
            target_name=job.subject_hash or "",
            project_id=job.project_id,
            after=after,
            now_ms=self._now_ms(),
        )
