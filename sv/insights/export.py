"""Everything that is kept of a person, as lines of JSON, for the person to have.

    person      the person, with traits
    session     each session in which the person has an event, the latest start first
    event       each event, newest first
    recording   a session that has a recording, with some of its chunks: several lines where there are many
    end         how many events came before it: a file that doesn't end with it is not whole

Of an id under which nothing but recordings came there are these and the end.

Reads page by page: what is in memory is one page, and the ids of those sessions of the person's that have a recording. Each page
waits in line like any query, so that an export takes no more of the server than somebody who leafs through the list. Events that come in
behind the place that was reached are not in it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from sv.insights.events import list_events
from sv.insights.persons import PersonPages, events_of, person_json
from sv.insights.runner import Context, Kind, Runner
from sv.insights.sessions import SessionPages
from sv.meta.projects import Project
from sv.model.cursor import decode_cursor
from sv.model.errors import NotFound, Unavailable
from sv.model.identity import is_merged
from sv.model.limits import EXPORT_PAGE, EXPORT_TRIES
from sv.model.persons import Person
from sv.model.queries import EventsQuery
from sv.model.session_parsing import parse_sessions_query
from sv.model.sessions import SessionFilter

PAUSE_S: Final = 1.0
"""Before a page is tried again, times the number of tries."""

_encoder: Final = msgspec.json.Encoder()


class Recorded(Protocol):
    """The recordings of sessions (`sv.recordings`)."""

    def recorded(self, project_id: str, session_ids: Iterable[str]) -> set[str]: ...

    def sessions_of(self, project_id: str, person_id: str) -> list[str]: ...

    def list_chunks(self, project_id: str, session_id: str, origin: str, after: int = -1) -> list[dict[str, Any]]: ...


class Exported(NamedTuple):
    """Whom an export is about. person: None where no event came under the id."""

    distinct_id: str
    person: Person | None


class PersonExport:
    """One for the server. threads: to read on which chunks there are, for which a bucket may be asked that doesn't answer."""

    def __init__(
        self, runner: Runner, persons: PersonPages, sessions: SessionPages, recordings: Recorded, threads: Executor
    ) -> None:
        self._runner = runner
        self._persons = persons
        self._sessions = sessions
        self._recordings = recordings
        self._threads = threads

    async def find(self, project: Project, distinct_id: str) -> Exported:
        """Whom to export. Raises NotFound where nothing came under the id, Unavailable."""
        merged = is_merged(project.settings)
        try:
            person = await self._runner.call(project.id, lambda: self._persons.find(project.id, distinct_id, is_merged=merged))
        except NotFound:
            # SCAR: whose events were kept out, or erased while the page went on, could not have the recordings that came under their id.
            if not await asyncio.to_thread(self._recordings.sessions_of, project.id, distinct_id):
                raise
            return Exported(distinct_id, None)
        return Exported(person.distinct_id, person)

    async def lines(self, project: Project, exported: Exported) -> AsyncIterator[bytes]:
        """Yields some whole lines at a time. Raises Unavailable where a page can't be had after several tries."""
        count = 0
        sessions: set[str] = set()
        if exported.person is not None:
            yield _line("person", person_json(exported.person))
            async for lines in self._session_lines(project, exported.person):
                yield lines
            async for page in self._pages(project, exported.person):
                count += len(page)
                ids = {event["session_id"] for event in page} - sessions
                sessions |= await asyncio.to_thread(self._recordings.recorded, project.id, ids)
                yield b"".join(_line("event", event) for event in page)
        sessions.update(await asyncio.to_thread(self._recordings.sessions_of, project.id, exported.distinct_id))
        for session_id in sorted(sessions):
            async for line in self._recording(project.id, session_id):
                yield line
        yield _line("end", {"events": count})

    async def _pages(self, project: Project, person: Person) -> AsyncIterator[list[dict[str, Any]]]:
        """The person's events, newest first."""
        query = EventsQuery(limit=EXPORT_PAGE)
        while True:
            page = await self._page(project, person, query)
            yield page["data"]
            if not page["meta"]["has_more"]:
                return
            query = replace(query, cursor=decode_cursor(page["meta"]["next_cursor"]))

    async def _session_lines(self, project: Project, person: Person) -> AsyncIterator[bytes]:
        merged = is_merged(project.settings)
        wanted = SessionFilter(distinct_id=person.distinct_id)
        asked = [("limit", str(EXPORT_PAGE))]
        while True:
            query = replace(parse_sessions_query(asked, timezone="UTC", now_ms=0), wanted=wanted)
            page = await self._patiently(
                lambda query=query: self._runner.call(
                    project.id, lambda: self._sessions.page(project.id, query, is_merged=merged)
                )
            )
            yield b"".join(_line("session", session) for session in page["data"])
            if not page["meta"]["has_more"]:
                return
            asked = [asked[0], ("cursor", page["meta"]["next_cursor"])]

    async def _page(self, project: Project, person: Person, query: EventsQuery) -> dict[str, Any]:
        merged = is_merged(project.settings)

        def page(context: Context) -> dict[str, Any]:
            found = self._persons.find(
                project.id, person.distinct_id, is_merged=merged
            )  # as of the events that are looked at, or later
            return list_events(context, events_of(found, query, is_merged=merged))

        dates = (0, query.dates.to_ms)
        return await self._patiently(lambda: self._runner.run(project.id, dates, page, kind=Kind.PAGE, is_merged=merged))

    async def _patiently(self, read: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        for attempt in range(1, EXPORT_TRIES):
            try:
                return await read()
            except Unavailable:
                await asyncio.sleep(PAUSE_S * attempt)
        return await read()

    async def _recording(self, project_id: str, session_id: str) -> AsyncIterator[bytes]:
        after = -1
        loop = asyncio.get_running_loop()
        while True:
            try:
                chunks = await loop.run_in_executor(
                    self._threads, self._recordings.list_chunks, project_id, session_id, "", after
                )
            except NotFound:  # it was erased meanwhile
                return
            if not chunks:
                return
            after = chunks[-1]["index"]
            kept = [{"index": chunk["index"], "size": chunk["size"]} for chunk in chunks]
            yield _line("recording", {"session_id": session_id, "chunks": kept})


def _line(kind: str, content: dict[str, Any]) -> bytes:
    return _encoder.encode({"type": kind} | content) + b"\n"
