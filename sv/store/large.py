"""Tells which parts must not be merged any further, because their rows are so large that the engine could not write many of them at once.

How much a part has of large rows is read once, before it is first merged. Assumes that a part's number stands for its content for ever.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from sv.model.part import Part
from sv.store.ports import Tables


class LargeRows:
    """For the thread that has the maintenance's turn."""

    def __init__(self, tables: Callable[[], Tables], data_folder: Path) -> None:
        self._tables = tables
        self._data_folder = data_folder
        self._bytes: dict[int, int] = {}

    def mergeable(self, parts: Collection[Part]) -> list[Part]:
        """The parts without those known to hold more than half of the large rows that a file may have: two of these would not fit into one
        file."""
        live = {part.part_id for part in parts}
        self._bytes = {part_id: count for part_id, count in self._bytes.items() if part_id in live}
        if not self._bytes:
            return list(parts)
        most = self._tables().most_large_bytes // 2
        return [part for part in parts if self._bytes.get(part.part_id, 0) <= most]

    def fitting(self, parts: Sequence[Part]) -> list[Part]:
        """The first of these parts that fit into one file together, and all that have no large rows."""
        most = self._tables().most_large_bytes
        chosen: list[Part] = []
        for part in parts:
            if part.part_id not in self._bytes:
                self._bytes[part.part_id] = self._tables().large_bytes(self._data_folder / part.path)
            if self._bytes[part.part_id] <= most:
                chosen.append(part)
                most -= self._bytes[part.part_id]
        return chosen
