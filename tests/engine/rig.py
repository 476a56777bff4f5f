"""An engine on a folder of its own, events for it in a line of text, and every form in which a server may hold them.

`events("ann: view@0m, buy@12m; bob: view@3m")` makes events as the wire has them. `Rig` takes them through decoding and draining, as ingest
does, and places them in a buffer, in parts, or in both. Whatever asks it gets the same answers in every one of `STATES`.
"""

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args
from unittest.mock import patch

import msgspec
import pytest

from sv.engine.duck import slices
from sv.engine.duck.database import Database
from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.keys import property_codes
from sv.engine.duck.tables import DuckTables
from sv.engine.port import EventRow, Limits, Matcher, PageKeys, Scope
from sv.ingest.decode import decode
from sv.ingest.enrich.agents import Agents
from sv.insights.runner import Context
from sv.model.batch import VERSION, Batch, StoredBatch, decode_batch, encode_batch
from sv.model.json_repair import repair
from sv.model.limits import DAY_MS, HOUR_MS, MAX_TIMESTAMP_MS, MINUTE_MS, SECOND_MS
from sv.model.part import Part
from sv.model.snapshot import Snapshot

Event: TypeAlias = dict[str, Any]
"""An event as clients send it."""

State = Literal["buffer", "days", "small", "merged", "mixed"]
STATES: Final[tuple[State, ...]] = get_args(State)
"""buffer: nothing flushed. days: one flush, a part a day. small: three flushes. merged: those merged to one part, of slices.
mixed: half of it in parts, a quarter in a buffer that is being flushed, a quarter in the one that takes events."""

NOON: Final = 1_749_988_800_000
"""2025-06-15T12:00:00.000Z."""

RECEIVED: Final = NOON + 400 * DAY_MS
LIMITS: Final = Limits(60.0)
CHROME: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
ALL: Final = Scope(0, MAX_TIMESTAMP_MS, include_bots=True)
SALT: Final = 0b101010101010101010
NO_ALIASES: Any = None
"""Forward identity asks nobody whose an anonymous id is."""

AGENTS: Final = Agents()
"""One for all rigs: it remembers what it has read, and reads its lists once."""

UNITS: Final = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_ACT: Final = re.compile(r"\s*([^\s#{@]+)(?:#([^\s{@]+))?\s*({.*?})?\s*@(-?[\d.]+)(ms|s|m|h|d)\s*")


def event(name: str, person: str, at_ms: int, *, session: str | None = None, **properties: Any) -> Event:
    """One event. Further fields of the wire's are for the caller to add; `properties` takes names that Python allows."""
    made: Event = {"event": name, "anonymousId": person, "timestamp": at_ms, "properties": properties}
    return made if session is None else {**made, "sessionId": session}


def events(text: str, start_ms: int = NOON) -> list[Event]:
    """`person: act, act; person: act`, an act being `name#session{properties as JSON}@offset`; session and properties may be absent.

    Offsets are from `start_ms`, in ms, s, m, h or d. Events come in the order of the text.
    """
    told: list[Event] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        person, _, acts = part.partition(":")
        for act in re.split(r",(?![^{]*})", acts):
            found = _ACT.fullmatch(act)
            assert found is not None, act
            name, session, properties, amount, unit = found.groups()
            at_ms = start_ms + round(float(amount) * UNITS[unit])
            told.append(event(name, person.strip(), at_ms, session=session, **json.loads(properties or "{}")))
    return told


def in_pieces(items: Sequence[Event], count: int) -> Iterator[Sequence[Event]]:
    """Up to `count` neighbouring pieces of like length, none empty."""
    for piece in range(count):
        taken = items[len(items) * piece // count : len(items) * (piece + 1) // count]
        if taken:
            yield taken


class BadBatch(Exception):
    """What the tables raise for a batch at fault."""


class PersonNumbers:
    """Numbers in the order of first sight, in each project from 1 on."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], int] = {}
        self._last: Counter[str] = Counter()

    def number(self, project_id: str, distinct_ids: str) -> str:
        ids: list[str] = json.loads(distinct_ids)
        for name in ids:
            if (project_id, name) not in self.numbers:
                self._last[project_id] += 1
                self.numbers[project_id, name] = self._last[project_id]
        return json.dumps([self.numbers[project_id, name] for name in ids])


class Rig:
    """One data folder. `max_person` may be set to pretend that there are more persons than there are.

    persons, aliases: in the place of numbers of the rig's own, and of none (`tests.engine.identity_rig`).
    """

    def __init__(
        self,
        folder: Path,
        *,
        event_id_window_ms: int = DAY_MS,
        recall: Callable[[], None] = lambda: None,
        persons: Any = None,
        aliases: Any = NO_ALIASES,
        memory_bytes: int = 512 << 20,
        on_fault: Callable[[], None] | None = None,
    ) -> None:
        self.folder = folder
        self.persons = persons or PersonNumbers()
        self.max_person: int | None = None
        self.database = Database(
            events_folder=folder / "events",
            spill_folder=folder / "spill",
            memory_bytes=memory_bytes,
            threads=2,
            gives_way=False,  # nothing waits here for whom it would give way to, and its threads need not be found
            on_fault=on_fault,
        )
        self.tables = DuckTables(
            self.database,
            agent_of=AGENTS.lookup,
            number_persons=self.persons.number,
            salt=SALT,
            event_id_window_ms=event_id_window_ms,
            bad_batch=BadBatch,
            recall_event_ids=recall,
        )
        self.engine = DuckEngine(
            self.database, folder, lambda: self.max_person or len(self.persons.numbers), aliases, key_files=self.tables.key_files
        )
        self.parts: list[Part] = []
        self.buffers: list[int] = []
        self._generations = 0
        self._seq = 0
        self._part_ids = itertools.count(1)

    def close(self) -> None:
        self.engine.close()
        self.database.close()

    # Ingest

    def batch(
        self,
        sent: Sequence[Event],
        *,
        project: str = "p",
        received_ms: int = RECEIVED,
        user_agent: str = CHROME,
        country: str | None = None,
        seq: int | None = None,
    ) -> StoredBatch:
        """One request, decoded, logged and read back. Every event has to be accepted."""
        body = json.dumps({"projectToken": "token", "events": sent}).encode()
        return self.batch_of_body(body, project=project, received_ms=received_ms, user_agent=user_agent, country=country, seq=seq)

    def batch_of_body(
        self,
        body: bytes,
        *,
        project: str = "p",
        received_ms: int = RECEIVED,
        user_agent: str = CHROME,
        country: str | None = None,
        seq: int | None = None,
    ) -> StoredBatch:
        """As `batch`, of a request's bytes."""
        decoded = decode(repair(body), received_ms)
        assert not decoded.rejections
        if seq is None:
            self._seq += 1
            seq = self._seq
        batch = Batch(
            VERSION, project, received_ms, decoded.accepted, user_agent, country, b"", b"", decoded.events_json
        )  # fmt: skip
        return StoredBatch(seq, decode_batch(encode_batch(batch)))

    def buffer(self, *batches: StoredBatch) -> int:
        """A new buffer with these batches, the newest of the snapshot's. Returns its number."""
        self._generations += 1
        self.tables.create_buffer(self._generations)
        if batches:
            self.tables.drain(self._generations, batches)
        self.buffers.append(self._generations)
        return self._generations

    # At rest

    def flush(self, generation: int) -> list[Part]:
        """Write a buffer as parts, one a project and day, and drop it."""
        written: list[Part] = []
        for group in self.tables.buffer_groups(generation):
            path = self._path(group.project_id, group.day, f"{generation}")
            facts = self.tables.write_buffer_days(generation, group.project_id, [group.day], self.folder / path)
            assert facts.rows == group.rows
            written.append(self._part(group.project_id, group.day, path, facts))
        self.parts += written
        self.tables.drop_buffer(generation)
        self.buffers.remove(generation)
        return written

    def merge(self, project: str = "p") -> None:
        """All parts of a project into one, of slices of time however small it is."""
        sources = [part for part in self.parts if part.project_id == project]
        path = self._path(project, "merged", f"{len(self.parts)}")
        with patch.object(slices, "SLICE_ROWS", 5), patch.object(slices, "GROUP_ROWS", 1):
            facts = self.tables.merge_files([self.folder / part.path for part in sources], self.folder / path)
        assert facts.rows == sum(part.rows for part in sources)
        self.parts = [part for part in self.parts if part.project_id != project]
        self.parts.append(self._part(project, None, path, facts))

    def _path(self, project: str, day: str, name: str) -> str:
        folder = self.folder / "events" / project / day
        folder.mkdir(parents=True, exist_ok=True)
        return f"events/{project}/{day}/{name}.parquet"

    def _part(self, project: str, day: str | None, path: str, facts: Any) -> Part:
        return Part(
            part_id=next(self._part_ids), project_id=project, path=path, day=day, rows=facts.rows, bytes=facts.bytes,
            min_ts_ms=facts.min_ts_ms, max_ts_ms=facts.max_ts_ms,
            min_received_ms=facts.min_received_ms, max_received_ms=facts.max_received_ms,
        )  # fmt: skip

    def place(self, batches: Sequence[StoredBatch], state: State) -> None:
        """Hold the batches as `state` says. Parts of one flush a day and merged ones have key files, of the others every second one."""
        self._place(batches, state)
        self.index(self.parts if state in ("days", "merged") else self.parts[::2])

    def index(self, parts: Sequence[Part]) -> None:
        """Make and use the key files of these parts, however small they are."""
        for part in parts:
            target = self.folder / part.keys_path
            target.parent.mkdir(parents=True, exist_ok=True)
            with patch.object(property_codes, "MIN_ROWS", 0):
                assert self.tables.write_keys(part, self.folder / part.path, target)
            assert self.tables.open_keys(part, target, is_checked=False)

    def _place(self, batches: Sequence[StoredBatch], state: State) -> None:
        if state == "buffer":
            self.buffer(*batches)
        elif state == "days":
            self.flush(self.buffer(*batches))
        elif state in ("small", "merged"):
            for piece in _runs(batches, max(1, len(batches) // 3)):
                self.flush(self.buffer(*piece))
            if state == "merged":
                for project in {part.project_id for part in self.parts}:
                    self.merge(project)
        else:
            half, rest = len(batches) // 2, (len(batches) - len(batches) // 2 + 1) // 2
            for piece in _runs(batches[:half], max(1, half // 2)):
                self.flush(self.buffer(*piece))
            self.buffer(*batches[half : half + rest])
            self.buffer(*batches[half + rest :])

    def place_events(self, sent: Sequence[Event], state: State, *, batches: int = 12, **request: Any) -> None:
        """Events in the order of their arrival, in so many requests, held as `state` says."""
        self.place([self.batch(piece, **request) for piece in in_pieces(sent, batches)], state)

    # Asking

    def snapshot(self, project: str = "p") -> Snapshot:
        """Everything, newest part first, as the catalog gives it."""
        parts = sorted(
            (part for part in self.parts if part.project_id == project), key=lambda part: (-part.max_ts_ms, part.part_id)
        )
        return Snapshot(project, tuple(parts), tuple(self.buffers))

    def context(self, project: str = "p") -> Context:
        """What an insight gets."""
        return Context(self.engine, self.engine.pin(self.snapshot(project), LIMITS), LIMITS, 2)

    def rows(self, scope: Scope = ALL, matcher: Matcher = Matcher(None), project: str = "p", **keys: Any) -> list[EventRow]:
        """Events as the engine gives them, newest first."""
        return self.engine.page(self.snapshot(project), scope, matcher, _page_keys(keys), LIMITS)

    def table(self, columns: str, project: str = "p") -> list[dict[str, Any]]:
        """Columns of everything at rest, in the order of the events' ids, read past the engine."""
        from sv.engine.duck.relation import relation
        from sv.engine.duck.sql import Params

        params = Params()
        events = relation(self.snapshot(project), self.folder, params)
        with self.database.cursor() as cursor:
            answered = cursor.execute(f"select {columns} from ({events}) order by id", params.values)
            names = [column[0] for column in answered.description or []]
            return [dict(zip(names, row, strict=True)) for row in answered.fetchall()]


def _page_keys(keys: dict[str, Any]) -> PageKeys:
    return PageKeys(**{"limit": 100_000, **keys})  # pyright: ignore[reportArgumentType] - keys of any type


def _runs(batches: Sequence[StoredBatch], size: int) -> Iterator[Sequence[StoredBatch]]:
    for start in range(0, len(batches), size):
        yield batches[start : start + size]


@contextmanager
def opened(folder: Path, **options: Any) -> Generator[Rig]:
    """A rig that is closed on leaving."""
    rig = Rig(folder, **options)
    try:
        yield rig
    finally:
        rig.close()


@contextmanager
def opened_in_all_states(folders: pytest.TempPathFactory, sent: Sequence[Event]) -> Generator[dict[State, Rig]]:
    """The same events in every one of STATES, each in a rig of its own."""
    with ExitStack() as rigs:
        made: dict[State, Rig] = {}
        for state in STATES:
            made[state] = rigs.enter_context(opened(folders.mktemp(state)))
            made[state].place_events(sent, state)
        yield made


def properties_of(row: EventRow) -> dict[str, Any]:
    """What a reader of the event sees."""
    return row.enriched | msgspec.json.decode(row.properties)


def named(rows: Iterable[EventRow]) -> list[tuple[str, str]]:
    """(person, event) of each."""
    return [(row.distinct_id, row.event) for row in rows]
