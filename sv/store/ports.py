"""What the store needs of other rooms. `server.py` introduces them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sv.model.batch import StoredBatch
from sv.model.part import NewPart, Part


class BadBatch(Exception):
    """The tables can't take a batch however often it is tried: its content is at fault, not the machine."""


class FileFacts(Protocol):
    """What a file just written says of itself. Times are Unix milliseconds."""

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


class Tables(Protocol):
    """The engine's side of events at rest. A generation's methods are called by one thread at a time; those of two generations (the
    live buffer's and an import's) may run side by side."""

    def create_buffer(self, generation: int) -> None: ...

    def drain(self, generation: int, batches: Sequence[StoredBatch], *, remember_event_ids: bool = True) -> int:
        """Append the batches' events to the buffer, enriched, each once. All or nothing. Returns the rows appended.

        remember_event_ids: whether an event id counts as seen from now on, or only from a call of that name on.
        Raises BadBatch where the content is at fault, Unavailable where the machine is (memory, disk).
        """
        ...

    def remember_event_ids(self, generation: int) -> None:
        """From now on the event ids in this buffer are repetitions where they come again."""
        ...

    def drop_buffer(self, generation: int) -> None: ...

    def drop_project(self, project_id: str) -> None:
        """Delete the project's rows from every buffer."""
        ...

    def buffer_groups(self, generation: int) -> Sequence[BufferGroup]: ...

    def write_buffer_days(self, generation: int, project_id: str, days: Sequence[str], target: Path) -> FileFacts: ...

    def merge_files(self, sources: Sequence[Path], target: Path) -> FileFacts: ...

    def is_readable(self, path: Path) -> bool:
        """Whether every column of every row of the file can be read. Raises Unavailable where that can't be told (memory)."""
        ...

    def recall_event_ids(self, parts: Sequence[tuple[str, Path]], since_ms: int) -> None:
        """Remember the clients' event ids in these files (with their project ids) that were received since then."""
        ...

    def forget_event_ids(self, before_ms: int) -> None: ...


class CatalogRows(Protocol):
    """The catalog's rows on disk, each method one transaction that is durable when it returns."""

    def live_parts(self) -> Sequence[Part]: ...

    def dropped_parts(self) -> Sequence[Part]: ...

    def covered_seq(self) -> int:
        """The log position up to which every batch is in parts."""
        ...

    def commit_flush(self, parts: Sequence[NewPart], covered_seq: int) -> Sequence[Part]: ...

    def replace_parts(self, old_ids: Sequence[int], new_parts: Sequence[NewPart]) -> Sequence[Part]: ...

    def forget_dropped(self, part_ids: Sequence[int]) -> None: ...
