"""Which rows of a file may meet a condition, as filters of values (`fingerprints`) tell it."""

from collections.abc import Callable, Iterator, Sequence

from sv.engine.duck.fingerprints import BLOCK_ROWS, sought
from sv.engine.duck.key_conditions import Alternative
from sv.engine.duck.key_files import KeyFile, Reading
from sv.model.part import Part

GiveUp = Callable[[Part, KeyFile, OSError], None]
Range = tuple[int, int]


def rows_of(files: Sequence[tuple[Part, KeyFile]], some: Sequence[Alternative], give_up: GiveUp) -> dict[int, tuple[Range, ...]]:
    """Which rows, half-open and in the part's order, may be of any of the alternatives, by part. What is missing is not known."""
    found: dict[int, tuple[Range, ...]] = {}
    for part, file in files:
        try:
            with Reading(file) as reading:
                blocks = _blocks_of(file, reading, some)
        except OSError as error:
            give_up(part, file, error)
            continue
        if blocks is not None:
            found[part.part_id] = tuple((block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS) for block in sorted(blocks))
    return found


def _blocks_of(file: KeyFile, reading: Reading, some: Sequence[Alternative]) -> set[int] | None:
    found: set[int] = set()
    for one in some:
        told = list(_told(file, reading, one))
        if not told:
            return None
        found |= set[int].intersection(*told)
    return found


def _told(file: KeyFile, reading: Reading, one: Alternative) -> Iterator[set[int]]:
    for need in one.needs:
        values = sought(need.item)
        prints = file.fingerprints.get(need.item.property) if need.item is not None and need.column is None else None
        if values is not None and prints is not None:
            yield reading.blocks_with(prints, values)
