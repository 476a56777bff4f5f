"""Jobs at rest: what is to be done, how far it is, and what became of it.

Answers for a job being there once for each person, for a bounded number of them, and for steps that must not come apart: a person's number
is taken away in the transaction that notes it in the job, and a part is replaced in the one that counts what went with it.

# INVARIANT JOB-1: a person whose number was taken away is in the job's row until the job is done. So however often the process dies, the
# next start knows whose events are to go, and those of a later person with the same distinct id have another number.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Final

import apsw
import msgspec

from sv.meta.db import Meta, Row
from sv.meta.ids import Choose, random_id
from sv.meta.parts import swap_parts
from sv.meta.persons import retire_number
from sv.meta.rows import columns, to_struct
from sv.model.access import Actor
from sv.model.errors import NotFound, Unavailable
from sv.model.jobs import Job, Kind, digest_of
from sv.model.limits import MAX_FINISHED_JOBS, MAX_QUEUED_JOBS
from sv.model.part import NewPart, Part
from sv.model.validate import show

_SELECT: Final = f"select {columns(Job)} from jobs"
_PERSONS: Final = Job.__struct_fields__.index("persons")
_DISTINCT_IDS: Final = Job.__struct_fields__.index("distinct_ids")
_LEFT_BEHIND: Final = Job.__struct_fields__.index("left_behind")
_ASKED_BY: Final = Job.__struct_fields__.index("asked_by")

_UNFINISHED: Final = "state in ('queued', 'running')"

_FORGET_OLD: Final = f"""
    delete from jobs
    where project_id = ?1 and state = 'done' and n < (
      select min(n)
      from (select n from jobs where project_id = ?1 order by n desc limit {MAX_FINISHED_JOBS})
    )
"""


class Jobs:
    """Thread-safe."""

    def __init__(self, meta: Meta, choose: Choose = secrets.choice) -> None:
        self._meta = meta
        self._choose = choose

    def add(self, project_id: str, kind: Kind, subject: str, now_ms: int, asked_by: Actor | None = None) -> Job:
        """The job for this kind and subject: the one that waits, runs or failed, or else a new, queued one. A failed one now belongs to
        whoever asks again. Raises Unavailable where too many of the project's jobs wait."""
        asker = None if asked_by is None else msgspec.json.encode(asked_by).decode()
        with self._meta.transaction() as writer:
            same = writer.execute(
                f"""
                select n from jobs
                where project_id = ? and kind = ? and subject = ? and ({_UNFINISHED} or state = 'failed')
                order by n desc limit 1
                """,
                (project_id, kind, subject),
            ).fetchall()
            if same:
                writer.execute(
                    """
                    update jobs set state = 'queued', error = null, finished_ms = null, asked_by = ?2
                    where n = ?1 and state = 'failed'
                    """,
                    (same[0][0], asker),
                )
                return _one(writer, same[0][0])
            too_many = f"select count(*) >= {MAX_QUEUED_JOBS} from jobs where project_id = ? and {_UNFINISHED}"
            if writer.execute(too_many, (project_id,)).fetchall()[0][0]:
                raise Unavailable(f"{MAX_QUEUED_JOBS} jobs of this project wait already", retry_after_s=60)
            job_id = random_id(self._choose)
            digest = digest_of(job_id, subject)
            writer.execute(
                """
                insert into jobs (id, project_id, kind, state, subject, subject_hash, created_ms, asked_by)
                values (?, ?, ?, 'queued', ?, ?, ?, ?)
                """,
                (job_id, project_id, kind, subject, digest, now_ms, asker),
            )
            number = writer.last_insert_rowid()
            writer.execute(_FORGET_OLD, (project_id,))
            return _one(writer, number)

    def get(self, project_id: str, job_id: str) -> Job:
        """Raises NotFound."""
        row = self._meta.row(f"{_SELECT} where project_id = ? and id = ?", project_id, job_id)
        if row is None:
            raise NotFound(f"no job {show(job_id)} (job_id)")
        return _to_job(row)

    def page(self, project_id: str, before: int, limit: int) -> list[Job]:
        """Up to `limit` jobs numbered below `before`, newest first."""
        rows = self._meta.rows(f"{_SELECT} where project_id = ? and n < ? order by n desc limit ?", project_id, before, limit)
        return [_to_job(row) for row in rows]

    def is_about(self, project_id: str, kind: Kind, subject: str) -> bool:
        """Whether a job of this kind and subject waits, runs or failed."""
        asked = "select 1 from jobs where project_id = ? and kind = ? and subject = ? and state <> 'done'"
        return self._meta.row(asked, project_id, kind, subject) is not None

    def next_one(self, but_of: Collection[str] = ()) -> Job | None:
        """The oldest job that is not finished, of all projects but these."""
        others = f"{_SELECT} where {_UNFINISHED} and project_id not in (select value from json_each(?)) order by n limit 1"
        row = self._meta.row(others, msgspec.json.encode(list(but_of)).decode())
        return None if row is None else _to_job(row)

    def start(self, job: Job, now_ms: int) -> None:
        with self._meta.transaction() as writer:
            writer.execute("update jobs set state = 'running', started_ms = coalesce(started_ms, ?) where n = ?", (now_ms, job.n))

    def retire(self, job: Job, distinct_ids: Sequence[str]) -> tuple[int, ...]:
        """Take the numbers of these distinct ids away, and note both in the job (JOB-1). Returns the numbers; none where nobody had one. To
        be called while nobody is being numbered, and all numbers given so far are on disk."""
        with self._meta.transaction() as writer:
            found = [retire_number(writer, job.project_id, each) for each in distinct_ids]
            numbers = tuple(number for number in found if number is not None)
            kept = (msgspec.json.encode(numbers).decode(), msgspec.json.encode(distinct_ids).decode())
            writer.execute("update jobs set persons = ?, distinct_ids = ? where n = ?", (*kept, job.n))
        return numbers

    def note_progress(self, job: Job, files_done: int, files_total: int) -> None:
        """Unsynced: after a crash it begins again."""
        with self._meta.transaction(durable=False) as writer:
            writer.execute("update jobs set files_done = ?, files_total = ? where n = ?", (files_done, files_total, job.n))

    def replace_parts(self, job: Job, old_ids: Sequence[int], new_parts: Sequence[NewPart], removed: int) -> list[Part]:
        """`Parts.replace_parts`, counting in the same transaction the events that the new ones lack."""
        with self._meta.transaction() as writer:
            parts = swap_parts(writer, old_ids, new_parts)
            writer.execute("update jobs set events_removed = events_removed + ? where n = ?", (removed, job.n))
            return parts

    def forget_subject(self, job: Job, left_behind: Sequence[str]) -> None:
        """Remove the distinct ids from the job, once no remaining step needs them."""
        with self._meta.transaction() as writer:
            writer.execute(
                "update jobs set subject = null, distinct_ids = null, left_behind = ? where n = ?",
                (msgspec.json.encode(left_behind).decode(), job.n),
            )

    def finish(self, job: Job, now_ms: int) -> Job | None:
        """Mark the job as done. Returns the job as it was just before, with who asked for it; None where it went with its project
        meanwhile."""
        with self._meta.transaction() as writer:
            before = _find(writer, job.n)
            writer.execute(
                "update jobs set state = 'done', persons = '[]', asked_by = null, finished_ms = ? where n = ?", (now_ms, job.n)
            )
        return before

    def fail(self, job: Job, error: str, now_ms: int) -> Job | None:
        """Mark the job as failed. What was done stays done, and the same request takes the job up again. Returns what `finish` does."""
        with self._meta.transaction() as writer:
            before = _find(writer, job.n)
            writer.execute("update jobs set state = 'failed', error = ?, finished_ms = ? where n = ?", (error, now_ms, job.n))
        return before


def _find(writer: apsw.Connection, number: int) -> Job | None:
    rows = writer.execute(f"{_SELECT} where n = ?", (number,)).fetchall()
    return _to_job(rows[0]) if rows else None


def _one(writer: apsw.Connection, number: object) -> Job:
    return _to_job(writer.execute(f"{_SELECT} where n = ?", (number,)).fetchall()[0])  # type: ignore[arg-type]


def _to_job(row: Row) -> Job:
    persons, distinct_ids, left_behind, asked_by = row[_PERSONS], row[_DISTINCT_IDS], row[_LEFT_BEHIND], row[_ASKED_BY]
    return to_struct(
        Job,
        row,
        persons=None if persons is None else msgspec.json.decode(str(persons)),
        distinct_ids=None if distinct_ids is None else msgspec.json.decode(str(distinct_ids)),
        left_behind=msgspec.json.decode(str(left_behind)),
        asked_by=None if asked_by is None else msgspec.json.decode(str(asked_by)),
    )
