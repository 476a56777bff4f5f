"""Finds the rows of a file that may meet a condition, with the Bloom filters of `fingerprints`."""

from collections.abc import Callable, Iterator, Sequence

from sv.engine.duck.keys.fingerprints import BLOCK_ROWS, Hashes, sought
from sv.engine.duck.keys.key_conditions import Alternative
from sv.engine.duck.keys.key_files import KeyFile, Reading
from sv.model.part import Part

GiveUp = Callable[[Part, KeyFile, OSError], None]
Range = tuple[int, int]
Sought = tuple[str, Hashes]
"""A property's name and fingerprints, of one of which its value has to be."""


def rows_of(files: Sequence[tuple[Part, KeyFile]], some: Sequence[Alternative], give_up: GiveUp) -> dict[int, tuple[Range, ...]]:
    """For each part, the half-open ranges of rows (in the part's order) that may match any of the alternatives. A part that is missing from
    the answer may have matches anywhere."""
    found: dict[int, tuple[Range, ...]] = {}
    asked = [list(_sought(one)) for one in some]
    for part, file in files:
        try:
            with Reading(file) as reading:
                blocks = _blocks_of(file, reading, asked)
        except OSError as error:
            give_up(part, file, error)
            continue
        if blocks is not None:
            found[part.part_id] = tuple((block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS) for block in sorted(blocks))
    return found


def _sought(one: Alternative) -> Iterator[Sought]:
    for need in one.needs:
        values = sought(need.item) if need.column is None else None
        if need.item is not None and values is not None:
            yield need.item.property, values


def _blocks_of(file: KeyFile, reading: Reading, asked: Sequence[Sequence[Sought]]) -> set[int] | None:
    found: set[int] = set()
    for one in asked:
        told = [
            reading.blocks_with(prints, values) for name, values in one if (prints := file.fingerprints.get(name)) is not None
        ]
        if not told:
            return None
        found |= set[int].intersection(*told)
    return found
