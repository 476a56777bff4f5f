"""The operations on jobs, and the one that begins to erase a person, as `operations` has those of the other topics."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from sv.model.jobs import Kind, State
from sv.web.openapi.operation import LISTING, PAGE_PARAMETERS, Answer, Example, Operation
from sv.web.openapi.schemas_answers import Count, ListMeta, Time

JOB_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "job_id": {"description": "The job's id.", "schema": {"type": "string", "minLength": 1}},
}
JOB_TAGS: Final = {"Jobs": "What takes longer than a request."}
_NO_PARAMETERS: Final = "limit: unknown parameter; this route takes none"
_ERASE: Final = (
    "Everything that was received of the person before the job began goes: events, traits, sessions and recordings, in event files, lists, "
    "the log and what was set aside. What the person's browser sends afterwards is a new person's. The answer is a job; asked again while "
    "it is unfinished, the same one. It is gone on with after a crash. Files that can't be read are named in `left_behind`."
)


class Job(Struct):
    id: str
    kind: Kind
    status: State
    progress: Annotated[float, Meta(ge=0, le=1, description="By files; the last percent is what comes after them.")]
    files_total: Count
    files_done: Count
    events_erased: Annotated[int, Meta(ge=0, description="Events that are gone from files.")]
    distinct_id: Annotated[str | None, Meta(description="Whom the job erases; null once that is done, and for `expire_events`.")]
    distinct_id_hash: Annotated[
        str | None, Meta(description="The SHA-256 of the job's id, a NUL and the distinct id; null for `expire_events`.")
    ]
    left_behind: Annotated[
        list[str],
        Meta(
            description="Files and chunks of recordings that may hold something still: not read, not deleted, or nobody can say whose."
        ),
    ]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    error: str | None


class JobList(Struct):
    data: list[Job]
    meta: ListMeta


JOB_OPERATIONS: Final[dict[str, Operation]] = {
    "erase_person": Operation(
        tag="Persons",
        summary="Erase a person",
        description=_ERASE,
        answers={202: Answer("The job that does it.", (Job,))},
        errors={400: _NO_PARAMETERS, 404: 'no person "nobody" (distinct_id)', 503: ""},
    ),
    "list_jobs": Operation(
        tag="Jobs",
        summary="List jobs, newest first",
        description="Those that wait, run or failed, and the last thousand that are done. `erase_person` was asked for; `expire_events`, "
        "which takes away what is older than the project keeps events, the server adds itself.",
        parameters=PAGE_PARAMETERS,
        answers={200: Answer("A page of jobs.", (JobList,))},
        errors=LISTING,
    ),
    "get_job": Operation(
        tag="Jobs",
        summary="Get one job",
        description="How far it is.",
        answers={200: Answer("The job.", (Job,))},
        errors={400: _NO_PARAMETERS, 404: 'no job "nothing" (job_id)', 503: ""},
    ),
}

_JOB: Final = {
    "id": "9smtdhv5y5no",
    "kind": "erase_person",
    "status": "queued",
    "progress": 0.0,
    "files_total": 0,
    "files_done": 0,
    "events_erased": 0,
    "distinct_id": "cat",
    "distinct_id_hash": "a0f7c04b90b13ac17fe1006adef5b261e3ab28f4cba842df757f0f5c17e008c2",
    "left_behind": [],
    "created_at": "2025-03-05T10:00:00.000Z",
    "started_at": None,
    "finished_at": None,
    "error": None,
}
_DONE: Final = {
    "status": "done",
    "progress": 1.0,
    "files_total": 2,
    "files_done": 2,
    "events_erased": 1,
    "distinct_id": None,
    "started_at": "2025-03-05T10:00:00.010Z",
    "finished_at": "2025-03-05T10:00:00.250Z",
}

JOB_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "list_jobs": (
        Example(
            name="none",
            summary="A project without jobs",
            path={"project_id": "dev"},
            answer={"data": [], "meta": {"next_cursor": None, "has_more": False}},
        ),
    ),
    "erase_person": (
        Example(name="cat", summary="Erase a person", path={"project_id": "dev", "distinct_id": "cat"}, status=202, answer=_JOB),
    ),
    "get_job": (
        Example(
            name="done",
            summary="A person who is erased",
            path={"project_id": "dev", "job_id": "9smtdhv5y5no"},
            answer=_JOB | _DONE,
        ),
    ),
}
"""The last ones, since the person is gone afterwards."""
