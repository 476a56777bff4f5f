"""What an import says when it is done: counts, reasons with examples, the times of the events."""

from dataclasses import dataclass, field
from typing import Any, Final

from sv.imports.chunks import Chunk, Rejected
from sv.imports.rows import Unit
from sv.model.calendar import iso_utc

EXAMPLES_PER_REASON: Final = 5


@dataclass(slots=True)
class Reason:
    """How many rows were rejected for one reason, and the first of them."""

    count: int = 0
    examples: list[Rejected] = field(default_factory=list[Rejected])


@dataclass(slots=True)
class FileReport:
    """One file's import.

    rows: read in this run, whatever became of them. taken: events that are in and were not before. repeated: events that are in under
    the same eventId. rejected: rows that made no event. skipped_to: the place up to which an earlier run had come (0: none).
    already: rows of this run whose chunk turned out to be in (an answer that was lost, a second import beside this one).
    """

    name: str
    import_id: str
    format: str
    unit: Unit
    skipped_to: int = 0
    rows: int = 0
    taken: int = 0
    repeated: int = 0
    rejected: int = 0
    already: int = 0
    undated: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    seconds: float = 0.0
    reasons: dict[str, Reason] = field(default_factory=dict[str, Reason])

    def add(self, chunk: Chunk, taken: int, refused: list[Rejected], refused_count: int, *, is_already: bool) -> None:
        """Count a chunk that the target has answered for. refused: of the target's own rejections the first."""
        self.rows += chunk.rows
        if is_already:
            self.already += chunk.rows
            return
        for rejected in (*chunk.rejections, *refused):
            self._reject(rejected)
        self.rejected += refused_count - len(refused)
        self.taken += taken
        self.repeated += chunk.event_count - refused_count - taken
        self.undated += chunk.undated
        self.first_ms = _least(self.first_ms, chunk.first_ms)
        self.last_ms = _greatest(self.last_ms, chunk.last_ms)

    def _reject(self, rejected: Rejected) -> None:
        self.rejected += 1
        reason = self.reasons.setdefault(rejected.code, Reason())
        reason.count += 1
        if len(reason.examples) < EXAMPLES_PER_REASON:
            reason.examples.append(rejected)
