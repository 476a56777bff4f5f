"""Cuts a piece of an export into slices of time that the engine's memory can sort.

SCAR: the engine's sort doesn't spill long texts. A hundred thousand events of two kilobytes, or a day of 400,000 with ten properties, were
more than a server of 512 MiB could sort, so that exports of them never ended.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from sv.engine.port import Limits
from sv.model.exports import Piece
from sv.model.limits import HOUR_MS, MAX_QUERY_S
from sv.model.snapshot import Snapshot

SORT_SHARE: Final = 4
"""Of the engine's memory: one of these is what a slice may weigh. Two are sorted at once, each in as much again."""

EVENT_BYTES: Final = 300
"""What an event weighs besides its properties: ids and names in its line, what enrichment adds, and the sort's own."""

_LIMITS: Final = Limits(MAX_QUERY_S)


class Slice(NamedTuple):
    """A half-open range of event time. is_ordered: whether its events are sorted."""

    from_ms: int
    to_ms: int
    is_ordered: bool


class ExportSlices:
    """Thread-safe. memory_bytes: the engine's. events: a select of a snapshot's events."""

    def __init__(
        self, statements: Statements, data_folder: Path, memory_bytes: int, events: Callable[[Snapshot, Params], str]
    ) -> None:
        self._statements = statements
        self._data_folder = data_folder
        self._most_bytes = memory_bytes // SORT_SHARE
        self._events = events

    def of(self, piece: Piece, source: Snapshot, condition: Callable[[Params], str]) -> list[Slice]:
        """The piece as a whole where it can be sorted or needn't be, else its slices. source: the snapshot of the piece. condition: the SQL
        condition that a row is in it."""
        if not piece.is_ordered or self._is_light(piece, source):
            return [Slice(piece.from_ms, piece.to_ms, piece.is_ordered)]
        params = Params()
        statement = params.sql(f"""
            select epoch_ms(timestamp) // {HOUR_MS} * {HOUR_MS} as hour_ms, sum(strlen(properties) + {EVENT_BYTES})::bigint
            from ({self._events(source, params)})
            where {condition(params)}
            group by hour_ms
            order by hour_ms
            """)
        return slices_of(piece, self._statements.rows(statement, _LIMITS), self._most_bytes)

    def _is_light(self, piece: Piece, source: Snapshot) -> bool:
        """Whether all the data in the piece's files and buffers is small. Files' footers tell, as long as no text in a file stands for
        several rows (dictionary encoding)."""
        weight = piece.events * EVENT_BYTES
        if source.parts:
            params = Params()
            paths = params.bind([str(self._data_folder / part.path) for part in source.parts])
            statement = params.sql(f"""
                select coalesce(sum(total_uncompressed_size), 0)::bigint, coalesce(bool_or(contains(encodings, 'DICTIONARY')), false)
                from parquet_metadata({paths})
                where path_in_schema = 'properties'
                """)
            ((property_bytes, has_repeated),) = self._statements.rows(statement, _LIMITS)
            if has_repeated:
                return False
            weight += property_bytes
        if source.buffers:
            params = Params()
            buffered = self._events(source.without_parts(), params)
            statement = params.sql(f"select coalesce(sum(strlen(properties)), 0)::bigint from ({buffered})")
            weight += self._statements.rows(statement, _LIMITS)[0][0]
        return weight <= self._most_bytes


def slices_of(piece: Piece, hours: Sequence[tuple[int, int]], most_bytes: int) -> list[Slice]:
    """Joins neighbouring hours up to the weight that can be sorted; an hour that alone weighs more is left unordered. hours: (start,
    weight), ascending."""
    begun: list[tuple[int, int]] = []
    for hour_ms, weight in hours:
        if begun and begun[-1][1] + weight <= most_bytes:
            begun[-1] = (begun[-1][0], begun[-1][1] + weight)
        else:
            begun.append((hour_ms, weight))
    borders = [piece.from_ms, *(hour_ms for hour_ms, _ in begun[1:]), piece.to_ms]
    return [Slice(low, high, weight <= most_bytes) for (low, high), (_, weight) in zip(pairwise(borders), begun, strict=False)]
