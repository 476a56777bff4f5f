"""Jobs: work on a project's data that takes longer than a request, and that a restart goes on with."""

import hashlib
from typing import Literal

from msgspec import Struct

from sv.model.access import Actor

Kind = Literal["erase_person", "expire_events"]
"""The latter takes away what is older than the project keeps events."""
State = Literal["queued", "running", "done", "failed"]


class Job(Struct, frozen=True, kw_only=True):
    """n: counts up over all projects. subject: the distinct id, or, for an expiry, a word; None once only finishing is left, while
    subject_hash stays. persons, distinct_ids: the numbers that the person had, and all ids; None before they are taken away. The ids are
    struck together with the subject. left_behind: files that may still hold something: they could not be read or deleted, or don't say
    whose they are. asked_by: None once the job is done, and where nobody asked. Times are Unix milliseconds."""

    n: int
    id: str
    project_id: str
    kind: Kind
    state: State
    subject: str | None
    subject_hash: str | None
    persons: tuple[int, ...] | None
    distinct_ids: tuple[str, ...] | None
    files_total: int
    files_done: int
    events_removed: int
    left_behind: tuple[str, ...]
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    error: str | None
    asked_by: Actor | None

    @property
    def progress(self) -> float:
        """0 to 1, by files; the last percent is what comes after them."""
        if self.state == "done":
            return 1.0
        return 0.99 * self.files_done / self.files_total if self.files_total else 0.0


def digest_of(target_id: str, distinct_id: str) -> str:
    """What stands for a distinct id where the id itself must not stay. Somebody who knows the id can show that a job or export is about
    it."""
    return hashlib.sha256(f"{target_id}\0{distinct_id}".encode()).hexdigest()
