"""A job as the API and the command line show it."""

from typing import Any

from sv.model.calendar import iso_ms
from sv.model.jobs import Job


def job_json(job: Job) -> dict[str, Any]:
    """The contract's shape."""
    is_a_persons = job.kind == "erase_person"
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.state,
        "progress": round(job.progress, 3),
        "files_total": job.files_total,
        "files_done": job.files_done,
        "events_erased": job.events_removed,
        "distinct_id": job.subject if is_a_persons else None,
        "distinct_id_hash": job.subject_hash if is_a_persons else None,
        "left_behind": job.left_behind,
        "created_at": iso_ms(job.created_ms),
        "started_at": None if job.started_ms is None else iso_ms(job.started_ms),
        "finished_at": None if job.finished_ms is None else iso_ms(job.finished_ms),
        "error": job.error,
    }
