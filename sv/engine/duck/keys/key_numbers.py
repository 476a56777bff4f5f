"""The numbers that a property's codes stand for in key files: for trends that measure numbers (sums, averages, quantiles)."""

import math
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys.key_files import KeyFile
from sv.engine.duck.keys.key_values import Files, GiveUp, held_values
from sv.engine.duck.keys.property_codes import NUMBER_BEGINS, Span
from sv.engine.duck.keys.value_blocks import NumberColumn
from sv.engine.duck.properties import IS_BOT
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS


class Numbers(Struct, frozen=True, eq=False):
    """of_codes: the number by code; nan for a value that is no number. ascending: the codes of numbers, in the order of the numbers."""

    of_codes: NDArray[np.float64]
    ascending: NDArray[np.int64] | slice

    @property
    def has_others(self) -> bool:
        """Whether some codes stand for values that are no numbers."""
        return bool(np.isnan(self.of_codes).any())


NO_NUMBERS: Final = Numbers(np.full(1, np.nan), slice(0, 0))
THEMSELVES: Final = Numbers(np.empty(0), slice(0, 0))
"""In the place of codes there are the numbers themselves, nan where there is none."""


class Numbered(NamedTuple):
    """A property's numbers in one file. at, width, span: where the codes are, as of `PropertyColumn`. themselves: the numbers where they
    are there in the codes' place, and `numbers` is THEMSELVES."""

    at: int | None
    width: int
    numbers: Numbers
    span: Span | None = None
    themselves: NumberColumn | None = None


def numbers_by_file(name: str, files: Files, give_up: GiveUp) -> dict[KeyFile, Numbered]:
    """The property's numbers in each file that has them coded, or row by row. None has them for a property with a typed column."""
    if name in STRING_PROPERTY_COLUMNS or name == IS_BOT:
        return {}
    held = held_values(files, name, give_up)
    found = dict.fromkeys(held.absent, Numbered(None, 1, NO_NUMBERS))
    number_of = {text: number_in(text) for text in held.distinct}
    for texts, holders in held.texts.items():
        of_codes = np.array([number_of[text] for text in texts], np.float64)
        numbers = Numbers(of_codes, np.argsort(of_codes)[: np.count_nonzero(~np.isnan(of_codes))])  # nan is put last
        found |= {file: Numbered(column.at, column.width, numbers, column.span) for file, column in holders}
    for file, (column, values) in held.numbers.items():
        found[file] = Numbered(column.at, column.width, Numbers(values, slice(1, None)), column.span)
    columns = {file: column for _, file in files if (column := file.numbers.get(name)) is not None}
    return found | {file: Numbered(column.at, column.width, THEMSELVES, themselves=column) for file, column in columns.items()}


def number_in(text: str | None) -> float:
    """As `Property.number` has it of JSON with the text in it; nan for what is no number."""
    return float(text) if text is not None and text[0] in NUMBER_BEGINS else math.nan
