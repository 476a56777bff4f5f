"""Which files and buffers a query reads: an immutable view of one project's events at one moment."""

from msgspec import Struct

from sv.model.part import Part


class Snapshot(Struct, frozen=True):
    """Every event of the project that may lie within the asked range is in exactly one of these.

    parts: immutable Parquet files, by their rows in the catalog.
    buffers: generations of the in-memory buffer that are not (or not yet) in `parts`.
    """

    project_id: str
    parts: tuple[Part, ...]
    buffers: tuple[int, ...]

    def within(self, from_ms: int, to_ms: int) -> "Snapshot":
        """The same view without the parts that hold nothing of [from_ms, to_ms)."""
        parts = tuple(part for part in self.parts if part.min_ts_ms < to_ms and part.max_ts_ms >= from_ms)
        return Snapshot(self.project_id, parts, self.buffers)
