"""The live parts in memory, and which snapshots still read them.

A query holds a snapshot: the parts and buffer generations that together have each event exactly once. A part that compaction replaced, and
a buffer that was flushed, are removed only when the last snapshot that has them is released. Callers write the catalog's rows on disk first
and change this afterwards.

# INVARIANT STORE-1: parts and buffers change together under one lock, so that a snapshot sees a flushed event in its part or in its
# buffer, never in both and never in neither.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from sv.model.part import Part
from sv.model.snapshot import Snapshot


class Catalog:
    """Thread-safe; every method is short and does no I/O."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._lock = threading.Lock()
        self._parts: dict[int, Part] = {}
        self._of_project: dict[str, dict[int, Part]] = {}
        """The same, so that a question to one project costs nothing for those of the others."""
        self._buffers: list[int] = []
        self._part_readers: Counter[int] = Counter()
        self._buffer_readers: Counter[int] = Counter()
        self._dropped_parts: dict[int, Part] = {}
        self._dropped_buffers: set[int] = set()
        self._suspects: list[Part] = []
        self.version = 0
        """Grows with each change of what later snapshots hold."""
        self._add(parts)

    def _add(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._parts[part.part_id] = part
            self._of_project.setdefault(part.project_id, {})[part.part_id] = part

    def _take_out(self, part_id: int) -> Part | None:
        part = self._parts.pop(part_id, None)
        if part is not None:
            own = self._of_project[part.project_id]
            del own[part_id]
            if not own:
                del self._of_project[part.project_id]
        return part

    def parts(self, project_id: str | None = None) -> list[Part]:
        """The live parts, of one project or of all."""
        with self._lock:
            return list((self._parts if project_id is None else self._of_project.get(project_id, {})).values())

    def are_live(self, part_ids: Iterable[int]) -> bool:
        """Whether all of these parts are live."""
        with self._lock:
            return all(part_id in self._parts for part_id in part_ids)

    def take(self, project_id: str, from_ms: int, to_ms: int) -> Snapshot:
        """The parts and buffers that may hold the project's events of [from_ms, to_ms), newest part first. Must be given back by
        `release`."""
        with self._lock:
            parts = sorted(
                (
                    part
                    for part in self._of_project.get(project_id, {}).values()
                    if part.min_ts_ms < to_ms and part.max_ts_ms >= from_ms
                ),
                key=lambda part: (-part.max_ts_ms, part.part_id),
            )
            snapshot = Snapshot(project_id, tuple(parts), tuple(self._buffers))
            self._part_readers.update(part.part_id for part in parts)
            self._buffer_readers.update(self._buffers)
            return snapshot

    def release(self, snapshot: Snapshot) -> None:
        with self._lock:
            for part in snapshot.parts:
                self._part_readers[part.part_id] -= 1
                if not self._part_readers[part.part_id]:
                    del self._part_readers[part.part_id]
            for generation in snapshot.buffers:
                self._buffer_readers[generation] -= 1
                if not self._buffer_readers[generation]:
                    del self._buffer_readers[generation]

    def note_suspects(self) -> None:
        """The engine has just failed, maybe at one of the parts that are being read."""
        with self._lock:
            self._suspects = [part for part_id, part in self._parts.items() if part_id in self._part_readers]

    def suspects(self) -> tuple[list[Part], list[Part]]:
        """The live parts that snapshots held when the engine failed, and all others, newest first."""
        with self._lock:
            noted = {part.part_id for part in self._suspects}
            parts = sorted(self._parts.values(), key=lambda part: -part.part_id)
        return [part for part in parts if part.part_id in noted], [part for part in parts if part.part_id not in noted]

    def add_buffer(self, generation: int) -> None:
        with self._lock:
            self._buffers.append(generation)

    def replace(self, *, parts: Sequence[int] = (), buffers: Sequence[int] = (), by: Sequence[Part]) -> None:
        """Put `by` in the place of these parts and buffers, for every snapshot taken from now on."""
        with self._lock:
            self.version += 1
            for part_id in parts:
                dropped = self._take_out(part_id)
                if dropped is not None:
                    self._dropped_parts[part_id] = dropped
            for generation in buffers:
                if generation in self._buffers:
                    self._buffers.remove(generation)
                    self._dropped_buffers.add(generation)
            self._add(by)

    def withdraw(self, part_id: int) -> None:
        """Hide a part from every snapshot taken from now on, and leave its file and its row as they are."""
        with self._lock:
            self.version += 1
            self._take_out(part_id)

    def add_dropped(self, parts: Sequence[Part]) -> None:
        """Parts that an earlier run replaced and did not get to delete."""
        with self._lock:
            self._dropped_parts.update((part.part_id, part) for part in parts)

    def dropped_parts(self, project_id: str) -> set[int]:
        """The parts of the project that were replaced and whose files may still lie there."""
        with self._lock:
            return {part_id for part_id, part in self._dropped_parts.items() if part.project_id == project_id}

    def unread_parts(self) -> list[Part]:
        """Dropped parts that no snapshot holds: their files can go."""
        with self._lock:
            return [part for part_id, part in self._dropped_parts.items() if part_id not in self._part_readers]

    def unread_buffers(self) -> list[int]:
        """Dropped buffers that no snapshot holds: their tables can go."""
        with self._lock:
            return [generation for generation in self._dropped_buffers if generation not in self._buffer_readers]

    def forget(self, *, parts: Sequence[int] = (), buffers: Sequence[int] = ()) -> None:
        with self._lock:
            for part_id in parts:
                self._dropped_parts.pop(part_id, None)
            self._dropped_buffers.difference_update(buffers)
