"""What the store needs from other rooms, as protocols. `server.py` introduces the two sides."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sv.model.batch import StoredBatch
from sv.model.ledger import Tally
from sv.model.part import NewPart, Part
from sv.model.rollup import Summary
from sv.model.unwanted import Unwanted


class BadBatch(Exception):
    """A batch that the tables can't take however often it is tried: its content is at fault, not the machine."""


class FileFacts(Protocol):
    """What a file that was just written says about itself. Times are Unix milliseconds."""

    @property
    def rows(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def min_ts_ms(self) -> int: ...
    @property
    def max_ts_ms(self) -> int: ...
    @property
    def min_received_ms(self) -> int: ...
    @property
    def max_received_ms(self) -> int: ...


class BufferGroup(Protocol):
    """The rows of one project and one UTC day in a buffer."""

    @property
    def project_id(self) -> str: ...
    @property
    def day(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def weight(self) -> int:
        """What the rows count towards a file's limit: the bytes of large rows, and a share of the others' bytes."""
        ...


class DeletedProjects(Protocol):
    """The metadata's side of projects that were deleted, maybe by another process."""

    def ids(self) -> Collection[str]:
        """Every one."""
        ...

    def with_remains(self) -> Sequence[str]:
        """The deleted projects of whose events or recordings something is left."""
        ...

    def forget(self, project_id: str) -> None:
        """Forget all of it; the files are the caller's to remove."""
        ...


class Tables(Protocol):
    """The engine's side of events at rest. A generation's methods are called by one thread at a time, but for those that write a file and
    summarise, which only read it; those of several (the live buffer's and an import's chunks') may run side by side."""

    @property
    def memory_bytes(self) -> int:
        """How much memory the engine may use for everything that it works on."""
        ...

    def create_buffer(self, generation: int) -> None: ...

    def drain(self, generation: int, batches: Sequence[StoredBatch], *, remember_event_ids: bool = True) -> int:
        """Append the batches' events to the buffer, enriched, each once. All or nothing. Returns the rows appended.

        batches: all with columns, and of one project, moment and User-Agent, or none.
        remember_event_ids: whether an event id counts as seen from now on, or only from a call of that name on.
        Raises BadBatch where the content is at fault, Unavailable where the machine is (memory, disk).
        """
        ...

    def remember_event_ids(self, generation: int) -> None:
        """From now on the event ids in this buffer are repetitions where they come again."""
        ...

    def has_event_ids(self, generation: int) -> bool:
        """Whether an event in this buffer has one that counts for anything."""
        ...

    def has_repeats(self, generation: int) -> bool:
        """Whether one of these event ids has been remembered for another event. To be asked before they are remembered."""
        ...

    def drop_buffer(self, generation: int) -> None: ...

    def buffer_groups(self, generation: int) -> Sequence[BufferGroup]: ...

    def count_bots(self, generation: int) -> int:
        """The buffer's rows that are marked `$is_bot`."""
        ...

    @property
    def most_large_bytes(self) -> int:
        """How many bytes of large rows a file may have, and how much it may weigh. The engine hasn't the memory for more at once."""
        ...

    def large_bytes(self, path: Path) -> int:
        """How many bytes of large rows a file has; more than a file may have where memory doesn't suffice to tell."""
        ...

    def buffer_spans(self, generation: int, project_id: str, days: Sequence[str]) -> Sequence[tuple[int, int]]:
        """One project's rows of these days cut into spans, none of which weighs more than one file may."""
        ...

    def write_buffer_days(
        self, generation: int, project_id: str, days: Sequence[str], target: Path, span: tuple[int, int] | None = None
    ) -> FileFacts:
        """Write one project's rows of these days, or of a span of them, into a new file."""
        ...

    def merge_files(self, sources: Sequence[Path], target: Path) -> FileFacts: ...

    def interrupt_writing(self) -> None:
        """Interrupt the call that is just writing a buffer's days, merging or rewriting files, or making a key file, which then raises
        Unavailable. May be called by any thread."""
        ...

    def interrupt_all(self) -> None:
        """End whatever the engine is at, questions too. For a process that is about to end. Others may call it."""
        ...

    def session_ids(self, path: Path, persons: Sequence[int]) -> list[str]:
        """The clients' session ids of these persons' rows."""
        ...

    def count_unwanted(self, path: Path, unwanted: Unwanted) -> int: ...

    def write_without(self, source: Path, unwanted: Unwanted, target: Path) -> FileFacts:
        """Write the other rows of a file, of which there must be some, into a new one."""
        ...

    def is_readable(self, path: Path) -> bool:
        """Whether every column of every row of the file can be read. Raises Unavailable where that can't be told (memory)."""
        ...

    def wants_keys(self, part: Part) -> bool:
        """Whether the part is large enough for a key file to pay off."""
        ...

    def open_keys(self, part: Part, path: Path, *, is_checked: bool) -> bool:
        """Have queries use the file. False where it isn't there or isn't whole. Raises OSError."""
        ...

    def are_keys_outdated(self, part_id: int) -> bool:
        """Whether the file that was just opened is of an earlier layout, which says less than one that is made anew."""
        ...

    def lost_keys(self) -> set[int]:
        """The parts whose key files queries could not read, and use no more, since this was asked last."""
        ...

    def write_keys(self, part: Part, source: Path, target: Path) -> bool:
        """Make the key file of the part, whose own file is `source`, at `target`. False where it can have none."""
        ...

    def forget_keys(self, part_id: int) -> None:
        """Drop everything kept of a part that no query reads any more."""
        ...

    def recall_event_ids(self, parts: Sequence[tuple[str, Path]], since_ms: int) -> None:
        """Remember the clients' event ids in these files (with their project ids) that were received since then: of all or of none."""
        ...

    def has_recalled(self, path: Path) -> bool:
        """Whether those of this file are remembered already, by a recalling that did not get to its end."""
        ...

    def forget_event_ids(self, before_ms: int) -> None: ...

    def recall_again(self) -> None:
        """Forget all event ids, and recall them when the next event brings one. Nothing may be drained meanwhile, nor be in buffers."""
        ...

    def summarise(
        self, generations: Sequence[int], after_seq: int, up_to_seq: int, project_id: str | None = None
    ) -> Sequence[Summary]:
        """Summaries for the rollups of the buffers' rows with log positions above `after_seq` and up to `up_to_seq`."""
        ...

    def summarise_file(self, path: Path, project_id: str) -> Iterator[Summary]:
        """The same of a file's rows, piece by piece."""
        ...

    def position_after(self, generations: Sequence[int], after_seq: int, rows: int) -> int | None:
        """The log position of the row that is so many rows behind `after_seq`; None where there are fewer rows."""
        ...


class CatalogRows(Protocol):
    """The catalog's rows on disk, each method one transaction that is durable when it returns."""

    def live_parts(self) -> Sequence[Part]: ...

    def dropped_parts(self) -> Sequence[Part]: ...

    def covered_seq(self) -> int:
        """The log position up to which every batch is in parts."""
        ...

    def commit_flush(self, parts: Sequence[NewPart], covered_seq: int, tally: Tally | None = None) -> Sequence[Part]: ...

    def replace_parts(self, old_ids: Sequence[int], new_parts: Sequence[NewPart]) -> Sequence[Part]: ...

    def set_aside(self, part_id: int) -> None:
        """Drop a part that can't be read."""
        ...

    def forget_dropped(self, part_ids: Sequence[int]) -> None: ...

    def note_unfinished(self, path: str, made_of: Sequence[int]) -> None:
        """A file is about to be written that is to take the place of these parts; `replace_parts` strikes it."""
        ...

    def unfinished(self) -> Mapping[str, Set[int]]:
        """The files that were begun and are in no part, with the parts that each was made of."""
        ...

    def forget_unfinished(self, paths: Sequence[str]) -> None: ...

    def settle(self) -> None:
        """Make these rows durable, even if the process that wrote them was killed before its sync."""
        ...


class RollupRows(Protocol):
    """The rollups at rest. Unless a method says that it is durable, its change becomes so with the next durable transaction."""

    def rolled_seq(self) -> int:
        """The log position up to which events are in the rollups."""
        ...

    def fold(self, summaries: Sequence[Summary], rolled_seq: int, now_ms: int) -> None:
        """Merge the summaries of the events up to a log position, and remember that, at once."""
        ...

    def begin(self, project_id: str) -> int:
        """Begin a new build of a project's rollups, durably. What is folded from now on goes into it too."""
        ...

    def add(self, build: int, summaries: Sequence[Summary], now_ms: int) -> bool:
        """Merge summaries into it. False where it is not being made any more."""
        ...

    def finish(self, build: int) -> bool:
        """Have it read, durably. False where it is not being made any more."""
        ...

    def has_unfinished(self) -> bool: ...

    def drop_unfinished(self) -> None: ...

    def projects_to_build(self) -> Sequence[str]: ...

    def has_dropped(self) -> bool: ...

    def purge(self) -> bool:
        """Delete some of what was dropped. False where there is nothing."""
        ...


class Turns(Protocol):
    """The background work, as far as a rebuild needs it (`maintenance.py`)."""

    def turn(self) -> AbstractContextManager[None]:
        """Nothing is flushed, merged or imported meanwhile."""
        ...

    def check_all(self, parts: Sequence[Part]) -> int: ...
