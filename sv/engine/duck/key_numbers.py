"""The numbers that key files' codes of a property stand for, in each of many files: for the measures of trends that are of numbers."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.key_files import KeyFile
from sv.engine.duck.key_values import Files, GiveUp, held_values, rows_holding
from sv.engine.duck.properties import IS_BOT, Property
from sv.engine.duck.run import Statements
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.port import Limits


class Numbers(Struct, frozen=True, eq=False):
    """values: ascending; equal ones may follow each other. places: of each code its number's place, len(values) for what is no number."""

    values: NDArray[np.float64]
    places: NDArray[np.int64]

    @property
    def has_others(self) -> bool:
        """Whether there are codes of what is no number."""
        return bool((self.places == self.values.size).any())


NO_NUMBERS: Final = Numbers(np.empty(0, np.float64), np.zeros(1, np.int64))


class Numbered(NamedTuple):
    """A property's numbers in one file. at, width: where the codes are; at is None where all rows have the one value."""

    at: int | None
    width: int
    numbers: Numbers


def numbers_by_file(name: str, files: Files, statements: Statements, give_up: GiveUp, limits: Limits) -> dict[KeyFile, Numbered]:
    """The property's numbers in each file that knows; in none for a property that has a typed column."""
    if name in STRING_PROPERTY_COLUMNS or name == IS_BOT:
        return {}
    held = held_values(files, name, give_up)
    found = dict.fromkeys(held.absent, Numbered(None, 1, NO_NUMBERS))
    number_of: dict[str | None, float | None] = {}
    if held.distinct:
        params = Params()
        number = Property(name, params).number()
        statement = f"select text, {number} from ({rows_holding(name, held.distinct, params)})"
        number_of = dict(statements.rows(params.sql(statement), limits))
    for texts, holders in held.texts.items():
        numbers = _numbers([number_of[text] for text in texts])
        found |= {file: Numbered(column.at, column.width, numbers) for file, column in holders}
    for file, (column, values) in held.numbers.items():
        found[file] = Numbered(column.at, column.width, Numbers(values, np.concatenate(([values.size], np.arange(values.size)))))
    return found


def _numbers(of_codes: Sequence[float | None]) -> Numbers:
    """By code; None for what is no number."""
    held = np.array(of_codes, np.float64)  # None becomes nan
    values, places = np.unique(held[~np.isnan(held)], return_inverse=True)
    of_all = np.full(held.size, values.size, np.int64)
    of_all[~np.isnan(held)] = places
    return Numbers(values, of_all)
