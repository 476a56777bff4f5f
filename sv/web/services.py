"""What the routes call: the functions and values that `server.py` hands to the web room."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from msgspec import Struct, field

from sv.imports.receiving import Receiver
from sv.ingest.rejected import RecentRejections
from sv.insights.definitions import Definitions
from sv.insights.event_export import EventExports
from sv.insights.persons import PersonPages
from sv.insights.runner import Runner
from sv.insights.sessions import SessionPages
from sv.meta.projects import Project
from sv.meta.saved import Saved
from sv.people.people import People
from sv.privacy.jobs import JobWork
from sv.recordings.recordings import Recordings
from sv.web.bodies import Bodies
from sv.web.one_at_a_time import OneAtATime

RECORDING_THREADS: Final = 4
"""For reading which chunks there are, where a bucket may be asked, and not answer for half a minute."""


def _recording_threads() -> Executor:
    return ThreadPoolExecutor(RECORDING_THREADS, thread_name_prefix="sv-recorded")


class Services(Struct, frozen=True):
    """One for the server. Functions that touch the disk are called on threads.

    people: users, projects, tokens and who may touch them. hashing: for what takes a password.
    look_for_deleted: has the events of deleted projects leave the disk soon.
    find_project: a project by its id, or None.
    runner: everything that reads events or rollups goes through it.
    metrics: the text that `/metrics` answers. rejected: what ingest refused lately; read on the event loop, which writes it.
    reset: empties the server; None outside `sv dev`, where the route does not exist.
    saved: smart events, saved insights and dashboards.
    imports: takes in files of events, a chunk at a time. exports: gives them out.
    jobs: what takes longer than a request.
    bodies: how requests' bodies are read.
    recordings: what sessions have recorded. recording_threads: to read that on. public_url, base_path: the settings.
    """

    people: People
    hashing: OneAtATime
    look_for_deleted: Callable[[], None]
    find_project: Callable[[str], Project | None]
    runner: Runner
    definitions: Definitions
    persons: PersonPages
    sessions: SessionPages
    now_ms: Callable[[], int]
    metrics: Callable[[], str]
    rejected: RecentRejections
    reset: Callable[[], None] | None
    imports: Receiver
    exports: EventExports
    jobs: JobWork
    recordings: Recordings
    public_url: str | None
    base_path: str
    version: str
    saved: Saved
    bodies: Bodies = field(default_factory=Bodies)
    recording_threads: Executor = field(default_factory=_recording_threads)
