"""A person who left marks everywhere, and looks for them in every file of a data folder."""

from pathlib import Path
from typing import Any

import msgspec
from folder_rig import PROJECT, Folder, now_ms

from sv.meta.jobs import Jobs
from sv.meta.rollups.person_lists import PersonLists
from sv.model.access import Actor
from sv.model.batch import VERSION, Batch, encode_batch
from sv.model.jobs import Job
from sv.model.persons import PersonFilter

DAY_MS = 86_400_000
ASKER = Actor("user", "u-1", "admin@example.com")
ANN = "ann-7f3e9c@example.com"
ANNS_MARKS = tuple(
    mark.encode() for mark in (ANN, "AnnTraitMark", "annUrlMark", "annPropertyMark", "annPropertyKey", "annSession")
)
BOBS_MARKS = tuple(mark.encode() for mark in ("bob-1", "BobTraitMark", "bobPropertyMark"))


def event(person: str, who: str, nth: int, at_ms: int) -> dict[str, Any]:
    mark = {"ann": "annPropertyMark", "bob": "bobPropertyMark"}.get(who, "otherMark")
    return {
        "event": "crash",
        "timestamp": at_ms,
        "userId": person,
        "sessionId": f"{who}Session-{nth}",
        "properties": {
            "n": f"{who}{nth}",
            f"{who}PropertyKey": 1,
            "where": mark,
            "$current_url": f"https://shop.example/{who}UrlMark/{nth}",
            "$set": {"name": f"{who.capitalize()}TraitMark"},
        },
    }


def put(folder: Folder, *events: dict[str, Any]) -> None:
    batch = Batch(VERSION, PROJECT, now_ms(), len(events), "", None, b"", b"", msgspec.json.encode(events))
    folder.server.store_now(batch, encode_batch(batch))


def fill(path: Path) -> Folder:
    """Files of several days, merged ones, and the rest in the log alone; both persons everywhere."""
    folder = Folder(path)
    for nth in range(12):
        at_ms = now_ms() - nth % 3 * DAY_MS
        put(folder, event(ANN, "ann", nth, at_ms), event("bob-1", "bob", nth, at_ms))
        if nth in (2, 5, 8):
            folder.server.rollups.catch_up()
            folder.flush()
        if nth == 5:
            folder.merge()
    return folder


def erase(folder: Folder, person: str = ANN) -> None:
    """What the job does, on this thread."""
    folder.server.jobs.queue_erasure(ASKER, PROJECT, person)
    folder.server.jobs.run_all()


def files_with(path: Path, marks: tuple[bytes, ...] = ANNS_MARKS) -> list[str]:
    """The files below `path` that hold any of the marks, event files unpacked."""
    return [str(file.relative_to(path)) for file in sorted(path.rglob("*")) if file.is_file() and _holds(file, marks)]


def _holds(file: Path, marks: tuple[bytes, ...]) -> bool:
    content = file.read_bytes()
    if any(mark in content for mark in marks):
        return True
    if not (content.startswith(b"PAR1") and content.endswith(b"PAR1")):
        return False
    import pyarrow.parquet as pq

    shown = str(pq.read_table(file, partitioning=None).to_pylist()).encode()
    return any(mark in shown for mark in marks)


def jobs_of(folder: Folder) -> list[Job]:
    return Jobs(folder.server.meta).page(PROJECT, 1 << 62, 10)


def listed(folder: Folder) -> dict[str, int]:
    """Persons as lists show them, with their events."""
    folder.server.rollups.catch_up()
    persons = PersonLists(folder.server.meta, folder.server.builds).page(PROJECT, PersonFilter(), 1 << 62, 100)
    return {person.distinct_id: person.event_count for person in persons}
