"""Which files and buffers a query reads: an immutable view of one project's events at one moment."""

from msgspec import Struct
from msgspec.structs import replace

from sv.model.part import Part


class Snapshot(Struct, frozen=True):
    """Every event of the project that may lie within the asked range is in exactly one of these.

    parts: immutable Parquet files, by their rows in the catalog.
    buffers: generations of the in-memory buffer that are not (or not yet) in `parts`. The last of them may still be growing.
    last_seq: the log position up to which the buffers' events count; None for all that a buffer holds when it is read.
    is_merged: whether events of an anonymous id are those of its user (`sv.model.identity`). aliases: as of when, where a query counts
    persons (`Engine.attribute`).
    """

    project_id: str
    parts: tuple[Part, ...]
    buffers: tuple[int, ...]
    last_seq: int | None = None
    is_merged: bool = False
    aliases: int | None = None

    def within(self, from_ms: int, to_ms: int) -> "Snapshot":
        """The same view without the parts that hold nothing of [from_ms, to_ms)."""
        parts = tuple(part for part in self.parts if part.min_ts_ms < to_ms and part.max_ts_ms >= from_ms)
        return replace(self, parts=parts)

    def with_parts(self, parts: tuple[Part, ...]) -> "Snapshot":
        """The same view with some of its parts alone."""
        return replace(self, parts=parts)

    def without_parts(self) -> "Snapshot":
        """The buffers alone."""
        return replace(self, parts=())

    def without_buffers(self) -> "Snapshot":
        """The parts alone."""
        return replace(self, buffers=())

    def pinned(self, last_seq: int) -> "Snapshot":
        """The same view without events that enter the buffers after this log position."""
        return replace(self, last_seq=last_seq)

    def merged(self) -> "Snapshot":
        """The same view by the rules of merged identity."""
        return replace(self, is_merged=True)

    def attributed(self, aliases: int) -> "Snapshot":
        """The same view with aliases as of a refresh, so that every query attributes events to the same persons."""
        return replace(self, aliases=aliases)
