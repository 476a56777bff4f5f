"""A data folder with its metadata, whose events are folded into rollups as a server does it, and the obvious way to the same answers.

One engine and one folder serve many histories, each in projects of its own. `restart` forgets what a killed process would: the buffers,
and what the store knew.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sv.engine.duck.database import Database
from sv.engine.duck.relation import relation
from sv.engine.duck.sql import Params
from sv.engine.duck.summaries import reading
from sv.engine.duck.tables import DuckTables
from sv.ingest.decode import decode
from sv.meta.db import Meta
from sv.meta.parts import Parts
from sv.meta.persons import Persons
from sv.meta.reset import delete_all_events
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.person_lists import PersonLists
from sv.model.batch import VERSION, Batch, StoredBatch
from sv.model.json_repair import repair
from sv.model.limits import DAY_MS, MAX_TIMESTAMP_MS
from sv.model.persons import Person, PersonFilter
from sv.store.event_store import EventStore
from sv.store.importing import ImportBatch, ImportChunks
from sv.store.maintenance import Maintenance
from sv.store.person_numbers import PersonNumbers
from sv.store.ports import BadBatch
from sv.store.recalling import recall_event_ids
from sv.store.recovery import recover_catalog
from sv.store.rollups import Rollups, RollupWork
from tests.engine.rig import AGENTS, CHROME, NOON, SALT, Event

RECEIVED: Final = NOON + 400 * DAY_MS
_ALL: Final = PersonFilter()


@contextmanager
def slices_of(size: int) -> Iterator[None]:
    """How many bytes of properties a summary looks at in one go."""
    before = reading.MIN_SLICE_BYTES, reading.SLICES
    reading.MIN_SLICE_BYTES, reading.SLICES = size, 1 << 40
    try:
        yield
    finally:
        reading.MIN_SLICE_BYTES, reading.SLICES = before


@dataclass
class Row:
    """One event at rest, as the reference wants it."""

    id: str
    project: str
    event: str
    at_ms: int
    person: int
    distinct_id: str
    user_id: str | None
    properties: dict[str, Any]
    columns: dict[str, Any] = field(default_factory=dict[str, Any])


class RollupRig:
    """Open until `close`. `seq` is the log's last position; `logged` what a replay would bring back; `sent` the ids of all events that a
    project was sent, None for one that was sent without."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta = Meta.open(folder / "sv.db")
        self.database = Database(
            events_folder=folder / "events", spill_folder=folder / "spill", memory_bytes=512 << 20, threads=2
        )
        self.parts = Parts(self.meta)
        self.builds = RollupBuilds(self.meta)
        self.lists = PersonLists(self.meta, self.builds)
        self.seq = 0
        self.sent: dict[str, list[str | None]] = {}
        self.logged: list[StoredBatch] = []
        self.chunks = 0
        self._open()

    def _open(self) -> None:
        persons = PersonNumbers(Persons(self.meta))
        self.tables = DuckTables(
            self.database, agent_of=AGENTS.lookup, number_persons=persons.number_persons, salt=SALT,
            event_id_window_ms=DAY_MS, bad_batch=BadBatch, recall_event_ids=self._recall,
        )  # fmt: skip
        self.catalog = recover_catalog(self.folder, self.parts)
        self.store = EventStore(
            data_folder=self.folder, catalog=self.catalog, open_tables=lambda: self.tables, keep_persons=persons.keep,
            covered_seq=self.parts.covered_seq(), monotonic_s=lambda: 0.0, engine_memory_bytes=1 << 30,
        )  # fmt: skip
        self.rollups = Rollups(self.store, self.builds, persons.number_persons, lambda: RECEIVED)
        self.maintenance = Maintenance(
            self.store, self.parts, flush_after_s=1e9, flush_after_events=1 << 40, flush_after_bytes=1 << 60, compact_every_s=0,
            fold=self.rollups.fold, before_commit=lambda _headers, _seq: None, after_commit=self._covered,
            now_ms=lambda: RECEIVED, monotonic_s=lambda: 0.0,
        )  # fmt: skip
        self.work = RollupWork(self.rollups, self.builds, self.maintenance)
        self.imports = ImportChunks(self.store, self.parts, self.maintenance, now_ms=lambda: RECEIVED)

    def _recall(self) -> None:
        recall_event_ids(self.folder, self.catalog, self.tables, 0)

    def _covered(self, seq: int) -> None:
        self.logged = [stored for stored in self.logged if stored.seq > seq]

    def close(self) -> None:
        self.work.stop()
        self.database.close()
        self.meta.close()

    # What happens to a folder

    def send(self, project: str, sent: Sequence[Event], *, country: str | None = None, user_agent: str = CHROME) -> None:
        """A request, acknowledged."""
        decoded = decode(repair(json.dumps({"projectToken": "token", "events": sent}).encode()), RECEIVED)
        assert not decoded.rejections
        self._note(project, sent)
        self.seq += 1
        batch = Batch(VERSION, project, RECEIVED, decoded.accepted, user_agent, country, b"", b"", decoded.events_json)
        stored = StoredBatch(self.seq, batch)
        self.logged.append(stored)
        self.store.accept([stored])

    def take_chunk(self, project: str, sent: Sequence[Event]) -> None:
        """A chunk of an import."""
        decoded = decode(repair(json.dumps({"projectToken": "token", "events": sent}).encode()), RECEIVED)
        self._note(project, sent)
        self.chunks += 1
        self.imports.store(project, "file", self.chunks, [ImportBatch(CHROME, decoded.accepted, decoded.events_json)])

    def _note(self, project: str, sent: Sequence[Event]) -> None:
        self.sent.setdefault(project, []).extend(event.get("eventId") for event in sent)

    def restart(self) -> None:
        """The process is killed and comes back: the log is replayed above what the parts cover."""
        self.work.stop()
        self._drop_buffers()
        self.tables.forget_event_ids(1 << 45)
        self._open()
        if self.logged:
            self.store.accept(self.logged)

    def reset(self) -> None:
        """Forget every event, as `sv dev` does."""
        with self.maintenance.turn(), self.rollups.paused():
            self.maintenance.reset(lambda seq: delete_all_events(self.meta, covered_seq=seq))
        self.sent.clear()

    def _drop_buffers(self) -> None:
        current = [] if self.store.current is None else [self.store.current]
        for generation in (*self.store.frozen, *current):
            self.tables.drop_buffer(generation.number)
        for generation in self.catalog.unread_buffers():
            with suppress(Exception):
                self.tables.drop_buffer(generation)

    # What is asked

    def expected_count(self, project: str) -> int:
        """How many events a project has at rest: each that was sent without an id, and one of each id."""
        ids = self.sent.get(project, [])
        return ids.count(None) + len(set(ids) - {None})

    def persons(self, project: str) -> dict[str, Person]:
        """All persons as lists have them, read in pages of three."""
        self.rollups.catch_up()
        found: list[Person] = []
        before = 1 << 62
        while page := self.lists.page(project, _ALL, before, 3):
            found += page
            before = page[-1].number
        assert [person.number for person in found] == sorted((person.number for person in found), reverse=True)
        return {person.distinct_id: person for person in found}

    def rows(self, project: str) -> list[Row]:
        """Every event at rest, in the order of time and ids."""
        self.store.catch_up()
        snapshot = self.catalog.take(project, 0, MAX_TIMESTAMP_MS + 1)
        params = Params()
        columns = (
            "id::varchar, event, epoch_ms(timestamp), person, distinct_id, user_id, properties, country, device_type, browser"
        )
        try:
            with self.database.cursor() as cursor:
                events = relation(snapshot, self.folder, params)
                found = cursor.execute(f"select {columns} from ({events}) order by timestamp, id", params.values).fetchall()
        finally:
            self.catalog.release(snapshot)
        return [
            Row(row[0], project, *row[1:6], json.loads(row[6]), dict(zip(("country", "device_type", "browser"), row[7:], strict=True)))
            for row in found
        ]  # fmt: skip


def expected_persons(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """What a list of persons shows, worked out slowly from all events in the order of time."""
    persons: dict[str, dict[str, Any]] = {}
    for row in rows:
        person = persons.setdefault(
            row.distinct_id,
            {
                "number": row.person, "is_user": False, "first_seen_ms": row.at_ms, "event_count": 0,
                "country": None, "device_type": None, "browser": None, "set": {}, "once": {},
            },
        )  # fmt: skip
        person["is_user"] |= row.user_id is not None
        person["last_seen_ms"] = row.at_ms
        person["event_count"] += 1
        person.update({name: value for name, value in row.columns.items() if value is not None})
        if row.event == "$identify":
            person["set"].update({name: value for name, value in row.properties.items() if not name.startswith("$")})
        for name, kept in (("$set", person["set"]), ("$set_once", person["once"])):
            told: object = row.properties.get(name)
            if isinstance(told, dict):
                kept.update({key: value for key, value in told.items() if name == "$set" or key not in kept})
    for person in persons.values():
        person["traits"] = person.pop("once") | person.pop("set")
    return persons


def shown(person: Person) -> dict[str, Any]:
    """A person in the reference's form."""
    return {
        "number": person.number, "is_user": person.is_user, "first_seen_ms": person.first_seen_ms,
        "last_seen_ms": person.last_seen_ms, "event_count": person.event_count, "country": person.country,
        "device_type": person.device_type, "browser": person.browser, "traits": json.loads(person.traits),
    }  # fmt: skip
