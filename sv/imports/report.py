"""What an import says when it is done: counts, reasons with examples, the times of the events."""

from dataclasses import dataclass, field
from typing import Any, Final

from sv.imports.chunks import Chunk, Rejected
from sv.imports.rows import Unit
from sv.imports.targets import Outcome
from sv.model.calendar import iso_ms

EXAMPLES_PER_REASON: Final = 5

UNIX_SECONDS_END: Final = 4_000_000_000
"""Seconds since 1970 of the year 2096: as milliseconds they are of the first 47 days, in which nobody's events are."""


@dataclass(slots=True)
class Reason:
    """How many rows were rejected for one reason, and the first of them."""

    count: int = 0
    examples: list[Rejected] = field(default_factory=list[Rejected])


@dataclass(slots=True)
class FileReport:
    """One file's import.

    rows: read in this run, whatever became of them. taken: events that are in and were not before. repeated: events that are in under
    the same eventId. rejected: rows that made no event, of a strict import also those before `skipped_to`. skipped_to: the place up to
    which an earlier run had come (0: none).
    read_as: the other product whose export it is, and what it is called; None for our own fields.
    already: rows of this run whose chunk turned out to be in (an answer that was lost, a second import beside this one).
    members: of an archive, how many files are read as one.
    """

    name: str
    import_id: str
    format: str
    unit: Unit
    read_as: tuple[str, str] | None = None
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
    members: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict[str, Reason])

    def add(self, chunk: Chunk, outcome: Outcome) -> None:
        """Count a chunk that the target has answered for."""
        self.rows += chunk.rows
        if outcome.is_already:
            self.already += chunk.rows
            return
        for rejected in chunk.rejections:
            self.reject(rejected.code, 1, rejected)
        for code, count in outcome.refused.items():
            self.reject(code, count, *(rejected for rejected in outcome.examples if rejected.code == code))
        self.taken += outcome.taken
        self.repeated += chunk.event_count - sum(outcome.refused.values()) - outcome.taken
        self.undated += chunk.undated
        if chunk.first_ms is not None and chunk.last_ms is not None:
            self.first_ms = chunk.first_ms if self.first_ms is None else min(self.first_ms, chunk.first_ms)
            self.last_ms = chunk.last_ms if self.last_ms is None else max(self.last_ms, chunk.last_ms)

    def as_json(self) -> dict[str, Any]:
        """For scripts: the fields, the reasons as a list, times as ISO 8601."""
        return {
            "file": self.name,
            "import_id": self.import_id,
            "format": self.format,
            "read_as": self.read_as[0] if self.read_as is not None else "sv",
            "rows": self.rows,
            "taken": self.taken,
            "rejected": self.rejected,
            "repeated": self.repeated,
            "already_rows": self.already,
            "already_up_to": self.skipped_to,
            "without_timestamp": self.undated,
            "first_event": None if self.first_ms is None else iso_ms(self.first_ms),
            "last_event": None if self.last_ms is None else iso_ms(self.last_ms),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows / self.seconds) if self.seconds else None,
            "rejections": [
                {
                    "code": code,
                    "count": reason.count,
                    "examples": [{self.unit: example.at, "message": example.message} for example in reason.examples],
                }
                for code, reason in self.reasons.items()
            ],
        }

    def lines(self, *, is_dry: bool) -> list[str]:
        """For people."""
        name = _plain(self.name)
        speed = f", {self.rows / self.seconds:,.0f} rows/s" if self.rows and self.seconds else ""
        found = [f"{name}: {self._summary(is_dry)} ({self.seconds:.1f} s{speed})"]
        if self.read_as is not None:
            found.append(f"  read as {self.read_as[1]}; --from sv reads it as it stands")
        if self.first_ms is not None and self.last_ms is not None:
            found.append(f"  events from {iso_ms(self.first_ms)} to {iso_ms(self.last_ms)}")
            if self.first_ms < UNIX_SECONDS_END:
                found.append("  some are of early 1970, as Unix seconds would be: times are read as milliseconds or ISO 8601")
        if self.undated:
            found.append(f"  {self.undated:,} without a timestamp: they happened at the import")
        if self.repeated:
            found.append(f"  {self.repeated:,} were in already under the same eventId")
        if self.reasons and self.members > 1:
            found.append(f"  {self.unit}s are counted through the {self.members:,} files in it, in the order of their names")
        for code, reason in self.reasons.items():
            found.append(f"  {reason.count:,} rejected: {code}")
            found += [f"    {name}:{example.at}: {_plain(example.message)}" for example in reason.examples]
            if reason.count > len(reason.examples):
                found.append(f"    and {reason.count - len(reason.examples):,} more")
        if self.rejected and self.taken and not is_dry:
            found.append(
                "  put right, they go into a file of their own: this one, changed, is another one and comes in whole again"
            )
        return found

    def _summary(self, is_dry: bool) -> str:
        if (self.skipped_to and not self.rows) or self.already == self.rows > 0:
            return f"nothing new; all of it was taken in before, up to {self.unit} {max(self.skipped_to, self.rows):,}"
        text = (
            f"{self.rows:,} rows read, {self.taken:,} {'would be taken in' if is_dry else 'taken in'}, {self.rejected:,} rejected"
        )
        if self.already:
            text += f", {self.already:,} already in"
        return text + (f", going on after {self.unit} {self.skipped_to:,}" if self.skipped_to else "")

    def reject(self, code: str, count: int, *examples: Rejected) -> None:
        """Count rows that made no event for this reason."""
        self.rejected += count
        reason = self.reasons.setdefault(code, Reason())
        reason.count += count
        reason.examples += examples[: EXAMPLES_PER_REASON - len(reason.examples)]


def _plain(text: str) -> str:
    """Text on one line that does nothing to a terminal: messages repeat what a file says."""
    return text if text.isprintable() else ascii(text)[1:-1]
